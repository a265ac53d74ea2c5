// Bench measures how much memory the built programs need: hub consume with a
// backlog of two million rows, and spoke with an account of 200,000 findings, and with
// one that has much of several categories at once, and with many accounts; and how fast hub replay is, with
// small files and large ones, and with the latency that S3 has.
//
//	go run ./deploy/bench            a few minutes
//	go run ./deploy/bench -quick     a hundredth of it, to see that it works
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

const (
	region     = "eu-central-1"
	account    = "111122223333"
	hubAccount = "444455556666"
	streamName = "bench"
	bucketName = "bench"
)

func main() {
	quick := flag.Bool("quick", false, "few rows: the figures mean nothing")
	only := flag.String("only", "", "measure only `one`: spoke, pull, hub or replay")
	bin := flag.String("bin", "bin", "directory of the built programs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	size := size{accounts: 100, rowsPerAccount: 20_000, findings: 200_000, smallFiles: 2240, largeFiles: 60, only: *only,
		account: accountSize{findings: 50_000, nodes: 100, applications: 2_000, resources: 20_000, page: pageSize},
		pull:    pullSize{100, accountSize{findings: 2_000, nodes: 2, applications: 250, resources: 500, page: 100}}}
	if *quick {
		size.accounts, size.findings, size.smallFiles, size.largeFiles = 1, 2_000, 16, 2
		size.account = accountSize{findings: 2_000, nodes: 3, applications: 1_500, resources: 2_000, page: pageSize}
		size.pull = pullSize{2, accountSize{findings: 20, nodes: 2, applications: 3, resources: 5, page: 2}}
	}
	usages, err := run(ctx, *bin, size)
	if err == nil && !report(os.Stdout, usages) && !*quick {
		err = errors.New("a goal was missed")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// size of the measurements.
type size struct {
	accounts, rowsPerAccount, findings int
	smallFiles, largeFiles             int
	account                            accountSize
	pull                               pullSize
	only                               string
}

// usage is what a program needed.
type usage struct {
	what    string
	memory  int64 // peak resident set, bytes
	limit   int64
	elapsed time.Duration
	count   int // of rows or files
	unit    string
	goal    float64 // of count in a second; 0: none
}

func (u usage) rate() float64 { return float64(u.count) / u.elapsed.Seconds() }

func run(ctx context.Context, bin string, s size) (usages []usage, err error) {
	one := func(measure func(context.Context, string, size) (usage, error)) func(context.Context, string, size) ([]usage,
		error) {
		return func(ctx context.Context, program string, s size) ([]usage, error) {
			u, err := measure(ctx, program, s)
			return []usage{u}, err
		}
	}
	for _, m := range []struct {
		name, program string
		measure       func(context.Context, string, size) ([]usage, error)
	}{
		{"spoke", "spoke", one(measureSpoke)},
		{"spoke", "spoke", one(measureAccount)},
		{"pull", "spoke", one(measurePull)},
		{"hub", "hub", measureHubs},
		{"replay", "hub", measureReplays},
	} {
		if s.only != "" && s.only != m.name {
			continue
		}
		measured, err := m.measure(ctx, filepath.Join(bin, m.program), s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		usages = append(usages, measured...)
	}
	if usages == nil {
		return nil, fmt.Errorf("nothing is called %q: -only takes spoke, pull, hub or replay", s.only)
	}
	return usages, nil
}

// report prints the figures and says whether all goals are met.
func report(w io.Writer, usages []usage) (met bool) {
	met = true
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"figure", "peak memory", "goal", "rate", "goal", ""})
	for _, u := range usages {
		mark, goal := "met", ""
		if u.memory > u.limit || u.rate() < u.goal {
			mark, met = "MISSED", false
		}
		if u.goal > 0 {
			goal = fmt.Sprintf("≥ %.0f", u.goal)
		}
		t.AppendRow(table.Row{u.what, fmt.Sprintf("%d MiB", u.memory>>20), fmt.Sprintf("≤ %d MiB", u.limit>>20),
			fmt.Sprintf("%.0f %s/s", u.rate(), u.unit), goal, mark})
	}
	t.Render()
	return met
}

// command prepares a program that logs to a file and ends with ctx. The file stays open
// as long as this program runs.
func command(ctx context.Context, env []string, program string, args ...string) (*exec.Cmd, error) {
	log, err := os.CreateTemp("", "bench-*.log")
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "$ %s %s   (log: %s)\n", program, strings.Join(args, " "), log.Name())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = log, log
	return cmd, nil
}

// process is a program at work.
type process struct {
	*exec.Cmd
	ended  chan struct{}
	err    error        // once ended is closed
	memory atomic.Int64 // the most that was seen, bytes
}

func start(cmd *exec.Cmd) (*process, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{Cmd: cmd, ended: make(chan struct{})}
	go p.watchMemory()
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop ends the program as an orchestrator does.
func (p *process) stop() error {
	if err := p.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return p.err
}

// await asks again and again whether the program is done, until it is. A program
// that ends by itself never will be.
func (p *process) await(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return fmt.Errorf("it ended by itself (%v), see its log", p.ProcessState)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watchMemory notes the program's peak resident set until it ends. What the system
// tells of a process that has ended (ru_maxrss) may be that of its parent, which it
// was before it became another program.
func (p *process) watchMemory() {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if peak, ok := peakMemory(p.Process.Pid); ok {
			p.memory.Store(peak)
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return
		}
	}
}

// peakMemory returns the peak resident set of a process, as Linux tells it.
func peakMemory(pid int) (bytes int64, ok bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10, err == nil
		}
	}
	return 0, false
}
