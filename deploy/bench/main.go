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
	if err := run(ctx, *bin, size); err != nil {
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

func run(ctx context.Context, bin string, s size) error {
	spoke, err := measureSpoke(ctx, filepath.Join(bin, "spoke"), s)
	if err != nil {
		return fmt.Errorf("spoke: %w", err)
	}
	hub, err := measureHub(ctx, filepath.Join(bin, "hub"), s)
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	t := table.NewWriter()
	t.SetOutputMirror(os.Stdout)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"figure", "peak memory", "goal", "rows/s", ""})
	for _, u := range []usage{spoke, hub} {
		mark := "met"
		if u.memory > u.limit {
			mark = "MISSED"
		}
		t.AppendRow(table.Row{u.what, fmt.Sprintf("%d MiB", u.memory>>20), fmt.Sprintf("≤ %d MiB", u.limit>>20),
			fmt.Sprintf("%.0f", float64(u.rows)/u.elapsed.Seconds()), mark})
	}
	t.Render()
	return nil
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

// peakMemory returns the peak resident set of a program that has ended.
func peakMemory(state *os.ProcessState) (int64, error) {
	rusage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, errors.New("this system does not tell how much memory a program used")
	}
	return rusage.Maxrss << 10, nil // Linux counts in KiB
}
