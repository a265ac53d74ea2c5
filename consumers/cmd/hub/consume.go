package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/lib/stream/kcl"
	"github.com/hubspoke/observability/schemas"
)

// consumeCommand applies the stream to the database.
type consumeCommand struct {
	databaseFlags
	pipelineFlags
	Stream          string        `required:"" placeholder:"ARN" help:"Kinesis data stream: its ARN, or its name in this account and region."`
	LeaseTable      string        `default:"observability-hub" placeholder:"NAME" help:"DynamoDB table by which consumers share the shards; a table of its own for each stream (default: ${default})."`
	LeaseDuration   time.Duration `default:"20s" help:"How long a consumer that is not heard of keeps its shards."`
	DrainTimeout    time.Duration `default:"25s" help:"How long the end may take after SIGTERM. ECS kills after 30 s."`
	Refresh         bool          `default:"true" negatable:"" help:"Refresh materialized views after their tables changed."`
	RefreshInterval time.Duration `default:"10s" help:"Least time between two refreshes."`
	keepFlag
	viewFlag
	rejectsFlag
	MetricsAddr string `placeholder:"HOST:PORT" help:"Address that serves /healthz, /readyz and /metrics. Defaults to none."`
}

// Help is shown by `hub consume -h`.
func (consumeCommand) Help() string {
	return `Any number of consumers may run: they share the shards. The database alone knows how far
each shard is, so a consumer can be killed at any moment and nothing is lost or doubled.

A category is parked if its table does not fit: its records are kept and applied as soon
as the table fits; the other categories go on. SIGTERM and SIGINT apply what was read and
end the program within --drain-timeout. The garbage collector aims below --budget-mib and
320 MiB more, unless GOMEMLIMIT says otherwise.

Example, as a service:

  hub consume --log-format json --metrics-addr :9090 \
    --stream arn:aws:kinesis:eu-central-1:444455556666:stream/observability`
}

const (
	// memoryBesides --budget-mib is what the garbage collector works harder to stay
	// below, with the defaults well below 512 MiB. GOMEMLIMIT overrides it.
	memoryBesides = 320 << 20
	// redriveInterval is how often parked records are tried, pruneInterval how often
	// old bookkeeping is deleted, and reportInterval how often a line says what was done.
	redriveInterval = time.Minute
	pruneInterval   = time.Hour
	reportInterval  = 30 * time.Second
	// slowCommit is how long records may wait for their commit, besides --batch-age,
	// before the log says so.
	slowCommit = 30 * time.Second
	// closing is the part of --drain-timeout that is for closing connections, when the
	// records are applied and the leases given up.
	closing = 10
	// spareConnections are for the refresher, parked records, readiness, and metrics or state.
	spareConnections = 4
)

// consumer is what a running `hub consume` consists of.
type consumer struct {
	log       *slog.Logger
	pool      *pgxpool.Pool
	loader    *load.Loader
	pipeline  *ingest.Pipeline
	worker    *kcl.Worker
	refresher *refresh.Refresher // nil: none here
	watchdog  *watchdog
	metrics   *metrics
	keep      time.Duration
	id        streamIdentity
	slow      time.Duration // for how long records may wait for their commit
	// keepRejects is how long rejects are kept.
	keepRejects time.Duration
}

// DrainTime is how long the end may take.
func (c consumeCommand) DrainTime() time.Duration { return c.DrainTimeout }

// Run consumes until ctx is done.
func (c consumeCommand) Run(ctx context.Context, p program.Program, log *slog.Logger) error {
	err := c.consume(ctx, p, log)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // stopped while it started
	}
	return err
}

func (c consumeCommand) consume(ctx context.Context, p program.Program, log *slog.Logger) error {
	streamARN, err := parseStreamARN(c.Stream)
	if err != nil {
		return err
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryBesides + c.BudgetMiB<<20)
	}
	pool, connections, err := c.openService(ctx, c.connections()+spareConnections)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := reportMisfits(ctx, pool, log); err != nil {
		return err
	}
	region := ""
	if streamARN != nil {
		region = streamARN.Region
	}
	cfg, err := c.awsFlags.load(ctx, region, log)
	if err != nil {
		return err
	}
	client := kinesis.NewFromConfig(cfg)
	id, err := identifyStream(ctx, client, c.Stream)
	if err != nil {
		return err
	}
	keep, err := c.keep(id.Retention)
	if err != nil {
		return err
	}

	m := newMetrics(p.VersionText(), pool, id)
	loader, err := load.New(pool, load.Config{Tables: schemas.All(), OnRetry: m.retried, Logger: log})
	if err != nil {
		return err
	}
	dog := &watchdog{log: log, pool: pool, connections: connections, stalled: loader.Stalled, limit: stallTime}
	config := c.pipelineFlags.config(id)
	config.OnApply, config.OnUnknownKeys, config.Logger = m.applied, m.unknownKeys, log
	pipeline, err := newPipeline(loader, config)
	if err != nil {
		return err
	}
	workerConfig := kcl.Config{
		LeaseTable: c.LeaseTable, Stream: c.Stream, Kinesis: client, DynamoDB: dynamodb.NewFromConfig(cfg),
		LeaseDuration: c.LeaseDuration, DrainTimeout: c.DrainTimeout - c.DrainTimeout/closing, Ready: dog.ready, Logger: log,
		Hooks: m.stream(),
	}
	worker, err := kcl.New(workerConfig, pipeline)
	if err != nil {
		return &program.UsageError{Err: err}
	}
	hub := consumer{
		log: log, pool: pool, loader: loader, pipeline: pipeline, worker: worker, watchdog: dog, metrics: m,
		keep: keep, keepRejects: c.KeepRejects, id: id, slow: slowCommit + c.BatchAge,
	}
	if c.Refresh {
		hub.refresher, err = refresh.New(pool, refresh.Config{
			Interval: c.RefreshInterval, ViewTimeout: c.ViewTimeout, Journal: history,
			OnRefresh: m.refreshed, OnError: m.refreshFailed, Logger: log,
		})
		if err != nil {
			return err
		}
	}
	if c.MetricsAddr != "" {
		endpoints, err := program.Listen(c.MetricsAddr, m.handler(), answers(pool, dog), log)
		if err != nil {
			return err
		}
		defer endpoints.Serve(ctx)()
	}
	log.Info("consuming", "stream", id.ARN, "created", id.Created, "categories", len(schemas.All()), "version",
		p.VersionText())
	err = prerequisite(explainParkedFull(hub.run(ctx)))
	log.Info("stopped", m.totals()...)
	return err
}

// reportMisfits logs which categories will be parked. If no table fits, there is
// nothing to do for a consumer.
func reportMisfits(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	f, err := compare(ctx, pool)
	if err != nil {
		return err
	}
	misfits := load.Misfits(f.Faults)
	if len(misfits) == len(schemas.All()) {
		return program.Usagef("no table fits (the first: %s); run: hub check, which says how to mend it", f.Faults[0])
	}
	for _, category := range slices.Sorted(maps.Keys(misfits)) {
		log.Error("category is parked until its table fits; `hub check` prints the statements", "category", category, "error",
			misfits[category])
	}
	if len(f.Pending) > 0 || !f.Views {
		log.Warn("the database is not of this version; run: hub migrate", "pending", namesOf(f.Pending), "views", f.Views)
	}
	return nil
}

// run consumes until ctx is done, or until something cannot go on.
func (c consumer) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.pipeline.Drive(ctx, c.worker.Run) })
	if c.refresher != nil {
		group.Go(func() error { return c.refresher.Run(ctx) })
	}
	group.Go(func() error { return logStates(ctx, c.pool, c.log) })
	every(ctx, group, c.watchdog.limit/4, c.watchdog.check)
	every(ctx, group, redriveInterval, c.redrive)
	every(ctx, group, pruneInterval, c.prune)
	every(ctx, group, reportInterval, c.report)
	return group.Wait()
}

// every calls f at once and then at the interval, until ctx is done.
func every(ctx context.Context, group *errgroup.Group, interval time.Duration, f func(context.Context)) {
	group.Go(func() error {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			f(ctx)
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
		}
	})
}

func (c consumer) redrive(ctx context.Context) {
	n, err := c.pipeline.Redrive(ctx, schemas.All()...)
	if n > 0 {
		c.log.Info("applied parked records", "records", n)
	}
	if err != nil && ctx.Err() == nil {
		c.log.Warn("cannot apply parked records", "error", err)
	}
}

func (c consumer) prune(ctx context.Context) {
	if err := c.loader.StoreStream(ctx, c.id.ARN, c.id.Created, c.id.Retention); err != nil && ctx.Err() == nil {
		c.log.Warn("cannot note how long the stream keeps records", "error", err)
	}
	if err := prune(ctx, c.loader, c.keep, c.log); err != nil && ctx.Err() == nil {
		c.log.Warn("cannot delete bookkeeping of old runs", "error", err)
	}
	if err := pruneRejects(ctx, c.loader, c.keepRejects, c.log); err != nil && ctx.Err() == nil {
		c.log.Warn("cannot delete old rejects", "error", err)
	}
}

// report logs what was applied, if anything was, and that nothing was although
// there is something to apply: a database that hangs makes no error.
func (c consumer) report(context.Context) {
	if totals := c.metrics.news(); totals != nil {
		c.log.Info("applied", totals...)
	}
	if d := c.metrics.waitingFor(); d > c.slow {
		c.log.Warn("records were read, and nothing is applied: does the database work?", "for", d.Round(time.Second))
	}
}

// answers returns what /readyz asks: does the database answer, and is applied what
// was read?
func answers(pool *pgxpool.Pool, dog *watchdog) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := dog.ready(); err != nil {
			return err
		}
		asked := time.Now()
		err := pool.Ping(ctx)
		if err != nil && ctx.Err() != nil {
			return fmt.Errorf("the database has not answered for %v: %w", time.Since(asked).Round(100*time.Millisecond), err)
		}
		return err
	}
}

// tally is what was applied so far, for the log.
type tally struct {
	mu     sync.Mutex
	counts load.Counts
	shown  load.Counts
	parked int
	// waiting is when the first record was read that may wait for its commit; zero
	// if there is none.
	waiting time.Time
}

func (t *tally) add(r load.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range r.Categories {
		t.counts.Add(c)
	}
	t.parked += len(r.Parked)
	t.waiting = time.Time{}
}

func (t *tally) read(records int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if records > 0 && t.waiting.IsZero() {
		t.waiting = time.Now()
	}
}

// left forgets what was read: another consumer may have taken it over.
func (t *tally) left() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = time.Time{}
}

// waitingFor is for how long something was read and nothing was applied.
func (t *tally) waitingFor() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting.IsZero() {
		return 0
	}
	return time.Since(t.waiting)
}

// news returns the totals if they have changed since it was last called.
func (t *tally) news() []any {
	t.mu.Lock()
	changed := t.counts != t.shown
	t.shown = t.counts
	t.mu.Unlock()
	if !changed {
		return nil
	}
	return t.totals()
}

func (t *tally) totals() []any {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts
	return []any{"rows", c.Rows, "new", c.New, "changed", c.Changed, "unchanged", c.Unchanged, "superseded", c.Superseded,
		"rejected", c.Rejected, "gone", c.Gone, "runs", c.Completed}
}
