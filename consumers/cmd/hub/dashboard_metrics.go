package main

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/internal/program"
)

// dashboardMetrics are those of `hub dashboard`.
type dashboardMetrics struct {
	registry          *prometheus.Registry
	requests, queries *prometheus.HistogramVec
	refused           *prometheus.CounterVec
	exported          prometheus.Counter
}

func newDashboardMetrics(version string) *dashboardMetrics {
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help,
			Buckets: program.Seconds(0.005, 60)}, labels)
	}
	m := &dashboardMetrics{
		registry: prometheus.NewRegistry(),
		requests: histogram("hub_dashboard_request_duration_seconds", "Time to answer with a page or file.", "page"),
		queries:  histogram("hub_dashboard_query_duration_seconds", "Time of a query of a page.", "page", "panel"),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hub_dashboard_refused_total",
			Help: "Requests that were not answered."}, []string{"reason"}),
		exported: prometheus.NewCounter(prometheus.CounterOpts{Name: "hub_dashboard_exported_rows_total",
			Help: "Rows of files."}),
	}
	m.registry.MustRegister(m.requests, m.queries, m.refused, m.exported, buildInfo(version),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *dashboardMetrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *dashboardMetrics) hooks() dashboard.Hooks {
	return dashboard.Hooks{
		Answered: func(page string, took time.Duration) { m.requests.WithLabelValues(page).Observe(took.Seconds()) },
		Queried: func(page, panel string, took time.Duration) {
			m.queries.WithLabelValues(page, panel).Observe(took.Seconds())
		},
		Refused:  func(reason string) { m.refused.WithLabelValues(reason).Inc() },
		Exported: func(rows int) { m.exported.Add(float64(rows)) },
	}
}
