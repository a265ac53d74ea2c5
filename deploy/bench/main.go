// Bench measures how much memory the built programs need: hub consume with a
// backlog of two million rows, and spoke with an account of 200,000 findings.
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
	"strings"
	"syscall"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

const (
	region     = "eu-central-1"
	account    = "111122223333"
	hubAccount = "444455556666"
	streamName = "bench"
)

func main() {
	quick := flag.Bool("quick", false, "few rows: the figures mean nothing")
	bin := flag.String("bin", "bin", "directory of the built programs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	size := size{accounts: 100, rowsPerAccount: 20_000, findings: 200_000}
	if *quick {
		size.accounts, size.findings = 1, 2_000
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
type size struct{ accounts, rowsPerAccount, findings int }

// usage is what a program needed.
type usage struct {
	what    string
	memory  int64 // peak resident set, bytes
	limit   int64
	elapsed time.Duration
	rows    int
}

func run(ctx context.Context, bin string, s size) ([]usage, error) {
	spoke, err := measureSpoke(ctx, filepath.Join(bin, "spoke"), s)
	if err != nil {
		return nil, fmt.Errorf("spoke: %w", err)
	}
	hub, err := measureHub(ctx, filepath.Join(bin, "hub"), s)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	return []usage{spoke, hub}, nil
}

// report prints the figures and says whether all goals are met.
func report(w io.Writer, usages []usage) (met bool) {
	met = true
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"figure", "peak memory", "goal", "rows/s", ""})
	for _, u := range usages {
		mark := "met"
		if u.memory > u.limit {
			mark, met = "MISSED", false
		}
		t.AppendRow(table.Row{u.what, fmt.Sprintf("%d MiB", u.memory>>20), fmt.Sprintf("≤ %d MiB", u.limit>>20),
			fmt.Sprintf("%.0f", float64(u.rows)/u.elapsed.Seconds()), mark})
	}
	t.Render()
	return met
}

// command prepares a program whose log goes to a file, which stays open as long as
// this program runs; it ends with ctx.
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
	ended chan struct{}
	err   error // once ended is closed
}

func start(cmd *exec.Cmd) (*process, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{Cmd: cmd, ended: make(chan struct{})}
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

// peakMemory returns the peak resident set of a program that has ended.
func peakMemory(state *os.ProcessState) (int64, error) {
	rusage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, errors.New("this system does not tell how much memory a program used")
	}
	return rusage.Maxrss << 10, nil // Linux counts in KiB
}
