package load_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

func (db *database) ensure() (done []load.Step, left []load.Fault) {
	db.Helper()
	conn, err := db.pool.Acquire(db.Context())
	if err != nil {
		db.Fatal(err)
	}
	defer conn.Release()
	done, left, err = load.Ensure(db.Context(), conn.Conn(), append(slices.Clone(categories), everything.Table)...)
	if err != nil {
		db.Fatal(err)
	}
	return done, left
}

const everyColumn = `{"id":"a","text":"x","count":1,"ratio":0.5,"price":"1.50","active":true,"seen_at":"2026-08-01T00:00:00Z",` +
	`"day":"2026-08-01","tags":{"a":1},"more":[]}`

// A column that is restored is filled by the next run, though that brings nothing new.
func TestEnsureRestoresColumnsAndTheNextRunFillsThem(t *testing.T) {
	for _, column := range []string{"text", "count", "ratio", "price", "active", "seen_at", "day", "tags"} {
		t.Run(column, func(t *testing.T) {
			db := newDatabase(t, load.Config{})
			db.ensure()
			run := func(n int) load.Counts {
				return db.apply(build(t).part(everything.Table, "", n, 0, everyColumn).end(everything.Table, "", n, schema.OK, 1,
					1)).Categories["everything"]
			}
			run(1)
			before := db.query("SELECT " + column + "::text FROM obs.everything")
			if run(2).Unchanged != 1 || db.content(everything.Table).Differ() {
				t.Fatal("the test's own rows differ")
			}
			db.exec("ALTER TABLE obs.everything DROP COLUMN " + column)
			done, left := db.ensure()
			done = slices.DeleteFunc(done, func(s load.Step) bool { return s.Minor })
			if len(done) != 1 || done[0].Column != column || len(left) > 0 {
				t.Fatalf("done %v, left %v", done, left)
			}
			if got := db.content(everything.Table); got.Waiting != 1 || got.Differ() {
				t.Errorf("%+v", got)
			}
			if got := run(3); got.Changed != 1 {
				t.Errorf("%+v", got)
			}
			db.want("SELECT "+column+"::text FROM obs.everything", before...)
			if got := db.content(everything.Table); got.Waiting != 0 || got.Differ() {
				t.Errorf("after the run: %+v", got)
			}
			if run(4).Unchanged != 1 {
				t.Error("the next but one writes again")
			}
		})
	}
}

// A column that never was there is in no hash, so that nothing need be written.
func TestEnsureAddsANewColumnWithoutWritingRows(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.exec("DROP TABLE obs.things; CREATE TABLE obs.things (row_key uuid PRIMARY KEY, row_hash uuid NOT NULL, " +
		"account_id text NOT NULL," +
		" region text NOT NULL, run_id uuid NOT NULL, collected_at timestamptz NOT NULL, first_seen_at timestamptz NOT " +
		"NULL DEFAULT now()," +
		" deleted_at timestamptz, id text NOT NULL, value text NOT NULL)")
	if _, err := db.Pool.Exec(t.Context(),
		`INSERT INTO obs.things VALUES (gen_random_uuid(), gen_random_uuid(), '123456789012', 'eu-central-1',
		gen_random_uuid(), now(), now(), NULL, 'a', '1')`); err != nil {
		t.Fatal(err)
	}
	before := db.query("SELECT xmin::text FROM obs.things")
	done, left := db.ensure()
	if len(left) > 0 || len(done) != 3 || done[0].Statement != "ALTER TABLE obs.things ADD COLUMN note text" {
		t.Errorf("done %v, left %v", done, left)
	}
	db.want("SELECT xmin::text FROM obs.things", before...)
}

// Nobody knows what a key column of existing rows held.
func TestEnsureLeavesWhatCannotBeFilled(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.ensure()
	db.exec("ALTER TABLE obs.things DROP COLUMN id; ALTER TABLE obs.daily DROP COLUMN account_id")
	if done, left := db.ensure(); len(done) != 3 || len(left) > 0 { // the index went with its column
		t.Fatalf("without rows: done %v, left %v", done, left)
	}
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")).end(things.Table, "", 1, schema.OK, 1, 1))
	db.exec("ALTER TABLE obs.things DROP COLUMN id, ALTER COLUMN value DROP NOT NULL")
	done, left := db.ensure()
	if len(done) > 0 || len(left) != 2 || left[0].Statement != "" || !strings.Contains(left[0].String(), "TRUNCATE") ||
		left[1].Additive {
		t.Fatalf("done %v, left %v", done, left)
	}
	db.exec("TRUNCATE obs.things; " + left[1].Statement)
	if done, left := db.ensure(); len(done) != 1 || len(left) > 0 {
		t.Fatalf("done %v, left %v", done, left)
	}
	db.apply(build(t).part(things.Table, "", 2, 0, thing("a", "1")).end(things.Table, "", 2, schema.OK, 1, 1))
	db.wantLive(things.Table, "a=1")
}

// Rows that were gone come back with their column, and go with the next run.
func TestEnsureRestoresWhichRowsAreGone(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1"), thing("b", "1")).end(things.Table, "", 1, schema.OK, 1,
		2))
	db.apply(build(t).part(things.Table, "", 2, 0, thing("a", "1")).end(things.Table, "", 2, schema.OK, 1, 1))
	db.exec("ALTER TABLE obs.things DROP COLUMN deleted_at")
	db.ensure()
	db.apply(build(t).part(things.Table, "", 3, 0, thing("a", "1")).end(things.Table, "", 3, schema.OK, 1, 1))
	db.wantLive(things.Table, "a=1")
	db.want("SELECT live_rows::text FROM hub.scope", "1")
}

// TestEnsureTellsWhenRowsOfBeforeWereFirstSeen: as far as is known.
func TestEnsureTellsWhenRowsOfBeforeWereFirstSeen(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")).end(things.Table, "", 1, schema.OK, 1, 1))
	db.exec("ALTER TABLE obs.things DROP COLUMN first_seen_at")
	if done, left := db.ensure(); len(done) == 0 || len(left) > 0 {
		t.Errorf("done %v, left %v", done, left)
	}
	db.want("SELECT id FROM obs.things WHERE first_seen_at = collected_at", "a")
	db.apply(build(t).part(things.Table, "", 2, 0, thing("a", "2"), thing("b", "1")).end(things.Table, "", 2, schema.OK, 1,
		2))
	db.want("SELECT id || (collected_at - first_seen_at) FROM obs.things", "a00:01:00", "b00:00:00")
}

func TestEnsureInSeveralPlacesAtOnce(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.exec("DROP TABLE obs.sightings; ALTER TABLE obs.things DROP COLUMN note")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			conn, err := pgx.Connect(t.Context(), db.URL)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close(t.Context())
			if _, left, err := load.Ensure(t.Context(), conn, categories...); err != nil || len(left) > 0 {
				t.Errorf("left %v, %v", left, err)
			}
		})
	}
	wg.Wait()
}

// What was made before a table had indexes, checks and settings gets them, and fits meanwhile.
func TestEnsureAddsWhatKeepsNoRowFromBeingWritten(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.ensure()
	db.exec("DROP INDEX obs.everything_account; ALTER TABLE obs.everything DROP CONSTRAINT everything_price_check;" +
		"ALTER TABLE obs.daily RESET (fillfactor)")
	table := append(slices.Clone(categories), everything.Table)
	faults, err := load.Check(t.Context(), db.pool, table...)
	if err != nil || len(faults) != 3 || len(load.Misfits(faults)) > 0 {
		t.Fatalf("faults %v, %v", faults, err)
	}
	db.apply(build(t).part(everything.Table, "", 1, 0, everyColumn).end(everything.Table, "", 1, schema.OK, 1, 1))
	done, left := db.ensure()
	var statements []string
	for _, s := range done {
		statements = append(statements, s.Statement)
	}
	slices.Sort(statements)
	if want := []string{
		"ALTER TABLE obs.daily SET (fillfactor = 90)",
		"ALTER TABLE obs.everything ADD CHECK (price <> 'NaN') NOT VALID",
		"CREATE INDEX everything_account ON obs.everything (account_id, region)",
	}; len(left) > 0 || !slices.Equal(statements, want) {
		t.Errorf("statements %q, left %v", statements, left)
	}
	for _, column := range []string{"price", "ratio"} {
		if _, err := db.Pool.Exec(t.Context(), "UPDATE obs.everything SET "+column+" = 'NaN'"); err == nil {
			t.Errorf("%s can be NaN", column)
		}
	}
}

// An operator's own setting stays, and an index that is not valid is built anew.
func TestEnsureLeavesDecisions(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.ensure()
	db.exec("ALTER TABLE obs.daily SET (fillfactor = 70)")
	if done, left := db.ensure(); len(done)+len(left) > 0 {
		t.Errorf("done %v, left %v", done, left)
	}
	db.exec("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'obs.daily_account'::regclass")
	if done, left := db.ensure(); len(left) > 0 || len(done) != 1 ||
		done[0].Statement != "REINDEX INDEX obs.daily_account" {
		t.Errorf("done %v, left %v", done, left)
	}
}

func TestEnsureMakesTheSchema(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.exec("DROP SCHEMA obs CASCADE")
	if done, left := db.ensure(); len(done) != len(categories)+1 || len(left) > 0 {
		t.Errorf("done %v, left %v", done, left)
	}
	if done, left := db.ensure(); len(done)+len(left) > 0 {
		t.Errorf("again: done %v, left %v", done, left)
	}
}
