// Bench measures how much memory the built programs need: hub consume with a
// backlog of two million rows, and spoke with an account of 200,000 findings, and with
// one that has much of several categories at once, and with many accounts; and how fast hub replay is, with
// small files and large ones, and with the latency that S3 has; and how soon an event
// leads to a row; and how long pages of the dashboard take where there are ten million
// findings.
//
//	go run ./deploy/bench            half an hour
//	go run ./deploy/bench -quick     a hundredth of it, to see that it works
//
// With -keep DIR the database of the dashboard stays there for the next time, which saves
// most of it. If there are other -findings in it, remove DIR.
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
	only := flag.String("only", "", "measure only `one`: spoke, pull, hub, replay, events or dashboard")
	keep := flag.String("keep", "", "keep the database of the dashboard in `dir` for the next time")
	findings := flag.Int("findings", 10_000_000, "findings in the database of the dashboard")
	bin := flag.String("bin", "bin", "directory of the built programs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	size := size{accounts: 100, rowsPerAccount: 20_000, findings: 200_000, smallFiles: 2240, largeFiles: 60, only: *only,
		account: accountSize{findings: 50_000, nodes: 100, applications: 2_000, resources: 20_000, page: pageSize},
		pull:    pullSize{100, accountSize{findings: 2_000, nodes: 2, applications: 250, resources: 500, page: 100}},
		events:  10_000, dashboard: dashboardSize{accounts: 500, findings: *findings, requests: pageRequests}}
	if *quick {
		size.accounts, size.findings, size.smallFiles, size.largeFiles = 1, 2_000, 16, 2
		size.account = accountSize{findings: 2_000, nodes: 3, applications: 1_500, resources: 2_000, page: pageSize}
		size.pull = pullSize{2, accountSize{findings: 20, nodes: 2, applications: 3, resources: 5, page: 2}}
		size.events = 100
		size.dashboard = dashboardSize{accounts: 20, findings: 100_000, requests: 1}
	}
	if *keep != "" {
		var err error
		if size.dashboard.dir, err = filepath.Abs(*keep); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
	figures, err := run(ctx, *bin, size)
	if err == nil && !report(os.Stdout, figures) && !*quick {
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
	events                             int // of a storm
	dashboard                          dashboardSize
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

// figures are the peak memory, and the rate.
func (u usage) figures() []figure {
	rate := figure{what: u.what, measured: fmt.Sprintf("%.0f %s/s", u.rate(), u.unit), met: u.rate() >= u.goal}
	if u.goal > 0 {
		rate.goal = fmt.Sprintf("≥ %.0f", u.goal)
	}
	return []figure{
		{u.what, fmt.Sprintf("%d MiB", u.memory>>20), fmt.Sprintf("≤ %d MiB", u.limit>>20), u.memory <= u.limit},
		rate,
	}
}

// figure is one measurement.
type figure struct {
	what, measured, goal string
	met                  bool // also where there is no goal
}

// atMost is the figure of a time that has a bound.
func atMost(what string, took, goal time.Duration) figure {
	return figure{what, fmt.Sprintf("%.1f s", took.Seconds()), fmt.Sprintf("≤ %.0f s", goal.Seconds()), took <= goal}
}

func run(ctx context.Context, bin string, s size) (figures []figure, err error) {
	spoke, hub := filepath.Join(bin, "spoke"), filepath.Join(bin, "hub")
	for _, m := range []struct {
		name    string
		measure func() ([]figure, error)
	}{
		{"spoke", func() ([]figure, error) { return figuresOf(measureSpoke(ctx, spoke, s)) }},
		{"spoke", func() ([]figure, error) { return figuresOf(measureAccount(ctx, spoke, s)) }},
		{"pull", func() ([]figure, error) { return figuresOf(measurePull(ctx, spoke, s)) }},
		{"hub", func() ([]figure, error) { return figuresOfAll(measureHubs(ctx, hub, s)) }},
		{"replay", func() ([]figure, error) { return figuresOfAll(measureReplays(ctx, hub, s)) }},
		{"events", func() ([]figure, error) { return measureEvents(ctx, spoke, hub, s) }},
		{"dashboard", func() ([]figure, error) { return measureDashboard(ctx, s) }},
	} {
		if s.only != "" && s.only != m.name {
			continue
		}
		measured, err := m.measure()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		figures = append(figures, measured...)
	}
	if figures == nil {
		return nil, fmt.Errorf("nothing is called %q: -only takes spoke, pull, hub, replay, events or dashboard", s.only)
	}
	return figures, nil
}

func figuresOf(u usage, err error) ([]figure, error) { return u.figures(), err }

func figuresOfAll(usages []usage, err error) (figures []figure, _ error) {
	for _, u := range usages {
		figures = append(figures, u.figures()...)
	}
	return figures, err
}

// report prints the figures and says whether all goals are met.
func report(w io.Writer, figures []figure) (met bool) {
	met = true
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"figure", "measured", "goal", ""})
	for _, f := range figures {
		mark := ""
		switch {
		case !f.met:
			mark, met = "MISSED", false
		case f.goal != "":
			mark = "met"
		}
		t.AppendRow(table.Row{f.what, f.measured, f.goal, mark})
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
