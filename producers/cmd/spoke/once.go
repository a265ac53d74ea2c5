package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream/kinesis"
	"github.com/hubspoke/observability/producers/collectors"
)

// onceCommand collects once.
type onceCommand struct {
	sourceFlags
	destinationFlags
	personalFlags
	program.OutputFlag
	worldFlags
	Simulate bool `help:"Collect a made-up organisation instead of an account of AWS."`
}

// Help is shown by `spoke once -h`.
func (onceCommand) Help() string {
	return `Without --stream and --bucket nothing is sent: the rows are printed, as a table that
is cut to what fits, or with -o json as one JSON object per row. With one of them the
rows are sent, and what became of each run is printed instead.

Examples:

  spoke once --simulate --accounts 1      # what it prints, without AWS
  spoke once --category certificates
  spoke once --category kms_keys --region eu-central-1 --region us-east-1 -o json | jq .row
  spoke once --bucket hub-archive --stream observability -o json
  spoke once --category account_contacts --personal contact=drop

Exit codes: 0 all runs are complete, 1 none did anything, 2 wrong usage or something
missing, 3 some runs failed, or were only sent to one of stream and bucket.`
}

// Run collects once.
func (c onceCommand) Run(ctx context.Context, p program.Program, find findSources, log *slog.Logger) error {
	if err := cmp.Or(c.validateFor(c.sourceFlags), c.validatePersonal()); err != nil {
		return err
	}
	c.warnOfUnknownLabels(log)
	if !c.Simulate && c.worldFlags != (worldFlags{}) {
		return program.Usagef("--accounts and --seed need --simulate")
	}
	if c.Simulate {
		find = func(_ context.Context, from sourceFlags, _ *slog.Logger) ([]source, error) {
			_, sources, err := c.sources(from)
			return sources, err
		}
	}
	sources, err := find(ctx, c.sourceFlags, log)
	if err != nil {
		return err
	}
	// A user who asks once wants all of it, or to know what to mend.
	for _, s := range sources {
		if len(s.faults) > 0 {
			return startError(s.faults...)
		}
	}
	policy, err := c.personalPolicy(ctx, sources, ownConfiguration(c.Profile, log), log)
	if err != nil {
		return err
	}
	var done counter
	opener, err := c.opener(log, kinesis.Hooks{})
	if err != nil {
		return err
	}
	sources, refused, err := c.reachAll(ctx, sources, opener, log)
	if err != nil {
		return err
	}
	config := collect.Config{
		Services:        collectors.Services(),
		Workers:         collect.NewWorkers(c.places()),
		ChunkBytes:      c.chunkBytes(),
		MaxPaidRequests: c.MaxPaidRequests,
		Personal:        policy,
		Labels:          c.Label,
		Version:         p.VersionText(),
		Logger:          log,
		Hooks:           done.hooks(),
	}
	var rows *rowPrinter
	if sources[0].to.none() {
		rows = newRowPrinter(p.Stdout, c.JSON(), sources)
		config.Row = rows.print
	}
	all, err := runners(sources, config)
	if err != nil {
		return err
	}
	for _, r := range all {
		done.total += len(r.Scopes())
	}
	stop := program.NewProgress(p.Stderr, log, "collecting").Start(ctx, done.state)
	results, err := onceAll(ctx, all)
	stop()
	if refused != nil {
		err = &program.PartialError{Err: errors.Join(err, refused)}
	}
	if rows != nil {
		return errors.Join(rows.close(), printResults(p.Stderr, false, results), err)
	}
	return errors.Join(printResults(p.Stdout, c.JSON(), results), err)
}

// reachAll opens the destinations of the sources. It leaves out accounts of several that
// cannot be collected: refused says so; the error, that there is no other.
func (c sourceFlags) reachAll(ctx context.Context, sources []source, opener opener, log *slog.Logger) (ready []source,
	refused, err error) {
	if !sources[0].pulled {
		to, err := opener.open(ctx, sources[0].home, ownConfiguration(c.Profile, log))
		for i := range sources {
			sources[i].to = &to
		}
		return sources, nil, err
	}
	ready, faults := reach(ctx, sources, opener.forAccount, log)
	switch {
	case len(ready) == 0:
		return nil, nil, startError(faults...)
	case len(faults) > 0:
		refused = fmt.Errorf("%d of %d accounts were not collected, see the log", len(faults), len(faults)+len(ready))
	}
	return ready, refused, nil
}

// onceAll runs the runners side by side and joins their results. The error is a
// program.PartialError if any run did at least a part of its work.
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
	err := errors.New(all.Summary()) // the results have the rest
	if didAnything(&all) {
		err = &program.PartialError{Err: err}
	}
	return slices.Concat(results...), err
}

// didAnything reports whether any run did at least a part of its work.
func didAnything(e *collect.PartialError) bool {
	if len(e.Done) > 0 {
		return true
	}
	for _, r := range e.Failed {
		// Without destinations nothing is stored, and what was read is printed.
		if r.Outcome.Complete() || r.Stored || r.Outcome == schema.Partial {
			return true
		}
	}
	return false
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

func (c *counter) state() program.State {
	rows := c.rows.Load()
	return program.State{
		Done: int(c.done.Load()), Total: c.total, // a sliced category has more runs than scopes
		Detail: []any{"rows", rows, "faults", c.faults.Load()}, Text: fmt.Sprintf("%d rows", rows),
	}
}
