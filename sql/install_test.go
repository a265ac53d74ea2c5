package sql_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/schemas"
	"github.com/hubspoke/observability/sql"
)

// TestInstallHoldsNoWriterUp stops the installation at its end, when it holds all its
// locks: consumers go on writing, however large their tables are, and nothing was computed.
func TestInstallHoldsNoWriterUp(t *testing.T) {
	db := &database{t, pgtest.New(t, hubtest.Tables)}
	db.exec(`INSERT INTO obs.secrets (row_key, row_hash, account_id, region, run_id, collected_at, secret_arn, name)
		SELECT md5(n::text)::uuid, md5(n::text)::uuid, (100000000000 + n % 500)::text, 'eu-central-1', '01930000-0000-7000-8000-000000000001',
		       now(), 'arn:' || n, 'n'
		FROM generate_series(1, 1000) n`)
	// The last thing that an installation does is to note what the views show.
	db.exec(`CREATE FUNCTION hub.gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			PERFORM pg_advisory_xact_lock_shared(1);
			RETURN NULL;
		END $$;
		CREATE TRIGGER gate AFTER INSERT ON hub.view_refresh FOR EACH STATEMENT EXECUTE FUNCTION hub.gate()`)
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), db.URL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
		return conn
	}
	gate, installer, writer := connect(), connect(), connect()
	if _, err := gate.Exec(t.Context(), "SELECT pg_advisory_lock(1)"); err != nil {
		t.Fatal(err)
	}
	installed := make(chan error, 1)
	go func() {
		_, err := refresh.Install(t.Context(), installer, sql.Views())
		installed <- err
	}()
	for waits := false; !waits; {
		select {
		case err := <-installed:
			t.Fatalf("the installation did not wait at its end, error %v", err)
		case <-time.After(5 * time.Millisecond):
		}
		waits = db.rows("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND " +
			"wait_event = 'advisory'")[0] == "1"
	}
	// Whatever a lock lets through does not wait: a second is far more than it takes.
	statements := []string{"SET lock_timeout = '1s'"}
	for _, table := range schemas.All() {
		statements = append(statements, fmt.Sprintf("INSERT INTO obs.%s SELECT * FROM obs.%[1]s LIMIT 0", table.Name()),
			fmt.Sprintf("UPDATE obs.%s SET deleted_at = deleted_at WHERE false", table.Name()))
	}
	statements = append(statements, "INSERT INTO hub.dirty (table_name) VALUES ('secrets')",
		"INSERT INTO hub.scope (scope, category, account_id, region, slice) VALUES (gen_random_uuid(), 'secrets', '1', "+
			"'r', '')",
		"UPDATE obs.secrets SET name = 'changed' WHERE row_key = md5('7')::uuid")
	for _, statement := range statements {
		if _, err := writer.Exec(t.Context(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if _, err := gate.Exec(t.Context(), "SELECT pg_advisory_unlock(1)"); err != nil {
		t.Fatal(err)
	}
	if err := <-installed; err != nil {
		t.Fatal(err)
	}
	db.want("SELECT view_name FROM hub.view_refresh WHERE refreshed_at IS NOT NULL") // nothing was computed
	if names, err := refresh.Unfilled(t.Context(), db.Pool); err != nil || len(names) == 0 {
		t.Errorf("%q wait to be filled, error %v", names, err)
	}
	if result := refreshOnce(t, db.Pool); slices.ContainsFunc(result.Views,
		func(v refresh.View) bool { return v.Err != nil }) {
		t.Errorf("%+v", result)
	}
	db.want("SELECT count(*) FROM account_overview", "1")
	if names, err := refresh.Unfilled(t.Context(), db.Pool); err != nil || len(names) > 0 {
		t.Errorf("%q wait after they were filled, error %v", names, err)
	}
}
