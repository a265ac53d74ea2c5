package sql_test

import (
	"context"
	stdsql "database/sql"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/schemas"
	"github.com/hubspoke/observability/sql"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// migrate brings an empty database up to date, as the hub does.
func migrate(ctx context.Context, url string) error {
	if _, err := load.Migrate(ctx, url); err != nil {
		return err
	}
	_, err := load.RunMigrations(ctx, url, sql.Migrations(), sql.VersionTable)
	return err
}

func checkTables(t *testing.T, db *pgtest.DB) {
	t.Helper()
	faults, err := load.Check(t.Context(), db.Pool, schemas.All()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
}

func TestTablesAreAsDeclared(t *testing.T) {
	db := pgtest.New(t, pgtest.Template{Name: "sql migrations", Migrate: migrate})
	checkTables(t, db)
}

func TestMigratingAgainDoesNothing(t *testing.T) {
	db := pgtest.Empty(t)
	if err := migrate(t.Context(), db.URL); err != nil {
		t.Fatal(err)
	}
	again, err := load.RunMigrations(t.Context(), db.URL, sql.Migrations(), sql.VersionTable)
	if err != nil || len(again) != 0 {
		t.Errorf("applied %v, error %v; want neither", again, err)
	}
}

func TestDownUndoesUp(t *testing.T) {
	db := pgtest.Empty(t)
	conn, err := stdsql.Open("pgx", db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, sql.Migrations(), goose.WithTableName(sql.VersionTable))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := provider.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkTables(t, db)
		if _, err := provider.DownTo(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		var left int
		err := db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname = 'obs'").Scan(&left)
		if err != nil || left != 0 {
			t.Errorf("%d schemas obs after the way down, error %v", left, err)
		}
	}
}

func TestCostsCannotBeNaN(t *testing.T) {
	db := pgtest.New(t, pgtest.Template{Name: "sql migrations", Migrate: migrate})
	for _, column := range []string{"unblended_cost", "net_unblended_cost", "amortized_cost", "net_amortized_cost",
		"blended_cost", "usage_quantity", "normalized_usage"} {
		for _, value := range []string{"NaN", "Infinity", "-Infinity"} {
			values := map[string]string{"unblended_cost": "1"}
			values[column] = value
			if err := insert(t, db, "service_costs", values); err == nil {
				t.Errorf("%s accepts %s", column, value)
			}
		}
	}
	if err := insert(t, db, "service_costs", map[string]string{"unblended_cost": "1"}); err != nil {
		t.Error("null in the other columns is refused:", err)
	}
}

// TestEveryNumberIsGuarded fails for a new category with decimals or doubles
// whose migration forgot them.
func TestEveryNumberIsGuarded(t *testing.T) {
	db := pgtest.New(t, pgtest.Template{Name: "sql migrations", Migrate: migrate})
	var unguarded []string
	err := db.Pool.QueryRow(t.Context(), `
		SELECT array_agg(a.attrelid::regclass || '.' || a.attname)
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = 'obs'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
		  AND a.atttypid IN ('numeric'::regtype, 'float8'::regtype)
		  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND a.attnum = ANY(k.conkey))`).Scan(&unguarded)
	if err != nil {
		t.Fatal(err)
	}
	if len(unguarded) > 0 {
		t.Errorf("no CHECK refuses NaN in %q", unguarded)
	}
}
