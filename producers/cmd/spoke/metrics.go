package main

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream/kinesis"
)

// metrics are what /metrics shows. Their names are an interface.
type metrics struct {
	registry     *prometheus.Registry
	runs         *prometheus.CounterVec
	lastComplete *prometheus.GaugeVec
	duration     *prometheus.HistogramVec
	rows         *prometheus.CounterVec
	bytes        *prometheus.CounterVec
	refused      *prometheus.CounterVec
	duplicates   *prometheus.CounterVec
	requests     *prometheus.CounterVec
	unsent       *prometheus.CounterVec
	records      *prometheus.CounterVec
	accounts     *prometheus.GaugeVec
	events       *prometheus.CounterVec
	eventsUp     *prometheus.GaugeVec // without labels; it is there once it is set
	hintedRuns   *prometheus.CounterVec
	hintSeconds  *prometheus.HistogramVec
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
	m.lastComplete = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "spoke_last_complete_run_timestamp_seconds", Help: "Start of the newest run that read its whole scope.",
	}, []string{"category", "region"})
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
	m.registry.MustRegister(m.lastComplete, m.duration, m.accounts, m.eventsUp, m.hintSeconds, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) hooks() collect.Hooks {
	return collect.Hooks{
		Request: func(category, region string) { m.requests.WithLabelValues(category, region).Inc() },
		Finished: func(r collect.Result) {
			category, region := r.Scope.Category, r.Scope.Region
			m.runs.WithLabelValues(category, region, string(r.Outcome)).Inc()
			m.duration.WithLabelValues(category).Observe(r.Duration.Seconds())
			m.rows.WithLabelValues(category, region).Add(float64(r.Rows))
			m.bytes.WithLabelValues(category, region).Add(float64(r.Bytes))
			m.refused.WithLabelValues(category, region).Add(float64(r.RefusedRows))
			m.duplicates.WithLabelValues(category, region).Add(float64(r.Duplicates))
			if r.Outcome.Complete() || r.Outcome == schema.Unchanged {
				m.lastComplete.WithLabelValues(category, region).Set(float64(r.Run.Time().UnixMilli()) / 1000)
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
