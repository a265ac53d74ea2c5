package main

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/producers/collectors"
)

// runCommand collects again and again.
type runCommand struct {
	sourceFlags
	destinationFlags
	personalFlags
	simulateFlags
	Interval     time.Duration  `placeholder:"6h" help:"Interval of all categories, instead of their own: see 'spoke categories'. AWS charges for some of their requests."`
	Duration     time.Duration  `placeholder:"1h" help:"Stop after this time. Defaults to never."`
	Jitter       time.Duration  `default:"5m" help:"Time over which the first runs are spread, so that many spokes that start at once do not send at once."`
	FullEvery    *time.Duration `placeholder:"24h" help:"How often the rows of a scope are sent at least: one that is as it was sends only that it is, and needs no object in the archive. 0: all rows are always sent. Defaults to 24h."`
	Events       string         `placeholder:"URL" help:"SQS queue with events of EventBridge, after which what they are about is collected sooner. Defaults to none: everything is collected at its interval alone."`
	DrainTimeout time.Duration  `default:"25s" help:"How long the end may take after SIGTERM. ECS kills after 30 s."`
	MetricsAddr  string         `placeholder:"HOST:PORT" help:"Address that serves /healthz, /readyz and /metrics. Defaults to none."`
}

// Help is shown by `spoke run -h`.
func (runCommand) Help() string {
	return `Each category is collected at its own interval, shown by 'spoke categories'; the first
runs are spread over 5 minutes. One line per run is logged. SIGINT and SIGTERM stop what is
being collected, close its runs as not complete and end the program within --drain-timeout.

Example, as a service:

  spoke run --log-format json --metrics-addr :9090 --region eu-central-1 \
    --stream arn:aws:kinesis:eu-central-1:444455556666:stream/observability --bucket hub-archive

With the queue of the account's events (see 'spoke rules'), so that changes are sent within seconds:

  spoke run --stream observability \
    --events https://sqs.eu-central-1.amazonaws.com/111122223333/spoke-events

Without the categories that are not wanted, or not permitted:

  spoke run --exclude account_contacts,ssm_applications --stream observability

Without personal data: contacts are not sent, users and addresses as pseudonyms:

  spoke run --stream observability --personal contact=drop,text=drop,identity=hash,network=hash \
    --personal-key-arn arn:aws:kms:eu-central-1:444455556666:key/mrk-0123456789abcdef0123456789abcdef`
}

// DrainTime is how long the end may take. A made-up organisation is collected once
// more then, which ends by itself: it depends on nothing outside of this host.
func (c runCommand) DrainTime() time.Duration {
	if c.Simulate {
		return simulatedDrain
	}
	return c.DrainTimeout
}

// monthlyPrice returns what AWS charges for the requests of a source in 30 days, in USD,
// if it does not manage its organization.
func (c runCommand) monthlyPrice(s source) float64 {
	if c.Simulate || !slices.Contains(s.regions, s.home) {
		return 0 // what is paid for has no region
	}
	declared := collectors.Declarations(s.collectors...)
	for i := range declared {
		declared[i].Every = cmp.Or(c.Interval, declared[i].Every)
	}
	return collectors.MonthlyTotal(declared...)
}

// fullEvery returns what collect.Config takes for --full-every: there 0 is the default,
// and what a nanosecond ago was sent is sent again.
func fullEvery(flag *time.Duration) time.Duration {
	if flag == nil {
		return 0
	}
	return cmp.Or(*flag, time.Nanosecond)
}

// Run collects until ctx is done.
func (c runCommand) Run(ctx context.Context, p program.Program, find findSources, log *slog.Logger) error {
	if fullEvery(c.FullEvery) < 0 {
		return program.Usagef("--full-every must not be negative")
	}
	if c.Stream == "" && c.Bucket == "" {
		return program.Usagef("nowhere to send rows to: give --stream or --bucket, or use 'spoke once' to look at them")
	}
	if err := cmp.Or(c.validateFor(c.sourceFlags), c.validatePersonal()); err != nil {
		return err
	}
	if c.Events != "" {
		if _, err := parseQueueURL("--events", c.Events); err != nil {
			return err
		}
	}
	c.warnOfUnknownLabels(log)
	if err := c.simulateFlags.validate(); err != nil {
		return err
	}
	var world *simulation // nil: AWS
	var sources []source
	var err error
	if c.Simulate {
		world, sources, err = c.newSimulation(c.sourceFlags)
	} else {
		sources, err = find(ctx, c.sourceFlags, log)
	}
	if err != nil {
		return err
	}
	policy, err := c.personalPolicy(ctx, sources, ownConfiguration(c.Profile, log), log)
	if err != nil {
		return err
	}
	metrics := newMetrics(p.VersionText())
	opener, err := c.opener(log, metrics.stream())
	if err != nil {
		return err
	}
	if !sources[0].pulled {
		to, err := opener.open(ctx, sources[0].home, ownConfiguration(c.Profile, log))
		if err != nil {
			return err
		}
		for i := range sources {
			sources[i].to = &to
		}
	}
	if err := checkNotNothing(sources); err != nil {
		return err
	}
	var events *events
	if c.Events != "" {
		if events, err = openEvents(ctx, c.Events, ownConfiguration(c.Profile, log), metrics, log); err != nil {
			return err
		}
	}
	config := collect.Config{
		Services:        collectors.Services(),
		Workers:         collect.NewWorkers(c.places()),
		Jitter:          c.Jitter,
		ChunkBytes:      c.chunkBytes(),
		MaxPaidRequests: c.MaxPaidRequests,
		Personal:        policy,
		Labels:          c.Label,
		Version:         p.VersionText(),
		Every:           c.Interval,
		FullEvery:       fullEvery(c.FullEvery),
		Logger:          log,
		Hooks:           metrics.hooks(),
	}
	if world != nil {
		world.events = events
		config.Every, config.HintGap = cmp.Or(c.Interval, world.every()), simulatedInterval
		config.Hooks = world.counting(config.Hooks)
	}
	if c.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Duration)
		defer cancel()
	}
	group, ctx := errgroup.WithContext(ctx)
	if c.MetricsAddr != "" {
		// The process is ready as long as it collects: what single runs say is in the metrics.
		endpoints, err := program.Listen(c.MetricsAddr, metrics.handler(), nil, log)
		if err != nil {
			return err
		}
		defer endpoints.Serve(ctx)()
	}
	for _, s := range sources {
		for _, err := range s.faults {
			// It may answer by and by, and the other regions do now.
			log.Warn("a region does not answer, and is tried again with every run", "account", s.account, "error", err)
		}
	}
	fleet := newFleet(config)
	fleet.metrics, fleet.price, fleet.open = metrics, c.monthlyPrice, opener.forAccount
	if c.pulls() || len(sources) > 1 || len(sources[0].regions) > 1 || c.givesAllRegions() {
		fleet.shared.MaxConcurrentRuns = max(c.places()/2, 1)
	}
	var again func(context.Context) ([]source, error)
	if c.Organization {
		again = func(ctx context.Context) ([]source, error) { return find(ctx, c.sourceFlags, log) }
	}
	if events != nil {
		events.hear = fleet.hear
		group.Go(func() error { return events.run(ctx) })
	}
	group.Go(func() error { return fleet.run(ctx, sources, again) })
	if world != nil {
		group.Go(func() error { return world.run(ctx) })
	}
	err = group.Wait()
	if world != nil && err == nil {
		err = world.finish(ctx, p.Stdout, c.JSON(), sources, config, log)
	}
	log.Info("stopped")
	return err
}
