package hubtest_test

import (
	"testing"

	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/lib/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestDatabases: each has what the one before has, and something more.
func TestDatabases(t *testing.T) {
	const (
		tables   = "SELECT count(*) FROM pg_tables WHERE schemaname = 'obs' AND tablename = 'kms_keys'"
		views    = "SELECT count(*) FROM pg_views WHERE schemaname = 'public' AND viewname = 'current_kms_keys'"
		computed = "SELECT (count(*) > 0)::int FROM hub.view_refresh WHERE refreshed_at IS NOT NULL"
		accounts = "SELECT count(DISTINCT account_id) FROM obs.accounts"
		silent   = "SELECT count(DISTINCT account_id) FROM freshness WHERE status = 'stale' AND age > interval '71 hours'"
		denied   = "SELECT count(*) FROM freshness WHERE last_outcome = 'denied'"
	)
	for _, test := range []struct {
		template pgtest.Template
		want     map[string]int
	}{
		{hubtest.Tables, map[string]int{tables: 1, views: 0, accounts: 0}},
		{hubtest.Views, map[string]int{tables: 1, views: 1, computed: 0, accounts: 0}},
		{hubtest.Empty, map[string]int{tables: 1, views: 1, computed: 1, accounts: 0}},
		{hubtest.Filled, map[string]int{tables: 1, views: 1, computed: 1, accounts: 8, silent: 1, denied: 1}},
	} {
		db := pgtest.New(t, test.template)
		for query, want := range test.want {
			var got int
			if err := db.Pool.QueryRow(t.Context(), query).Scan(&got); err != nil || got != want {
				t.Errorf("%s: %s is %d, want %d: %v", test.template.Name, query, got, want, err)
			}
		}
	}
}
