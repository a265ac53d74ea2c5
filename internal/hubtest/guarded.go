package hubtest

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
)

// Guarded returns the owner of a database with the roles of viewers, and the user that a
// dashboard with a login has. The database is on a server of its own, because roles belong to
// a whole server. All ends with the test.
func Guarded(t testing.TB, template pgtest.Template) (owner, dashboard *pgxpool.Pool) {
	t.Helper()
	server := pgtest.StartServer(t, pgserver.Config{})
	connect := func(url string) *pgxpool.Pool {
		pool, err := pgxpool.New(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	owner = connect(server.URL())
	if _, err := owner.Exec(t.Context(), "CREATE ROLE obs_reader; CREATE ROLE obs_restricted; CREATE ROLE obs_writer; "+
		"CREATE ROLE dashboard LOGIN NOINHERIT PASSWORD 'x' IN ROLE obs_reader, obs_restricted"); err != nil {
		t.Fatal(err)
	}
	if err := template.Migrate(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	return owner, connect("postgres://dashboard:x" + server.URL()[strings.LastIndexByte(server.URL(), '@'):])
}
