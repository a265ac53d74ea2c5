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

	m.wantSeries(t, []string{"spoke_unsent_runs_total", "spoke_last_complete_run"},
		`spoke_last_complete_run_timestamp_seconds{category="certificates",region="eu-central-1"} 1.7900000005e+09`,
		`spoke_last_complete_run_timestamp_seconds{category="secrets",region="eu-central-1"} 1.7900000005e+09`,
		`spoke_unsent_runs_total{destination="archive"} 1`,
		`spoke_unsent_runs_total{destination="stream"} 2`)
}

// wantSeries compares the series of metrics with some prefixes.
func (m *metrics) wantSeries(t *testing.T, prefixes []string, want ...string) {
	t.Helper()
	answer := httptest.NewRecorder()
	m.handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var got []string
	for line := range strings.Lines(answer.Body.String()) {
		if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(line, prefix) }) {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestMetricsOfAccounts: one that is behind is not hidden by those that are not, and has its
// own series; one that is not collected any more has none.
func TestMetricsOfAccounts(t *testing.T) {
	m := newMetrics("v1")
	finished := m.hooks().Finished
	const start = 1_790_000_000
	run := func(category, account, region, slice string, seconds int64, outcome schema.Outcome) {
		finished(collect.Result{
			Scope: schema.Scope{Category: category, Account: account, Region: region, Slice: slice},
			Run:   schema.NewRunID(time.Unix(start+seconds, 0)), Outcome: outcome,
		})
	}
	const other, elsewhere = "222233334444", "us-east-1"
	run("secrets", other, region, "", 0, schema.OK)
	run("secrets", account, region, "", 60, schema.OK)
	run("secrets", account, elsewhere, "", 70, schema.Empty)
	run("secrets", other, region, "", 80, schema.Denied)
	run("costs", account, region, "2026-08-01", 20, schema.OK)
	run("costs", account, region, "2026-08-02", 30, schema.Unchanged)
	prefixes := []string{"spoke_last_complete_run", "spoke_account"}
	m.wantSeries(t, prefixes,
		`spoke_account_last_complete_run_timestamp_seconds{account="111122223333",region="eu-central-1"} 1.79000003e+09`,
		`spoke_account_last_complete_run_timestamp_seconds{account="111122223333",region="us-east-1"} 1.79000007e+09`,
		`spoke_account_last_complete_run_timestamp_seconds{account="222233334444",region="eu-central-1"} 1.79e+09`,
		`spoke_account_runs_total{account="111122223333",outcome="empty",region="us-east-1"} 1`,
		`spoke_account_runs_total{account="111122223333",outcome="ok",region="eu-central-1"} 2`,
		`spoke_account_runs_total{account="111122223333",outcome="unchanged",region="eu-central-1"} 1`,
		`spoke_account_runs_total{account="222233334444",outcome="denied",region="eu-central-1"} 1`,
		`spoke_account_runs_total{account="222233334444",outcome="ok",region="eu-central-1"} 1`,
		`spoke_last_complete_run_timestamp_seconds{category="costs",region="eu-central-1"} 1.79000003e+09`,
		`spoke_last_complete_run_timestamp_seconds{category="secrets",region="eu-central-1"} 1.79e+09`,
		`spoke_last_complete_run_timestamp_seconds{category="secrets",region="us-east-1"} 1.79000007e+09`)
	m.forget(other, "")
	m.forget(account, elsewhere)
	m.wantSeries(t, prefixes,
		`spoke_account_last_complete_run_timestamp_seconds{account="111122223333",region="eu-central-1"} 1.79000003e+09`,
		`spoke_account_runs_total{account="111122223333",outcome="ok",region="eu-central-1"} 2`,
		`spoke_account_runs_total{account="111122223333",outcome="unchanged",region="eu-central-1"} 1`,
		`spoke_last_complete_run_timestamp_seconds{category="costs",region="eu-central-1"} 1.79000003e+09`,
		`spoke_last_complete_run_timestamp_seconds{category="secrets",region="eu-central-1"} 1.79000006e+09`)
}
