package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/lib/stream/kcl"
)

// metrics are what /metrics shows. Their names are an interface.
type metrics struct {
	tally
	registry *prometheus.Registry

	rows, runs, unchanged, parts, unknown *prometheus.CounterVec
	rejects, moved, retries               prometheus.Counter
	batches                               prometheus.Histogram
	bytes                                 prometheus.Counter
	lastCommit                            *prometheus.GaugeVec

	open               *prometheus.GaugeVec
	leases             *prometheus.GaugeVec
	behind             *prometheus.GaugeVec
	records, readBytes *prometheus.CounterVec
	failures           *prometheus.CounterVec

	views         *prometheus.HistogramVec
	viewFailures  *prometheus.CounterVec
	refreshLag    prometheus.Gauge
	refreshErrors prometheus.Counter
}

func newMetrics(version string, pool *pgxpool.Pool, id streamIdentity) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	counter := func(name, help string) prometheus.Counter { return counters(name, help).WithLabelValues() }
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(g)
		return g
	}
	histograms := func(name, help string, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help,
			Buckets: program.Seconds(0.005, 300)}, labels)
		m.registry.MustRegister(h)
		return h
	}
	m.rows = counters("hub_rows_total", "Rows of parts that took effect, and rows that are gone.", "category", "result")
	m.runs = counters("hub_completed_runs_total", "Runs that were applied wholly.", "category")
	m.unchanged = counters("hub_unchanged_runs_total", "Runs that found their scope as an earlier one did.", "category")
	m.parts = counters("hub_parts_total", "Parts that took effect, and repeated ones that had before.", "category",
		"result")
	m.unknown = counters("hub_unknown_keys_total", "Keys of rows that have no column.", "category")
	m.rejects = counter("hub_rejects_total", "Rows, parts and records that were refused.")
	m.moved = counter("hub_moved_shards_total", "Shards that left a batch because somebody else had moved them.")
	m.retries = counter("hub_database_retries_total", "Attempts that failed with an error that was tried again.")
	m.batches = histograms("hub_batch_duration_seconds",
		"Time to apply a batch, with retries.").WithLabelValues().(prometheus.Histogram)
	m.bytes = counter("hub_copied_bytes_total", "Bytes copied into PostgreSQL.")
	m.lastCommit = gauges("hub_last_commit_timestamp_seconds",
		"When this process last applied a batch; missing until it has.")
	m.open = gauges("hub_open_shards", "Shards of the stream that nobody has read to their end; the same in every "+
		"consumer.")
	m.leases = gauges("hub_lease", "1 for each shard that is read here.", "shard")
	m.behind = gauges("hub_shard_behind_seconds", "How far the last read of the shard was behind its newest record.",
		"shard")
	m.records = counters("hub_read_records_total", "Records read.", "shard")
	m.readBytes = counters("hub_read_bytes_total", "Bytes of the records read.", "shard")
	m.failures = counters("hub_stream_failures_total", "Reads and renewals of leases that failed and are tried again.",
		"what")
	m.failures.WithLabelValues("read")
	m.failures.WithLabelValues("renew")
	m.views = histograms("hub_view_refresh_duration_seconds", "Time to refresh a materialized view.", "view")
	m.viewFailures = counters("hub_view_refresh_failures_total", "Refreshes of a view that failed.", "view")
	m.refreshLag = gauges("hub_refresh_lag_seconds",
		"Time from the oldest change to the end of the last refresh that dealt with it.").WithLabelValues()
	m.refreshErrors = counter("hub_refresh_errors_total", "Times the refresher had to connect to the database anew.")
	m.registry.MustRegister(buildInfo(version), &stored{pool: pool, id: id},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func buildInfo(version string) prometheus.Collector {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "hub_build_info", Help: "Always 1; the version is a label.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	return build
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// applied counts one batch.
func (m *metrics) applied(r load.Result) {
	m.add(r)
	for category, c := range r.Categories {
		for result, n := range map[string]int64{
			"new": c.New, "changed": c.Changed, "unchanged": c.Unchanged, "superseded": c.Superseded, "rejected": c.Rejected,
			"gone": c.Gone,
		} {
			m.rows.WithLabelValues(category, result).Add(float64(n))
		}
		m.parts.WithLabelValues(category, "applied").Add(float64(c.Parts))
		m.parts.WithLabelValues(category, "repeated").Add(float64(c.Repeated))
		m.runs.WithLabelValues(category).Add(float64(c.Completed))
		m.unchanged.WithLabelValues(category).Add(float64(c.UnchangedRuns))
	}
	m.rejects.Add(float64(r.Rejects))
	m.moved.Add(float64(len(r.Moved)))
	m.batches.Observe(r.Duration.Seconds())
	m.bytes.Add(float64(r.Bytes))
	m.lastCommit.WithLabelValues().SetToCurrentTime()
}

func (m *metrics) retried(error, time.Duration) { m.retries.Inc() }

func (m *metrics) unknownKeys(category string, n int64) {
	m.unknown.WithLabelValues(category).Add(float64(n))
}

func (m *metrics) stream() kcl.Hooks {
	return kcl.Hooks{
		ShardsListed: func(open int) { m.open.WithLabelValues().Set(float64(open)) },
		LeaseTaken:   func(shard string) { m.leases.WithLabelValues(shard).Set(1) },
		LeaseEnded: func(shard string, _ error) {
			m.leases.DeleteLabelValues(shard)
			m.behind.DeleteLabelValues(shard)
			m.left()
		},
		ShardGone: func(shard string) {
			for _, series := range []interface{ DeleteLabelValues(...string) bool }{m.leases, m.behind, m.records, m.readBytes} {
				series.DeleteLabelValues(shard)
			}
		},
		Read: func(shard string, records, bytes int, behind time.Duration) {
			m.read(records)
			m.records.WithLabelValues(shard).Add(float64(records))
			m.readBytes.WithLabelValues(shard).Add(float64(bytes))
			m.behind.WithLabelValues(shard).Set(behind.Seconds())
		},
		ReadFailed:  func(string, error) { m.failures.WithLabelValues("read").Inc() },
		RenewFailed: func(string, error) { m.failures.WithLabelValues("renew").Inc() },
	}
}

func (m *metrics) refreshed(r refresh.Result) {
	for _, v := range r.Views {
		if v.Err != nil {
			m.viewFailures.WithLabelValues(v.Name).Inc()
			continue
		}
		m.views.WithLabelValues(v.Name).Observe(v.Duration.Seconds())
	}
	if r.Marks > 0 {
		m.refreshLag.Set(r.Lag.Seconds())
	}
}

func (m *metrics) refreshFailed(error) { m.refreshErrors.Inc() }

// stored collects what only the database knows, when it is asked for.
type stored struct {
	pool *pgxpool.Pool
	id   streamIdentity

	mu     sync.Mutex
	lags   map[string]float64 // by shard, in seconds
	readAt time.Time          // when lags were read
}

var (
	upDesc  = prometheus.NewDesc("hub_database_up", "1 if the database answered just now, else 0.", nil, nil)
	lagDesc = prometheus.NewDesc("hub_shard_lag_seconds", "Time since the arrival of the newest applied record of "+
		"the shard; it also grows while nothing arrives: see hub_shard_behind_seconds.", []string{"shard"}, nil)
	parkedDesc = prometheus.NewDesc("hub_parked_records", "Records that wait for the table of their category to fit.",
		[]string{"category"}, nil)
	gapsDesc = prometheus.NewDesc("hub_stream_gaps", "Stretches that the stream trimmed before they were read.", nil,
		nil)
	waitingDesc = prometheus.NewDesc("hub_refresh_waiting_seconds",
		"Age of the oldest change that no view shows yet; 0 if there is none.", nil, nil)
)

// Describe implements prometheus.Collector.
func (*stored) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{upDesc, lagDesc, parkedDesc, gapsDesc, waitingDesc} {
		ch <- d
	}
}

// collectTimeout is how long the database may take to answer.
const collectTimeout = 5 * time.Second

// Collect implements prometheus.Collector. While the database does not answer,
// the lag of each shard grows from what it was last; the other metrics are missing.
func (s *stored) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	up := 1.0
	missing := func(desc *prometheus.Desc, err error) {
		up = 0
		ch <- prometheus.NewInvalidMetric(desc, err)
	}
	single := func(desc *prometheus.Desc, sql string, args ...any) {
		var value float64
		if err := s.pool.QueryRow(ctx, sql, args...).Scan(&value); err != nil {
			missing(desc, err)
			return
		}
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	lags, err := s.labelled(ctx,
		`SELECT shard, greatest(extract(epoch FROM now() - arrived_at), 0)::float8 FROM hub.shard_progress
		WHERE stream = $1 AND stream_created_at = $2 AND NOT ended AND arrived_at IS NOT NULL`, s.id.ARN, s.id.Created)
	if err != nil {
		up = 0
	} else {
		s.lags, s.readAt = lags, time.Now()
	}
	for shard, lag := range s.lags {
		ch <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, lag+time.Since(s.readAt).Seconds(), shard)
	}
	parked, err := s.labelled(ctx,
		`SELECT category, count(*)::float8 FROM hub.reject WHERE state = 'parked' GROUP BY category`)
	if err != nil {
		missing(parkedDesc, err)
	}
	for category, records := range parked {
		ch <- prometheus.MustNewConstMetric(parkedDesc, prometheus.GaugeValue, records, category)
	}
	single(gapsDesc, `SELECT count(*)::float8 FROM hub.gap WHERE stream = $1 AND stream_created_at = $2`, s.id.ARN,
		s.id.Created)
	single(waitingDesc, `SELECT coalesce(extract(epoch FROM now() - min(marked_at)), 0)::float8 FROM hub.dirty`)
	ch <- prometheus.MustNewConstMetric(upDesc, prometheus.GaugeValue, up)
}

// labelled returns the rows of a query with a label and a value.
func (s *stored) labelled(ctx context.Context, sql string, args ...any) (map[string]float64, error) {
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	values := map[string]float64{}
	var label string
	var value float64
	_, err = pgx.ForEachRow(rows, []any{&label, &value}, func() error {
		values[label] = value
		return nil
	})
	return values, err
}
