// Package replay applies an archive to a database: the same records through the same
// loader as from the stream. The loader's rules make that right in any order and as
// often as wanted. A replay into an empty database ends in the same state as the live
// database.
//
// Runs are applied scope by scope, each in order of time; several scopes side by
// side. Manifests and files are read ahead of that, many at once, within a bound on
// their bytes. What was applied before is not read again, so a replay that was
// stopped goes on when it is run again. A file is applied whole or not at all. A
// damaged file or manifest becomes a reject and stops nothing else. An object that S3
// refuses is named, and tried again by the next replay.
package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/load"
)

// Config of a replay. Bucket and Loader are required.
type Config struct {
	// Bucket is the archive.
	Bucket *archive.Bucket
	// Loader applies what is read. Its categories are those that are replayed.
	Loader *load.Loader
	// Filter says which runs.
	Filter archive.Filter
	// DryRun reads manifests only and applies nothing.
	DryRun bool
	// Workers is how many batches are filled and applied side by side, each with the
	// runs of other scopes and with one connection to the database; one connection
	// more is for all of them. Defaults to 2.
	Workers int
	// BatchRows is when a batch is applied. Defaults to 10,000.
	BatchRows int64
	// BatchBytes of decoded rows is when a batch is applied. It bounds the memory of
	// a worker: twice a batch, which is joined to be applied, and the file that fills
	// it, of at most [archive.MaxDecoded].
	// Defaults to 16 MiB.
	BatchBytes int64
	// ReadAhead is how many bytes of files, as they are stored, may be read before they
	// are applied; a quarter more for manifests. All workers share it.
	// Defaults to 64 MiB.
	ReadAhead int64
	// Hooks for progress and metrics.
	Hooks Hooks
	// Logger defaults to one that discards.
	Logger *slog.Logger
}

// Hooks are called as a replay works, by several goroutines at once. Nil functions
// are left out.
type Hooks struct {
	// Listed is called for each run that was found.
	Listed func()
	// Done is called for each run that was dealt with.
	Done func()
	// Applied is called after each batch.
	Applied func(load.Result)
}

func (c Config) withDefaults() Config {
	if c.Workers == 0 {
		c.Workers = 2
	}
	if c.BatchRows == 0 {
		c.BatchRows = 10_000
	}
	if c.BatchBytes == 0 {
		c.BatchBytes = 16 << 20
	}
	if c.ReadAhead == 0 {
		c.ReadAhead = 64 << 20
	}
	if c.Hooks.Listed == nil {
		c.Hooks.Listed = func() {}
	}
	if c.Hooks.Done == nil {
		c.Hooks.Done = func() {}
	}
	if c.Hooks.Applied == nil {
		c.Hooks.Applied = func(load.Result) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(c.Bucket != nil, "Bucket is not set")
	check(c.Loader != nil, "Loader is not set")
	check(c.Workers > 0, "Workers is %d", c.Workers)
	check(c.BatchRows > 0, "BatchRows is %d", c.BatchRows)
	check(c.BatchBytes > 0, "BatchBytes is %d", c.BatchBytes)
	check(c.ReadAhead > 0, "ReadAhead is %d", c.ReadAhead)
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("replay: configuration: %w", err)
	}
	return nil
}

// Run replays what the filter selects. Damaged objects, unfinished runs and
// categories that the Loader does not have are in the Summary; see
// [Summary.Complete]. The error says why the replay could not go on: what was
// applied until then stays, and running it again goes on from there. If the table of a
// category does not fit, the error is a *load.MisfitError or what PostgreSQL says of
// it.
func Run(ctx context.Context, config Config) (Summary, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return Summary{}, err
	}
	r := &replay{
		Config: config, summary: newCollector(),
		requests:  make(chan struct{}, requestsAhead),
		manifests: newBudget(max(config.ReadAhead/4, 1)), files: newBudget(config.ReadAhead),
	}
	r.work, ctx = errgroup.WithContext(ctx)
	groups := make(chan []archive.Run)
	r.work.Go(func() error {
		defer close(groups)
		return r.list(ctx, func(runs []archive.Run) error { return send(ctx, groups, runs) })
	})
	for range config.Workers {
		r.work.Go(func() error { return r.runWorker(ctx, groups) })
	}
	err := r.work.Wait()
	return r.summary.summary(), err
}

// replay is one call of Run.
type replay struct {
	Config
	summary *collector

	work     *errgroup.Group // whatever runs for it
	requests chan struct{}   // has an element for each request to S3 that is under way

	// Bytes that are read and not yet applied. Files that wait for their bytes are
	// first applied, and manifests wait for files alone: none waits for itself.
	manifests, files *budget
}

// list calls give with the runs of each account, region and category.
func (r *replay) list(ctx context.Context, give func([]archive.Run) error) error {
	var group []archive.Run
	for run, err := range r.Bucket.Runs(ctx, r.Filter) {
		var strange *archive.Error
		switch {
		case errors.As(err, &strange):
			r.summary.bad(BadObject{Reason: strange.Reason, Detail: strange.Detail})
			continue
		case err != nil:
			return fmt.Errorf("replay: %w", err)
		}
		r.Hooks.Listed()
		if len(group) > 0 && !sameScope(group[0], run) {
			if err := give(group); err != nil {
				return err
			}
			group = nil
		}
		group = append(group, run)
	}
	if len(group) == 0 {
		return nil
	}
	return give(group)
}

// sameScope reports whether two runs may be of one scope: which slice they are of
// is only in their manifests.
func sameScope(a, b archive.Run) bool {
	return a.Account == b.Account && a.Region == b.Region && a.Category == b.Category
}
