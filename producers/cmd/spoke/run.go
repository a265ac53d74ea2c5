package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/personal"
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
	if err := c.validate(); err != nil {
		return err
	}
	c.warnOfUnknownLabels(log)
	s, err := c.prepare(ctx, p, find, log)
	if err != nil {
		return err
	}
	return s.run(ctx)
}

// validate checks what can be known without AWS.
func (c runCommand) validate() error {
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
	return c.simulateFlags.validate()
}

// service is a run that is ready to begin.
type service struct {
	flags   runCommand
	sources []source
	again   func(context.Context) ([]source, error) // finds the sources anew; nil: they stay the same
	world   *simulation                             // nil: AWS
	events  *events                                 // nil: none are taken
	config  collect.Config                          // of all runners
	fleet   *fleet
	metrics *metrics
	stdout  io.Writer
	log     *slog.Logger
}

// prepare finds what is collected and opens where it goes to.
func (c runCommand) prepare(ctx context.Context, p program.Program, find findSources, log *slog.Logger) (*service,
	error) {
	s := &service{flags: c, metrics: newMetrics(p.VersionText()), stdout: p.Stdout, log: log}
	if err := s.find(ctx, find); err != nil {
		return nil, err
	}
	own := ownConfiguration(c.Profile, log)
	policy, err := c.personalPolicy(ctx, s.sources, own, log)
	if err != nil {
		return nil, err
	}
	opener, err := c.opener(log, s.metrics.stream())
	if err != nil {
		return nil, err
	}
	if !s.sources[0].pulled {
		to, err := opener.open(ctx, s.sources[0].home, own)
		if err != nil {
			return nil, err
		}
		for i := range s.sources {
			s.sources[i].to = &to
		}
	}
	if err := checkNotNothing(s.sources); err != nil {
		return nil, err
	}
	if c.Events != "" {
		if s.events, err = openEvents(ctx, c.Events, own, s.metrics, log); err != nil {
			return nil, err
		}
	}
	s.configure(policy, p.VersionText())
	s.makeFleet(opener)
	return s, nil
}

// find sets the sources, and the world that they are of.
func (s *service) find(ctx context.Context, find findSources) (err error) {
	if s.flags.Simulate {
		s.world, s.sources, err = s.flags.newSimulation(s.flags.sourceFlags)
		return err
	}
	if s.sources, err = find(ctx, s.flags.sourceFlags, s.log); err != nil {
		return err
	}
	if s.flags.Organization {
		s.again = func(ctx context.Context) ([]source, error) { return find(ctx, s.flags.sourceFlags, s.log) }
	}
	for _, source := range s.sources {
		for _, err := range source.faults {
			// It may answer by and by, and the other regions do now.
			s.log.Warn("a region does not answer, and is tried again with every run", "account", source.account,
				"error", err)
		}
	}
	return nil
}

// configure sets what all runners have in common.
func (s *service) configure(policy *personal.Policy, version string) {
	s.config = collect.Config{
		Services:        collectors.Services(),
		Workers:         collect.NewWorkers(s.flags.places()),
		Jitter:          s.flags.Jitter,
		ChunkBytes:      s.flags.chunkBytes(),
		MaxPaidRequests: s.flags.MaxPaidRequests,
		Personal:        policy,
		Labels:          s.flags.Label,
		Version:         version,
		Every:           s.flags.Interval,
		FullEvery:       fullEvery(s.flags.FullEvery),
		Logger:          s.log,
		Hooks:           s.metrics.hooks(),
	}
	if s.world != nil {
		s.world.events = s.events
		s.config.Every, s.config.HintGap = cmp.Or(s.flags.Interval, s.world.every()), simulatedInterval
		s.config.Hooks = s.world.counting(s.config.Hooks)
	}
}

// makeFleet makes the fleet that collects the sources, and lets it hear of events.
func (s *service) makeFleet(opener opener) {
	s.fleet = newFleet(s.config)
	s.fleet.metrics, s.fleet.price, s.fleet.open = s.metrics, s.flags.monthlyPrice, opener.forAccount
	if s.flags.pulls() || len(s.sources) > 1 || len(s.sources[0].regions) > 1 || s.flags.givesAllRegions() {
		s.fleet.shared.MaxConcurrentRuns = max(s.flags.places()/2, 1)
	}
	if s.events != nil {
		s.events.hear = s.fleet.hear
	}
}

// run collects until ctx is done.
func (s *service) run(ctx context.Context) error {
	if s.flags.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.flags.Duration)
		defer cancel()
	}
	group, ctx := errgroup.WithContext(ctx)
	if s.flags.MetricsAddr != "" {
		// The process is ready as long as it collects: what single runs say is in the metrics.
		endpoints, err := program.Listen(s.flags.MetricsAddr, s.metrics.handler(), nil, s.log)
		if err != nil {
			return err
		}
		defer endpoints.Serve(ctx)()
	}
	if s.events != nil {
		group.Go(func() error { return s.events.run(ctx) })
	}
	group.Go(func() error { return s.fleet.run(ctx, s.sources, s.again) })
	if s.world != nil {
		group.Go(func() error { return s.world.run(ctx) })
	}
	err := group.Wait()
	if s.world != nil && err == nil {
		err = s.world.finish(ctx, s.stdout, s.flags.JSON(), s.sources, s.config, s.log)
	}
	s.log.Info("stopped")
	return err
}
