package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/hubspoke/observability/lib/collect"
)

// runCommand collects again and again.
type runCommand struct {
	sourceFlags
	destinationFlags
	simulateFlags
	Interval    time.Duration `placeholder:"6h" help:"Interval of all categories, instead of their own: see 'spoke categories'."`
	Duration    time.Duration `placeholder:"1h" help:"Stop after this time. Defaults to never."`
	MetricsAddr string        `placeholder:"HOST:PORT" help:"Address that serves /healthz, /readyz and /metrics. Defaults to none."`
}

// Help is shown by `spoke run -h`.
func (runCommand) Help() string {
	return `Each category is collected at its own interval, shown by 'spoke categories'; the first
runs are spread over a minute. One line per run is logged. SIGINT and SIGTERM stop what is
being collected, close its runs as not complete and end the program.

Example, in a container:

  spoke run --log-format json --metrics-addr :9090 --region eu-central-1 \
    --stream arn:aws:kinesis:eu-central-1:444455556666:stream/observability --bucket hub-archive`
}

// shutdownTime is how long requests for metrics may take at the end.
const shutdownTime = time.Second

// Run collects until ctx is done.
func (c runCommand) Run(ctx context.Context, p program, log *slog.Logger) error {
	if c.Stream == "" && c.Bucket == "" {
		return usagef("nowhere to send rows to: give --stream or --bucket, or use 'spoke once' to look at them")
	}
	if _, err := c.destinationFlags.validate(); err != nil {
		return err
	}
	if c.Interval < 0 || c.Duration < 0 {
		return usagef("--interval and --duration must not be negative")
	}
	if err := c.simulateFlags.validate(); err != nil {
		return err
	}
	var world *simulation // nil: AWS
	var sources []source
	var err error
	if c.Simulate {
		world, sources, err = c.newSimulation(c.sourceFlags)
	} else {
		sources, err = p.sources(ctx, c.sourceFlags)
	}
	if err != nil {
		return err
	}
	metrics := newMetrics(versionText())
	to, err := c.open(ctx, sources[0].home, c.Profile, log, metrics.stream())
	if err != nil {
		return err
	}
	config := collect.Config{
		Publisher: to.publisher,
		Archive:   to.archive,
		Packer:    to.packer,
		Workers:   semaphore.NewWeighted(int64(c.Concurrent)),
		Every:     c.Interval,
		Log:       log,
		Hooks:     metrics.hooks(),
	}
	if world != nil {
		config.Every, config.Hooks = cmp.Or(c.Interval, simulatedInterval), world.counting(config.Hooks)
	}
	all, err := runners(sources, config)
	if err != nil {
		return err
	}
	if c.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Duration)
		defer cancel()
	}
	group, ctx := errgroup.WithContext(ctx)
	if c.MetricsAddr != "" {
		listener, err := net.Listen("tcp", c.MetricsAddr)
		if err != nil {
			return usagef("--metrics-addr %s: %w", c.MetricsAddr, err)
		}
		log.Info("serving /healthz, /readyz and /metrics", "address", listener.Addr().String())
		group.Go(func() error { return serve(ctx, listener, metrics) })
	}
	for _, s := range sources {
		log.Info("collecting", "account", s.account, "regions", s.regions, "home", s.home, "categories", len(s.collectors), "version", versionText())
	}
	for _, r := range all {
		group.Go(func() error { return r.Run(ctx) })
	}
	if world != nil {
		group.Go(func() error { return world.run(ctx) })
	}
	err = group.Wait()
	if world != nil && err == nil {
		err = world.finish(ctx, p.stdout, c.Output, sources, config, log)
	}
	log.Info("stopped")
	return err
}

// serve serves health and metrics until ctx is done. The process is ready as
// long as it collects: what single runs say is in the metrics.
func serve(ctx context.Context, listener net.Listener, m *metrics) error {
	var stopping atomic.Bool
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if stopping.Load() {
			http.Error(w, "stopping", http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ok\n"))
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		stopping.Store(true)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	<-stopped
	return nil
}
