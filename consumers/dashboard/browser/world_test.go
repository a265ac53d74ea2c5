package browser_test

import (
	"net/http"
	"testing"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/lib/pgtest"
)

// shown is a dashboard, its database, and an account that it shows.
type shown struct {
	handler http.Handler
	db      *pgtest.DB
	account string
}

// world is a dashboard over a made-up organisation.
func world(t testing.TB) shown {
	t.Helper()
	w := show(t, hubtest.Filled)
	if err := w.db.Pool.QueryRow(t.Context(), `SELECT min(account_id) FROM account_overview`).Scan(&w.account); err != nil {
		t.Fatal(err)
	}
	return w
}

func show(t testing.TB, template pgtest.Template) shown {
	t.Helper()
	db := pgtest.New(t, template)
	return shown{dashboard.New(db.Pool, dashboard.Config{Pages: pages.All()}), db, "111122223333"}
}
