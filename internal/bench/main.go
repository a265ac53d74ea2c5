// Bench prints the figures that the project promises, each next to the baseline
// that was measured in the same run: read the ratios, not the times.
//
//	go run ./internal/bench            a few minutes
//	go run ./internal/bench -quick     small, to see that it works
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/hubspoke/observability/internal/program"
)

func main() {
	var size size
	quick := flag.Bool("quick", false, "few rows, one round: the figures mean nothing")
	flag.IntVar(&size.rows, "rows", 400_000, "rows of the whole way; a multiple of -batch")
	flag.IntVar(&size.batch, "batch", 10_000, "rows of a batch; a multiple of 5,000")
	flag.IntVar(&size.rounds, "rounds", 5, "how often each side is measured; the median counts")
	flag.IntVar(&size.findings, "findings", 2_000_000, "findings below the views; a multiple of 1,000")
	flag.IntVar(&size.categories, "categories", 45, "how many categories are compared with 6 in one batch")
	flag.IntVar(&size.accounts, "accounts", 500, "accounts with 45 categories in 3 regions each, 12 runs of each")
	flag.StringVar(&size.only, "only", "", "measure only `one`: wire, decode, copy, way, categories, views, legacy or "+
		"freshness")
	flag.Parse()
	program.SpareProcessors() // as the hub does
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *quick {
		size.rows, size.findings, size.accounts, size.rounds = 20_000, 20_000, 50, 1
	}
	if err := run(ctx, size); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// size of the measurements.
type size struct {
	rows, findings, batch, rounds int
	categories, accounts          int
	only                          string
}

// figure is one line of the result.
type figure struct {
	what     string
	value    float64
	unit     string
	baseline string // what it is compared with
	goal     float64
	atMost   bool // the goal is a ceiling
}

func (f figure) met() bool {
	if f.atMost {
		return f.value <= f.goal
	}
	return f.value >= f.goal
}

func run(ctx context.Context, s size) error {
	var figures []figure
	for _, m := range []struct {
		name    string
		measure func(context.Context, size) ([]figure, error)
	}{
		{"wire", wire}, {"decode", decoding}, {"copy", copying}, {"way", wholeWay}, {"categories", manyCategories},
		{"views", views}, {"legacy", legacy}, {"freshness", freshness},
	} {
		if s.only != "" && s.only != m.name {
			continue
		}
		debug.FreeOSMemory() // what the one before left costs time, too
		found, err := m.measure(ctx, s)
		if err != nil {
			return err
		}
		figures = append(figures, found...)
	}
	if figures == nil {
		return fmt.Errorf("nothing is called %q: -only takes wire, decode, copy, way, categories, views, legacy or "+
			"freshness", s.only)
	}
	print(figures)
	return nil
}

func print(figures []figure) {
	t := table.NewWriter()
	t.SetOutputMirror(os.Stdout)
	t.SetStyle(table.StyleLight)
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, Align: text.AlignRight}, {Number: 4, Align: text.AlignRight}})
	t.AppendHeader(table.Row{"figure", "measured", "compared with", "goal", ""})
	for _, f := range figures {
		sign, mark := "≥", "met"
		if f.atMost {
			sign = "≤"
		}
		if !f.met() {
			mark = "MISSED"
		}
		t.AppendRow(table.Row{f.what, fmt.Sprintf("%.2f %s", f.value, f.unit), f.baseline, fmt.Sprintf("%s %g", sign, f.goal),
			mark})
	}
	t.Render()
}

// alternate times two things in turn by a clock, so that both meet the same
// machine, and returns the median time of each.
func alternate(rounds int, clock func() time.Duration, a, b func() error) (timeA, timeB time.Duration, err error) {
	var as, bs []time.Duration
	for range rounds {
		for _, x := range []struct {
			f     func() error
			times *[]time.Duration
		}{{a, &as}, {b, &bs}} {
			runtime.GC() // each pays for its own garbage
			start := clock()
			if err := x.f(); err != nil {
				return 0, 0, err
			}
			*x.times = append(*x.times, clock()-start)
		}
	}
	return median(as), median(bs), nil
}

func median[T cmp.Ordered](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}

var started = time.Now()

// wallTime returns the time since this process started.
func wallTime() time.Duration { return time.Since(started) }

// cpuTime returns the processor time that this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
