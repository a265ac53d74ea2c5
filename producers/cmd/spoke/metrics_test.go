package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// TestMetricsOfRuns: what an alarm is made of says which destination lacks a run,
// and takes no run for complete that is not.
func TestMetricsOfRuns(t *testing.T) {
	scope := func(category string) schema.Scope {
		return schema.Scope{Category: category, Account: account, Region: region}
	}
	m := newMetrics("v1")
	finished := m.hooks().Finished
	at := time.UnixMilli(1_790_000_000_500)
	finished(collect.Result{Scope: scope("certificates"), Run: schema.NewRunID(at), Outcome: schema.OK,
		ArchiveErr: errors.New("a")})
	finished(collect.Result{Scope: scope("certificates"), Run: schema.NewRunID(at.Add(time.Hour)), Outcome: schema.Partial,
		Rows: 1, PublishErr: errors.New("p")})
	finished(collect.Result{Scope: scope("certificates"), Run: schema.NewRunID(at.Add(time.Hour)), Outcome: schema.Failed,
		PublishErr: errors.New("p")})
	finished(collect.Result{Scope: scope("secrets"), Run: schema.NewRunID(at), Outcome: schema.Empty})
	finished(collect.Result{Scope: scope("kms_keys"), Run: schema.NewRunID(at), Outcome: schema.Denied})

	answer := httptest.NewRecorder()
	m.handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var got []string
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, "spoke_unsent_runs_total") || strings.HasPrefix(line, "spoke_last_complete_run") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := []string{
		`spoke_last_complete_run_timestamp_seconds{category="certificates",region="eu-central-1"} 1.7900000005e+09`,
		`spoke_last_complete_run_timestamp_seconds{category="secrets",region="eu-central-1"} 1.7900000005e+09`,
		`spoke_unsent_runs_total{destination="archive"} 1`,
		`spoke_unsent_runs_total{destination="stream"} 2`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
