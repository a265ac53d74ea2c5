package main

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream/kinesis"
)

// metrics are what /metrics shows. Their names are an interface. A series for each category of
// each account would be too many: counters of a category are sums of all accounts, and
// those of an account are sums of all categories.
type metrics struct {
	registry    *prometheus.Registry
	runs        *prometheus.CounterVec
	progress    *progress
	duration    *prometheus.HistogramVec
	rows        *prometheus.CounterVec
	bytes       *prometheus.CounterVec
	refused     *prometheus.CounterVec
	duplicates  *prometheus.CounterVec
	requests    *prometheus.CounterVec
	unsent      *prometheus.CounterVec
	records     *prometheus.CounterVec
	accountRuns *prometheus.CounterVec
	accounts    *prometheus.GaugeVec
	events      *prometheus.CounterVec
	eventsUp    *prometheus.GaugeVec // without labels; it is there once it is set
	hintedRuns  *prometheus.CounterVec
	hintSeconds *prometheus.HistogramVec
}

func newMetrics(version string) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	m.runs = counter("spoke_runs_total", "Runs that ended, by outcome.", "category", "region", "outcome")
	m.rows = counter("spoke_rows_total", "Rows of the runs.", "category", "region")
	m.bytes = counter("spoke_published_bytes_total", "Bytes put into the stream, without partition keys.", "category",
		"region")
	m.refused = counter("spoke_refused_rows_total", "Rows that do not fit their category and were not sent.", "category",
		"region")
	m.duplicates = counter("spoke_duplicate_rows_total", "Rows that repeat a key of their run and were not sent.",
		"category", "region")
	m.requests = counter("spoke_aws_requests_total", "Requests of collectors to AWS, retries included.", "category",
		"region")
	m.unsent = counter("spoke_unsent_runs_total", "Runs that a destination does not have whole.", "destination")
	m.unsent.WithLabelValues("archive")
	m.unsent.WithLabelValues("stream")
	m.records = counter("spoke_stream_records_total",
		"Records of PutRecords calls: sent, of these retried, failed, and of these throttled.", "what")
	m.accountRuns = counter("spoke_account_runs_total", "Runs of an account that ended, by outcome.", "account", "region",
		"outcome")
	m.progress = &progress{complete: map[schema.Scope]time.Time{}}
	m.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "spoke_run_duration_seconds", Help: "Time that runs took.", Buckets: program.Seconds(0.1, 3600),
	}, []string{"category"})
	m.accounts = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "spoke_accounts", Help: "Accounts: collected, refused (the log says why), inactive (suspended or so).",
	}, []string{"state"})
	m.events = counter("spoke_events_total",
		"Events of the queue: taken, covered, other_account, other_region, unknown, malformed.", "result")
	m.eventsUp = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "spoke_events_up", Help: "1 if the last call to the queue of events succeeded, else 0.",
	}, nil)
	m.hintedRuns = counter("spoke_hinted_runs_total", "Runs that answer an event.", "category", "region")
	m.hintSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "spoke_hint_seconds", Help: "Time from an event to the end of the complete run that answers it.",
		Buckets: program.Seconds(1, 3600),
	}, []string{"category"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "spoke_build_info", Help: "Always 1; the version is a label.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.progress, m.duration, m.accounts, m.eventsUp, m.hintSeconds, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) hooks() collect.Hooks {
	return collect.Hooks{
		Request: func(category, region string) { m.requests.WithLabelValues(category, region).Inc() },
		Finished: func(r collect.Result) {
			category, region := r.Scope.Category, r.Scope.Region
			m.runs.WithLabelValues(category, region, string(r.Outcome)).Inc()
			m.accountRuns.WithLabelValues(r.Scope.Account, region, string(r.Outcome)).Inc()
			m.duration.WithLabelValues(category).Observe(r.Duration.Seconds())
			m.rows.WithLabelValues(category, region).Add(float64(r.Rows))
			m.bytes.WithLabelValues(category, region).Add(float64(r.Bytes))
			m.refused.WithLabelValues(category, region).Add(float64(r.RefusedRows))
			m.duplicates.WithLabelValues(category, region).Add(float64(r.Duplicates))
			if r.Outcome.Complete() || r.Outcome == schema.Unchanged {
				m.progress.note(unsliced(r.Scope), r.Run.Time())
			}
			if !r.Hinted.IsZero() {
				m.hintedRuns.WithLabelValues(category, region).Inc()
				if r.Outcome.Complete() {
					m.hintSeconds.WithLabelValues(category).Observe(time.Since(r.Hinted).Seconds())
				}
			}
			if r.ArchiveErr != nil {
				m.unsent.WithLabelValues("archive").Inc()
			}
			if r.PublishErr != nil {
				m.unsent.WithLabelValues("stream").Inc()
			}
		},
	}
}

// forget drops the series of an account, or of one of its regions, that is not collected any
// more; "" is all regions.
func (m *metrics) forget(account, region string) {
	labels := prometheus.Labels{"account": account}
	if region != "" {
		labels["region"] = region
	}
	m.accountRuns.DeletePartialMatch(labels)
	m.progress.forget(account, region)
}

// progress is the start of the newest run of each scope that read all of it. What it shows are
// the oldest of these: so that a scope that is behind is not hidden by others that are not.
type progress struct {
	mu       sync.Mutex
	complete map[schema.Scope]time.Time
}

var (
	lastComplete = prometheus.NewDesc("spoke_last_complete_run_timestamp_seconds",
		"Start of the newest run that read its whole scope; of the account that is furthest behind.",
		[]string{"category", "region"}, nil)
	accountLastComplete = prometheus.NewDesc("spoke_account_last_complete_run_timestamp_seconds",
		"Start of the newest run that read its whole scope; of the category that is furthest behind.",
		[]string{"account", "region"}, nil)
)

func (p *progress) note(scope schema.Scope, started time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complete[scope] = started
}

func (p *progress) forget(account, region string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.complete, func(s schema.Scope, _ time.Time) bool {
		return s.Account == account && (region == "" || s.Region == region)
	})
}

// Describe is called by the registry.
func (p *progress) Describe(to chan<- *prometheus.Desc) {
	to <- lastComplete
	to <- accountLastComplete
}

// Collect is called by the registry, by several goroutines at once.
func (p *progress) Collect(to chan<- prometheus.Metric) {
	type series struct {
		desc         *prometheus.Desc
		name, region string
	}
	oldest := map[series]time.Time{}
	p.mu.Lock()
	for scope, at := range p.complete {
		for _, s := range []series{{lastComplete, scope.Category, scope.Region},
			{accountLastComplete, scope.Account, scope.Region}} {
			if known, ok := oldest[s]; !ok || at.Before(known) {
				oldest[s] = at
			}
		}
	}
	p.mu.Unlock()
	for s, at := range oldest {
		to <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, float64(at.UnixMilli())/1000, s.name, s.region)
	}
}

func (m *metrics) stream() kinesis.Hooks {
	return kinesis.Hooks{Called: func(c kinesis.Call) {
		m.records.WithLabelValues("sent").Add(float64(c.Records))
		m.records.WithLabelValues("retried").Add(float64(c.Retried))
		m.records.WithLabelValues("failed").Add(float64(c.Failed))
		m.records.WithLabelValues("throttled").Add(float64(c.Throttled))
	}}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
