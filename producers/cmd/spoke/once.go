package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream/kinesis"
)

// onceCommand collects once.
type onceCommand struct {
	sourceFlags
	destinationFlags
	Output string `short:"o" enum:"table,json" default:"table" help:"Format of the result on standard output: ${enum}."`
}

// Help is shown by `spoke once -h`.
func (onceCommand) Help() string {
	return `Without --stream and --bucket nothing is sent: the rows are printed, as a table that
is cut to what fits, or with -o json as one JSON object per row. With one of them the
rows are sent, and what became of each run is printed instead.

Examples:

  spoke once --category certificates
  spoke once --category kms_keys --region eu-central-1 --region us-east-1 -o json | jq .row
  spoke once --bucket hub-archive --stream observability -o json

Exit codes: 0 all runs are complete, 1 none did anything, 2 wrong usage or something
missing, 3 some runs failed, or were only sent to one of stream and bucket.`
}

// Run collects once.
func (c onceCommand) Run(ctx context.Context, p program, stderr *console, log *slog.Logger) error {
	if _, err := c.destinationFlags.validate(); err != nil {
		return err
	}
	sources, err := p.sources(ctx, c.sourceFlags)
	if err != nil {
		return err
	}
	progress := newProgress(stderr, log)
	to, err := c.open(ctx, sources[0].home, c.Profile, log, kinesis.Hooks{})
	if err != nil {
		return err
	}
	config := collect.Config{
		Publisher: to.publisher,
		Archive:   to.archive,
		Packer:    to.packer,
		Workers:   semaphore.NewWeighted(int64(c.Concurrent)),
		Log:       log,
		Hooks:     progress.hooks(),
	}
	var rows *rowPrinter
	if to.none() {
		rows = newRowPrinter(p.stdout, c.Output, sources)
		config.Row = rows.print
	}
	all, err := runners(sources, config)
	if err != nil {
		return err
	}
	for _, r := range all {
		progress.total += len(r.Scopes())
	}
	stop := progress.start(ctx)
	results, err := onceAll(ctx, all)
	stop()
	if rows != nil {
		return errors.Join(rows.close(), printResults(stderr, "table", results), err)
	}
	return errors.Join(printResults(p.stdout, c.Output, results), err)
}

// onceAll runs the runners side by side and joins their results and errors.
func onceAll(ctx context.Context, runners []*collect.Runner) ([]collect.Result, error) {
	results := make([][]collect.Result, len(runners))
	errs := make([]error, len(runners))
	var wg sync.WaitGroup
	for i, r := range runners {
		wg.Go(func() { results[i], errs[i] = r.Once(ctx) })
	}
	wg.Wait()
	var all collect.PartialError
	for i, err := range errs {
		var partial *collect.PartialError
		if errors.As(err, &partial) {
			all.Done = append(all.Done, partial.Done...)
			all.Failed = append(all.Failed, partial.Failed...)
			all.NotStarted = append(all.NotStarted, partial.NotStarted...)
		} else {
			all.Done = append(all.Done, results[i]...)
		}
	}
	if len(all.Failed) == 0 && len(all.NotStarted) == 0 {
		return slices.Concat(results...), nil
	}
	return slices.Concat(results...), &all
}

// counter counts what the hooks say.
type counter struct {
	total              int
	done, rows, faults atomic.Int64
}

func (c *counter) hooks() collect.Hooks {
	return collect.Hooks{
		Sent: func(_ schema.Scope, rows int) { c.rows.Add(int64(rows)) },
		Finished: func(r collect.Result) {
			c.done.Add(1)
			if r.Fault() != nil {
				c.faults.Add(1)
			}
		},
	}
}
