package refresh_test

import (
	"errors"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hubspoke/observability/lib/refresh"
)

// journal writes down what the view a_total shows.
var journal = refresh.Journal{
	Table:     "obs.journal",
	Statement: "WITH w AS (INSERT INTO obs.journal SELECT amount FROM a_total RETURNING 1) SELECT count(*) FROM w",
}

// journaled returns a database with views and the table of the journal.
func journaled(t *testing.T, files fstest.MapFS) *database {
	t.Helper()
	db := installed(t, files)
	db.exec("CREATE TABLE obs.journal (amount bigint)")
	return db
}

// TestJournal is written after a refresh, when its interval has passed and on a new day.
func TestJournal(t *testing.T) {
	db := journaled(t, views())
	config := refresh.Config{Journal: journal}
	once := func(wants ...string) {
		t.Helper()
		result, err := db.refresher(config).Once(t.Context())
		if err != nil {
			t.Error(err)
		}
		if got := names(result.Views); !slices.Equal(got, wants) {
			t.Errorf("refreshed %q, want %q", got, wants)
		}
	}
	db.change("cheese", "UPDATE obs.cheese SET amount = 10")
	once("public.board", "public.a_total", "obs.journal")
	if got := db.text("SELECT amount FROM obs.journal"); !slices.Equal(got, []string{"13"}) {
		t.Errorf("the journal has %q, not what the view shows after the refresh", got)
	}
	db.change("cheese", "UPDATE obs.cheese SET amount = 20")
	once("public.board", "public.a_total")
	once()
	last := func(at string) {
		db.exec("UPDATE hub.view_refresh SET refreshed_at = " + at + " WHERE view_name = 'obs.journal'")
	}
	last("now() - interval '10 minutes 1 second'")
	once("obs.journal")
	once()
	config.Journal.Interval = 48 * time.Hour
	once()
	last("date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '1 second'") // yesterday
	once("obs.journal")
	once()
	result, err := db.refresher(config).All(t.Context())
	if err != nil || !slices.Contains(names(result.Views), "obs.journal") {
		t.Errorf("All refreshed %q, error %v: want the journal, too", names(result.Views), err)
	}
	got := db.text("SELECT concat_ws(' ', refreshes, changed_rows) FROM hub.view_refresh WHERE view_name = 'obs.journal'")
	if !slices.Equal(got, []string{"4 4"}) {
		t.Errorf("recorded refreshes and rows: %q", got)
	}
}

// TestViewsOverTheJournal follow it at once, and it leaves no mark behind.
func TestViewsOverTheJournal(t *testing.T) {
	db := newDatabase(t)
	db.exec(`CREATE TABLE obs.journal (amount bigint);
		CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO hub.dirty (table_name) VALUES ('obs.journal');
			RETURN NULL;
		END $$;
		CREATE TRIGGER mark AFTER INSERT ON obs.journal FOR EACH STATEMENT EXECUTE FUNCTION mark()`)
	db.install(with(views(), fstest.MapFS{"30_written.sql": file(`
		CREATE MATERIALIZED VIEW written AS SELECT amount, count(*) AS times FROM obs.journal GROUP BY amount;
		CREATE UNIQUE INDEX ON written (amount)`)}))
	db.change("cheese", "UPDATE obs.cheese SET amount = 10")
	result, err := db.refresher(refresh.Config{Journal: journal}).Once(t.Context())
	if err != nil {
		t.Error(err)
	}
	want := []string{"public.board", "public.a_total", "obs.journal", "public.written"}
	if got := names(result.Views); !slices.Equal(got, want) {
		t.Errorf("refreshed %q, want %q", got, want)
	}
	if got := db.text("SELECT amount FROM written"); !slices.Equal(got, []string{"13"}) {
		t.Errorf("the view over the journal has %q", got)
	}
	if got := db.text("SELECT table_name FROM hub.dirty"); len(got) != 0 {
		t.Errorf("marks are left of %q", got)
	}
}

// TestRunKeepsTheJournal although nothing changes.
func TestRunKeepsTheJournal(t *testing.T) {
	db := journaled(t, views())
	config := soon
	config.Journal = journal
	config.Journal.Interval = time.Millisecond
	stop := db.start(config)
	db.waitFor("(SELECT count(*) > 2 FROM obs.journal)")
	stop()
}

// TestJournalWaitsForViews that were never filled: it would write down nothing.
func TestJournalWaitsForViews(t *testing.T) {
	files := with(views(), fstest.MapFS{"30_empty.sql": file(`
		CREATE MATERIALIZED VIEW divided AS SELECT name, 1 / (amount - 1) AS n FROM obs.fruit WITH NO DATA;
		CREATE UNIQUE INDEX ON divided (name)`)})
	db := journaled(t, files)
	refresher := db.refresher(refresh.Config{Journal: journal})
	result, err := refresher.Once(t.Context())
	var partial *refresh.PartialError
	if !errors.As(err, &partial) || slices.Contains(names(result.Views), "obs.journal") {
		t.Errorf("refreshed %q, error %v: want no journal beside a view that cannot be filled", names(result.Views), err)
	}
	db.change("fruit", "UPDATE obs.fruit SET amount = 5")
	if result, err = refresher.Once(t.Context()); err != nil || !slices.Contains(names(result.Views), "obs.journal") {
		t.Errorf("refreshed %q, error %v: want the journal", names(result.Views), err)
	}
}

// TestFailingJournal is recorded and tried again like a view, and keeps nothing else.
func TestFailingJournal(t *testing.T) {
	db := journaled(t, views())
	db.exec("DROP TABLE obs.journal")
	db.change("cheese", "UPDATE obs.cheese SET amount = 10")
	refresher := db.refresher(refresh.Config{Journal: journal})
	_, err := refresher.Once(t.Context())
	var partial *refresh.PartialError
	if !errors.As(err, &partial) || partial.Refreshed != 2 || len(partial.Failed) != 1 {
		t.Errorf("error %v, want that of the journal alone", err)
	}
	got := db.text("SELECT view_name FROM hub.view_refresh WHERE error IS NOT NULL")
	if !slices.Equal(got, []string{"obs.journal"}) {
		t.Errorf("errors of %q", got)
	}
	db.exec("CREATE TABLE obs.journal (amount bigint)")
	if _, err := refresher.Once(t.Context()); err != nil {
		t.Error(err)
	}
	if got := db.text("SELECT amount FROM obs.journal"); !slices.Equal(got, []string{"13"}) {
		t.Errorf("the journal has %q", got)
	}
}

func TestJournalNeedsBoth(t *testing.T) {
	for _, j := range []refresh.Journal{{Table: "a.b"}, {Statement: "SELECT 1"}, {Interval: -1}} {
		if _, err := refresh.New(nil, refresh.Config{Journal: j}); err == nil {
			t.Errorf("%+v was accepted", j)
		}
	}
}
