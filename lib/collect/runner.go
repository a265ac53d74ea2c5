package collect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/personal"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// Config says what a [Runner] collects and where the rows go.
type Config struct {
	// Account that is collected, 12 digits. Required.
	Account string
	// Partition of the account. Defaults to "aws".
	Partition string
	// Regions in which categories that have regions are collected. Required.
	Regions []string
	// HomeRegion is where the runner collects what has no region: the account's Global
	// categories, and that half of PerRegionAndGlobal ones. A runner collects them only if
	// its Regions name the HomeRegion, so that the processes of an account need no other
	// agreement. Defaults to the first of Regions.
	HomeRegion string
	// Labels of the account, which collectors may make columns of. Defaults to none.
	Labels map[string]string
	// Version of the program, which collectors may make a column of. Defaults to none.
	Version string
	// Collectors to run. Required.
	Collectors []Any
	// AWS returns the configuration of a region, with the account's credentials. Required.
	AWS func(region string) aws.Config

	// Services limits the requests to each service, of all collectors together.
	// Requests to a service that is not named are limited to one a second.
	// Defaults to none.
	Services []Service
	// Limits are those of Services, shared by the runners of one account. Services must
	// not be given then. Defaults to limits of this runner alone.
	Limits *Limits

	// Personal says what becomes of personal data. Defaults to nil: it is sent as it is.
	Personal *personal.Policy

	// Publisher takes the rows. Defaults to none.
	Publisher stream.Publisher
	// Archive keeps the rows as Parquet. Defaults to none.
	Archive *archive.Bucket
	// Packer packs the rows for the Publisher. Runners of several accounts share
	// one to save memory. Defaults to one with the default limits.
	Packer *envelope.Packer
	// Row sees each row of a run as JSON, for printing. It may be called by
	// several goroutines and keeps nothing of the bytes. Defaults to none.
	Row func(scope schema.Scope, row []byte)

	// ChunkRows is how many rows are gathered before they are archived, as one
	// file, and published. Defaults to 20,000, and is at most 1,000,000.
	ChunkRows int
	// ChunkBytes does the same by size in Arrow. It bounds the memory of a
	// collection to a few times this. Defaults to 4 MiB, and is at most 64 MiB.
	ChunkBytes int
	// MaxConcurrentRuns is how many collections of this runner run at once; at most half
	// of them are long (see Workers). Defaults to 4 without Workers, and to as many as
	// these allow with them. Runners of several regions that share Workers get fewer, so
	// that a region where every request hangs leaves some to the others.
	MaxConcurrentRuns int
	// Workers bounds the collections of several runners together. Defaults to none.
	Workers *Workers

	// MaxPaidRequests is how many requests a run may send that AWS charges for (see
	// Service.Price), repeated ones included. Defaults to 200.
	MaxPaidRequests int

	// Every replaces the interval of all collectors, at most envelope.MaxEvery.
	// Defaults to their own. The end of a run tells the interval, by which the hub
	// sees that a spoke is late; that of Once tells only this one, because it is not
	// known how often Once is called.
	Every time.Duration
	// FullEvery is how often the rows of a scope are sent at least, even if they are the
	// same: a run that started sooner after the one that it equals, and fits in one chunk,
	// sends only its end, with the outcome unchanged. Every run since must have gone well,
	// and the Runner forgets when it ends. Defaults to 24 hours: to always send all rows, set a
	// nanosecond.
	FullEvery time.Duration
	// Stateless is for a process that keeps nothing from one Once to the next, and is called
	// again and again, such as a function of Lambda. Incremental collectors are then asked for
	// what changed in the two intervals before Scheduled, and their Overlap, so that nothing
	// is missed if one call fails; and Once tells the intervals of the collectors in the ends
	// of its runs. Run must not be called. Defaults to false.
	Stateless bool
	// Scheduled is when a Stateless collection was due. Zero: everything is read.
	Scheduled time.Time
	// Jitter is the time over which Run spreads the first runs; later ones keep
	// their distance. At most the collector's interval. Defaults to 5 minutes: for next
	// to nothing, set a nanosecond.
	Jitter time.Duration
	// HintGap is how long a scope is left alone by hints after a run, at least (see
	// Runner.Hear); long runs are followed by longer ones. Defaults to 1 minute.
	HintGap time.Duration
	// Grace is how long a run may still send what it has, and its end, after the
	// context is done. Defaults to 5 seconds.
	Grace time.Duration

	// Log receives one line per collection. Defaults to none.
	Logger *slog.Logger
	// Hooks for metrics and progress. Defaults to none.
	Hooks Hooks
}

// Hooks are called as a [Runner] works, by several goroutines at once. Nil
// functions are left out.
type Hooks struct {
	// Started is called when a run begins.
	Started func(schema.Scope, schema.RunID)
	// Request is called for each attempt of a request to AWS by a collector.
	Request func(category, region string)
	// Sent is called with the number of rows of each chunk after the archive or the stream
	// has stored at least some of them; without both, after each chunk.
	Sent func(scope schema.Scope, rows int)
	// Finished is called when a run has ended.
	Finished func(Result)
}

const (
	defaultChunkRows         = 20_000
	defaultChunkBytes        = 4 << 20
	defaultMaxConcurrentRuns = 4
	defaultMaxPaidRequests   = 200
	defaultFullEvery         = 24 * time.Hour
	defaultJitter            = 5 * time.Minute
	defaultHintGap           = time.Minute
	defaultGrace             = 5 * time.Second
)

func (c Config) withDefaults() Config {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	set(&c.ChunkRows, defaultChunkRows)
	set(&c.ChunkBytes, defaultChunkBytes)
	if c.Workers == nil {
		set(&c.MaxConcurrentRuns, defaultMaxConcurrentRuns)
	}
	set(&c.MaxPaidRequests, defaultMaxPaidRequests)
	if c.Partition == "" {
		c.Partition = "aws"
	}
	if c.HomeRegion == "" && len(c.Regions) > 0 {
		c.HomeRegion = c.Regions[0]
	}
	if c.Jitter == 0 {
		c.Jitter = defaultJitter
	}
	if c.HintGap == 0 {
		c.HintGap = defaultHintGap
	}
	if c.FullEvery == 0 {
		c.FullEvery = defaultFullEvery
	}
	if c.Grace == 0 {
		c.Grace = defaultGrace
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// personal returns what becomes of personal data in the rows of a collector.
func (c Config) personal(of Any) (*personal.Columns, error) {
	if of == nil || of.Table() == nil {
		return nil, nil // Validate says so
	}
	return c.Personal.For(of.Table())
}

func (c Config) validate() error {
	var faults []error
	fault := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(len(c.Regions) > 0, "no region")
	for i, region := range c.Regions {
		fault(!slices.Contains(c.Regions[:i], region), "region %s is named twice", region)
		if err := (schema.Scope{Category: "x", Account: c.Account, Region: region}).Validate(); err != nil {
			faults = append(faults, err)
		}
	}
	fault(len(c.Collectors) > 0, "no collector")
	faults = append(faults, Validate(c.Collectors...))
	fault(c.AWS != nil, "AWS is nil")
	faults = append(faults, validateServices(c.Services))
	fault(c.Limits == nil || c.Services == nil, "both Limits and Services are given")
	for _, collector := range c.Collectors {
		if _, err := c.personal(collector); err != nil {
			faults = append(faults, err)
		}
	}
	for label := range c.Labels {
		fault(label != "", "a label has no name")
	}
	for name, n := range map[string]int{"ChunkRows": c.ChunkRows, "ChunkBytes": c.ChunkBytes,
		"MaxConcurrentRuns": c.MaxConcurrentRuns, "MaxPaidRequests": c.MaxPaidRequests} {
		fault(n >= 0, "%s is negative", name)
	}
	// With one more row a chunk must still be a file that can be read again.
	fault(c.ChunkRows <= archive.MaxRows, "ChunkRows is %d, more than %d", c.ChunkRows, archive.MaxRows)
	fault(c.ChunkBytes <= archive.MaxDecoded/2, "ChunkBytes is %d, more than %d", c.ChunkBytes, archive.MaxDecoded/2)
	fault(c.Every >= 0 && c.Every <= envelope.MaxEvery, "Every %v is not between 0 and %v", c.Every, envelope.MaxEvery)
	fault(c.Stateless || c.Scheduled.IsZero(), "Scheduled is given without Stateless")
	fault(c.Jitter >= 0, "Jitter is negative")
	fault(c.FullEvery >= 0, "FullEvery is negative")
	fault(c.HintGap >= 0, "HintGap is negative")
	fault(c.Grace >= 0, "Grace is negative")
	return errors.Join(faults...)
}

// Runner collects the categories of one account: once, or again and again. One
// run of one scope that fails never stops another one.
//
// Runners of several accounts and regions may work side by side and share a Publisher, an
// Archive and Workers, those of the same account Limits, too. The methods of one Runner
// must not be called at the same time, but for Hear and ScopesOf.
type Runner struct {
	cfg       Config
	limits    *Limits
	own       *Workers // bounds this runner's collections; nil: Config.Workers alone do
	targets   []*target
	listeners map[string][]listener // by source of events

	long, short kind
	mu          sync.Mutex // guards target.running; the rest of a target belongs to its run
}

// target is what is collected together: one collector in one region.
type target struct {
	collector Any
	declared  Declaration
	personal  *personal.Columns // nil: nothing in the rows is changed
	region    string            // of the API that is asked
	scope     schema.Scope
	mark      mark
	hints     *hints
	took      time.Duration      // by the last collection
	sent      map[string]sentRun // by slice
	disabled  bool               // as its last collection found, and the log says

	due      time.Time // the next run, without hints
	failures int       // of runs, since the last that did well
	running  bool
}

// New returns a runner, or every fault of the configuration.
func New(cfg Config) (*Runner, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("collect: %w", err)
	}
	r := &Runner{cfg: cfg.withDefaults(), limits: cfg.Limits, listeners: map[string][]listener{},
		long: newKind(true), short: newKind(false)}
	if r.limits == nil {
		var err error
		if r.limits, err = NewLimits(cfg.Services); err != nil {
			return nil, err
		}
	}
	if r.cfg.MaxConcurrentRuns > 0 {
		r.own = NewWorkers(r.cfg.MaxConcurrentRuns)
	}
	if r.cfg.Packer == nil {
		var err error
		if r.cfg.Packer, err = envelope.NewPacker(envelope.Config{}); err != nil {
			return nil, err
		}
	}
	for _, c := range cfg.Collectors {
		declared := c.Declaration()
		if r.cfg.Every > 0 {
			declared.Every = r.cfg.Every
		}
		columns, err := cfg.personal(c)
		if err != nil {
			return nil, err
		}
		add := func(region, scopeRegion string) {
			r.add(&target{
				collector: c,
				declared:  declared,
				personal:  columns,
				region:    region,
				scope:     schema.Scope{Category: declared.Category, Account: cfg.Account, Region: scopeRegion},
			})
		}
		if declared.Reach != Global {
			for _, region := range cfg.Regions {
				add(region, region)
			}
		}
		if declared.Reach != PerRegion && slices.Contains(cfg.Regions, r.cfg.HomeRegion) {
			add(r.cfg.HomeRegion, schema.GlobalRegion)
		}
	}
	return r, nil
}

func (r *Runner) add(t *target) {
	r.targets = append(r.targets, t)
	gap := r.cfg.HintGap
	if t.declared.PaidRequests > 0 {
		gap = max(gap, paidGap)
	}
	t.hints = newHints(gap, r.wakeUp)
	for _, hint := range t.declared.Hints {
		r.listeners[hint.Source] = append(r.listeners[hint.Source], listener{hint, t})
	}
}

// Scopes returns what the runner collects, without slices.
func (r *Runner) Scopes() []schema.Scope {
	scopes := make([]schema.Scope, len(r.targets))
	for i, t := range r.targets {
		scopes[i] = t.scope
	}
	return scopes
}

// Once collects every scope once and returns the results in the order of
// Scopes. The error is a *[PartialError] when a run has a fault or ctx was done
// before all runs were started; it then matches the context's error too.
func (r *Runner) Once(ctx context.Context) ([]Result, error) { return r.once(ctx, r.targets) }

// OnceOf does what Once does for some of the Scopes, and starts and returns them in the
// order given. What is not among the Scopes is passed over.
func (r *Runner) OnceOf(ctx context.Context, scopes []schema.Scope) ([]Result, error) {
	byScope := make(map[schema.Scope]*target, len(r.targets))
	for _, t := range r.targets {
		byScope[t.scope] = t
	}
	var targets []*target
	for _, scope := range scopes {
		if t := byScope[scope]; t != nil {
			targets = append(targets, t)
			delete(byScope, scope) // once, however often it is named
		}
	}
	return r.once(ctx, targets)
}

func (r *Runner) once(ctx context.Context, targets []*target) ([]Result, error) {
	every := func(t *target) time.Duration {
		if r.cfg.Stateless {
			return t.declared.Every // something else calls again and again
		}
		return r.cfg.Every
	}
	perTarget := make([][]Result, len(targets))
	started, isLong := make([]bool, len(targets)), make([]bool, len(targets))
	for i, t := range targets {
		isLong[i] = t.long() // before a run changes it
	}
	// Each kind is started in order, and does not wait for the other.
	start := func(long bool) {
		var wg sync.WaitGroup
		for i, t := range targets {
			if isLong[i] != long {
				continue
			}
			release, err := r.acquire(ctx, long)
			if err != nil {
				break
			}
			started[i] = true
			wg.Go(func() {
				defer release()
				perTarget[i] = r.collect(ctx, t, every(t), false)
			})
		}
		wg.Wait()
	}
	var wg sync.WaitGroup
	wg.Go(func() { start(true) })
	start(false)
	wg.Wait()
	var notStarted []schema.Scope
	for i, t := range targets {
		if !started[i] {
			notStarted = append(notStarted, t.scope)
		}
	}

	results := slices.Concat(perTarget...)
	partial := &PartialError{NotStarted: notStarted}
	for _, result := range results {
		if result.Fault() == nil {
			partial.Done = append(partial.Done, result)
		} else {
			partial.Failed = append(partial.Failed, result)
		}
	}
	if len(partial.Failed) == 0 && len(notStarted) == 0 {
		return results, nil
	}
	if err := ctx.Err(); err != nil {
		return results, errors.Join(err, partial)
	}
	return results, partial
}
