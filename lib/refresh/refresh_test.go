package refresh_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/refresh"
)

// soon makes Run look and refresh without delay.
var soon = refresh.Config{Debounce: time.Millisecond, Interval: time.Millisecond, RetryInterval: time.Millisecond}

func (db *database) refresher(config refresh.Config) *refresh.Refresher {
	r, err := refresh.New(db.Pool, config)
	if err != nil {
		db.Fatal(err)
	}
	return r
}

func newRefresher(t *testing.T, pool *pgxpool.Pool) *refresh.Refresher {
	t.Helper()
	r, err := refresh.New(pool, refresh.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// once refreshes what changed and returns the names of the views.
func (db *database) once() []string {
	db.Helper()
	result, err := db.refresher(refresh.Config{}).Once(db.Context())
	if err != nil {
		db.Error(err)
	}
	return names(result.Views)
}

func names(views []refresh.View) []string {
	names := []string{}
	for _, v := range views {
		names = append(names, v.Name)
	}
	return names
}

// start runs a Refresher until the test ends or stop is called.
func (db *database) start(config refresh.Config) (stop func()) {
	ctx, cancel := context.WithCancel(db.Context())
	done := make(chan error, 1)
	go func() { done <- db.refresher(config).Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			db.Errorf("Run returned %v", err)
		}
	})
	db.Cleanup(stop)
	return stop
}

// startPatient is start with a Refresher that does not try again what failed. stop returns how
// often it refreshed.
func (db *database) startPatient() (stop func() (refreshes int)) {
	refreshes := 0
	config := soon
	config.RetryInterval = time.Hour
	config.OnRefresh = func(refresh.Result) { refreshes++ }
	end := db.start(config)
	return func() int { end(); return refreshes }
}

func TestOnceRefreshesWhatDependsOnTheChange(t *testing.T) {
	db := installed(t, views())
	if got := db.once(); len(got) != 0 {
		t.Errorf("refreshed %q although nothing changed", got)
	}
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 10)")
	if got, want := db.once(), []string{"public.basket", "public.a_total"}; !slices.Equal(got, want) {
		t.Errorf("fruit changed, refreshed %q, want %q", got, want)
	}
	if got := db.text("SELECT amount FROM meal"); !slices.Equal(got, []string{"16"}) {
		t.Errorf("meal has the amount %q", got)
	}
	db.change("cheese", "INSERT INTO obs.cheese VALUES ('edam', 100)")
	if got, want := db.once(), []string{"public.board", "public.a_total"}; !slices.Equal(got, want) {
		t.Errorf("cheese changed, refreshed %q, want %q", got, want)
	}
	db.change("unknown; table", "SELECT 1")
	if got := db.once(); len(got) != 0 {
		t.Errorf("an unknown table changed, refreshed %q", got)
	}
	if got := db.text("SELECT table_name FROM hub.dirty"); len(got) != 0 {
		t.Errorf("marks of %q are left", got)
	}
	if got := db.text("SELECT refreshes FROM hub.view_refresh ORDER BY view_name"); !slices.Equal(got,
		[]string{"2", "1", "1"}) {
		t.Errorf("recorded %q refreshes of a_total, basket, board", got)
	}
}

func TestResult(t *testing.T) {
	db := installed(t, views())
	db.exec("INSERT INTO hub.dirty (table_name, marked_at) VALUES ('fruit', now() - interval '1 hour'), ('fruit', now())")
	var hooked refresh.Result
	result, err := db.refresher(refresh.Config{OnRefresh: func(r refresh.Result) { hooked = r }}).Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if result.Marks != 2 || result.Lag < time.Hour || result.Lag > time.Hour+time.Minute || result.Duration <= 0 {
		t.Errorf("result %+v", result)
	}
	if result.Views[0].Duration <= 0 || !slices.Equal(names(hooked.Views), names(result.Views)) {
		t.Errorf("views %+v, OnRefresh got %+v", result.Views, hooked.Views)
	}
}

func TestAllRefreshesEverything(t *testing.T) {
	db := installed(t, views())
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 10)")
	result, err := db.refresher(refresh.Config{}).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := names(result.Views)
	slices.Sort(got[:len(got)-1]) // how long each took decides the order
	if want := []string{"public.basket", "public.board", "public.a_total"}; !slices.Equal(got, want) {
		t.Errorf("refreshed %q, want %q", got, want)
	}
	if got := db.once(); len(got) != 0 {
		t.Errorf("refreshed %q again", got)
	}
}

// TestFirstPopulation is faults.md J2: CONCURRENTLY needs content.
func TestFirstPopulation(t *testing.T) {
	db := installed(t, fstest.MapFS{"v.sql": file(`
		CREATE MATERIALIZED VIEW board AS SELECT name, amount FROM obs.cheese WITH NO DATA;
		CREATE UNIQUE INDEX ON board (name)`)})
	stop := db.start(soon)
	db.waitFor("relispopulated FROM pg_class WHERE relname = 'board'")
	db.change("cheese", "INSERT INTO obs.cheese VALUES ('edam', 100)")
	db.waitFor("count(*) = 2 FROM board")
	stop()
	if got := db.text("SELECT refreshes > 1 AND error IS NULL FROM hub.view_refresh"); !slices.Equal(got,
		[]string{"true"}) {
		t.Errorf("refreshed: %q", got)
	}
}

// gate is a function that waits for a lock that the test holds.
const gate = `
	CREATE FUNCTION obs.gate(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_advisory_lock_shared(1), pg_advisory_unlock_shared(1);
		RETURN n;
	END $$;
`

// slowView is a package with one view. It waits for a lock that the test holds, so that
// things happen in the middle of its refresh.
var slowView = fstest.MapFS{"v.sql": file(gate + `
	CREATE MATERIALIZED VIEW slow AS SELECT name, amount FROM obs.fruit WHERE obs.gate(1) = 1;
	CREATE UNIQUE INDEX ON slow (name)`)}

// refreshWaits is true while a refresh waits for the gate.
const refreshWaits = `count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()
	AND query LIKE '%refresh_view%' AND wait_event = 'advisory' AND pid <> pg_backend_pid()`

// closeGate holds refreshes of slowView up until open is called.
func (db *database) closeGate() (open func()) {
	db.Helper()
	conn := db.connect()
	if _, err := conn.Exec(db.Context(), "SELECT pg_advisory_lock(1)"); err != nil {
		db.Fatal(err)
	}
	return func() {
		db.Helper()
		if _, err := conn.Exec(db.Context(), "SELECT pg_advisory_unlock(1)"); err != nil {
			db.Fatal(err)
		}
	}
}

func TestChangeDuringARefreshIsRefreshedNextTime(t *testing.T) {
	db := installed(t, slowView)
	open := db.closeGate()
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 10)")
	first := make(chan []string)
	go func() { first <- db.once() }()
	db.waitFor(refreshWaits)
	if got := db.text("SELECT sum(amount) FROM slow"); !slices.Equal(got, []string{"3"}) {
		t.Errorf("while it is refreshed the view shows the sum %q", got)
	}
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('fig', 20)")
	open()
	<-first
	if got := db.text("SELECT sum(amount) FROM slow"); !slices.Equal(got, []string{"13"}) {
		t.Errorf("the first refresh shows the sum %q; it began before the second change", got)
	}
	if got := db.once(); !slices.Equal(got, []string{"public.slow"}) {
		t.Errorf("refreshed %q", got)
	}
	if got := db.text("SELECT sum(amount) FROM slow"); !slices.Equal(got, []string{"33"}) {
		t.Errorf("the second refresh shows the sum %q", got)
	}
}

// TestMarksThatCommitLate lets a mark with a lower number commit after a refresh
// that dealt with higher ones.
func TestMarksThatCommitLate(t *testing.T) {
	db := installed(t, views())
	late, err := db.connect().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"INSERT INTO obs.fruit VALUES ('late', 100)",
		"INSERT INTO hub.dirty (table_name) VALUES ('fruit')"} {
		if _, err := late.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 10)")
	db.once()
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	db.once()
	if got := db.text("SELECT amount FROM meal"); !slices.Equal(got, []string{"116"}) {
		t.Errorf("meal has the amount %q; the late change is missing", got)
	}
}

// TestTwoRefreshers is faults.md J4.
func TestTwoRefreshers(t *testing.T) {
	db := installed(t, slowView)
	open := db.closeGate()
	refreshed := make(chan refresh.Result, 100)
	config := soon
	config.OnRefresh = func(r refresh.Result) { refreshed <- r }
	config.OnError = func(err error) { t.Error(err) }
	stops := []func(){db.start(config), db.start(config)}
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 10)")
	db.waitFor(refreshWaits)
	// The other one looks again and again meanwhile, and does not queue up.
	db.waitFor(`count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
		AND query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()`)
	if got := db.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"); !slices.Equal(got,
		[]string{"1"}) {
		t.Errorf("%q wait for advisory locks; want the one at the gate alone", got)
	}
	open()
	if r := <-refreshed; len(r.Failed()) > 0 || r.Marks != 1 {
		t.Errorf("result %+v", r)
	}
	for _, stop := range stops {
		stop()
	}
	if len(refreshed) > 0 {
		t.Errorf("refreshed once more: %+v", <-refreshed)
	}
}

// TestFailingView is faults.md J3.
func TestFailingView(t *testing.T) {
	db := installed(t, views())
	before := db.text("SELECT refreshed_at FROM hub.view_refresh WHERE view_name = 'public.basket'")
	// basket has one row per name; without its index nothing says so to the query.
	db.exec("CREATE UNIQUE INDEX amounts ON basket (amount)")
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 1)")
	db.change("cheese", "INSERT INTO obs.cheese VALUES ('edam', 100)")

	result, err := db.refresher(refresh.Config{}).Once(t.Context())
	var partial *refresh.PartialError
	var server *pgconn.PgError
	if !errors.As(err, &partial) || !errors.As(err, &server) || server.Code != "23505" {
		t.Fatalf("error %v", err)
	}
	if partial.Refreshed != 2 || !slices.Equal(names(partial.Failed), []string{"public.basket"}) ||
		!strings.Contains(err.Error(), "1 of 3 views failed; public.basket") {
		t.Errorf("error %v", err)
	}
	if got := names(result.Views); len(got) != 3 {
		t.Errorf("views %q", got)
	}
	if got := db.text("SELECT sum(amount) FROM basket"); !slices.Equal(got, []string{"3"}) {
		t.Errorf("basket has the sum %q, want its old content", got)
	}
	red := db.text("SELECT view_name FROM hub.view_refresh WHERE error LIKE '%(SQLSTATE 23505)%' AND error_at IS NOT NULL")
	if !slices.Equal(red, []string{"public.basket"}) {
		t.Errorf("red are %q", red)
	}
	if after := db.text("SELECT refreshed_at FROM hub.view_refresh WHERE view_name = 'public.basket'"); !slices.Equal(
		before, after) {
		t.Error("the time of the last good refresh is lost")
	}
	// It and what depends on it are tried again, the others are left in peace.
	result, err = db.refresher(refresh.Config{}).Once(t.Context())
	if got, want := names(result.Views), []string{"public.basket", "public.a_total"}; !slices.Equal(got, want) ||
		err == nil {
		t.Errorf("next time refreshed %q, error %v; want %q and an error", got, err, want)
	}
	db.exec("DROP INDEX amounts")
	if got, want := db.once(), []string{"public.basket", "public.a_total"}; !slices.Equal(got, want) {
		t.Errorf("after it was mended refreshed %q, want %q", got, want)
	}
	if got := db.text("SELECT amount FROM meal"); !slices.Equal(got, []string{"107"}) {
		t.Errorf("meal has the amount %q", got)
	}
	if got := db.text("SELECT count(error) FROM hub.view_refresh"); !slices.Equal(got, []string{"0"}) {
		t.Errorf("%q views are still red", got)
	}
}

// TestViewsOverOneThatFailed follow it when it no longer fails, wherever the process ends: the mark
// of the change is gone by then.
func TestViewsOverOneThatFailed(t *testing.T) {
	db := installed(t, views())
	for n := range 25 {
		db.exec("CREATE UNIQUE INDEX amounts ON basket (amount)")
		db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 1)")
		if _, err := db.refresher(refresh.Config{}).Once(t.Context()); err == nil {
			t.Fatal("no error")
		}
		db.exec("DROP INDEX amounts")
		db.refreshUntilCrash(n)
		db.once()
		if got := db.text("SELECT amount FROM meal"); !slices.Equal(got, []string{"7"}) {
			t.Errorf("before its statement %d the process ended, and meal has the amount %q", n, got)
		}
		if got := db.text("SELECT table_name FROM hub.dirty"); len(got) > 0 {
			t.Errorf("marks of %q are left", got)
		}
		db.change("fruit", "DELETE FROM obs.fruit WHERE name = 'kiwi'")
		db.once()
	}
}

// TestCheapestViewFirst: no view waits for one that takes longer, but for those that it
// depends on.
func TestCheapestViewFirst(t *testing.T) {
	db := installed(t, views())
	for _, c := range []struct {
		board, basket, total int
		want                 []string
	}{
		{50, 1, 0, []string{"public.basket", "public.board", "public.a_total"}},
		{1, 50, 0, []string{"public.board", "public.basket", "public.a_total"}},
		{1, 50, 1000, []string{"public.board", "public.basket", "public.a_total"}},
	} {
		db.exec(`UPDATE hub.view_refresh SET last_ms = CASE view_name WHEN 'public.board' THEN $1::int WHEN 'public.basket' THEN $2::int ELSE $3::int END`,
			c.board, c.basket, c.total)
		result, err := db.refresher(refresh.Config{}).All(t.Context())
		if got := names(result.Views); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("board took %d ms, basket %d: refreshed %q, %v; want %q", c.board, c.basket, got, err, c.want)
		}
	}
}

// TestViewTimeout: a view that takes too long is given up and red, the others are
// refreshed, and it is left in peace for ten times as long.
func TestViewTimeout(t *testing.T) {
	files := views()
	files["slow.sql"] = file(`CREATE TABLE IF NOT EXISTS obs.speed AS SELECT 0 AS pause;
		CREATE MATERIALIZED VIEW slow AS SELECT name, pg_sleep(pause) IS NULL AS slept FROM obs.cheese, obs.speed;
		CREATE UNIQUE INDEX slow_key ON slow (name);`)
	db := installed(t, files)
	db.exec("UPDATE obs.speed SET pause = 60")
	db.change("cheese", "INSERT INTO obs.cheese VALUES ('edam', 100)")
	config := refresh.Config{ViewTimeout: 100 * time.Millisecond}
	result, err := db.refresher(config).Once(t.Context())
	var slow *refresh.TimeoutError
	if failed := result.Failed(); !errors.As(err, &slow) || len(failed) != 1 || failed[0].Name != "public.slow" ||
		len(result.Views) != 3 {
		t.Fatalf("refreshed %q, %v", names(result.Views), err)
	}
	if got := db.text("SELECT error FROM hub.view_refresh WHERE last_ms >= 100 AND view_name = 'public.slow'"); len(
		got) != 1 || !strings.Contains(got[0], "not refreshed within 100ms") {
		t.Errorf("recorded %q", got)
	}
	db.exec("UPDATE obs.speed SET pause = 0; UPDATE hub.view_refresh SET last_ms = 3600000 WHERE view_name = " +
		"'public.slow'")
	stop := db.start(soon)
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 10)")
	db.waitFor("(SELECT refreshes > 0 FROM hub.view_refresh WHERE view_name = 'public.basket')")
	if got := db.text("SELECT error IS NOT NULL FROM hub.view_refresh WHERE view_name = 'public.slow'"); got[0] != "true" {
		t.Error("the slow view was tried again at once")
	}
	db.exec("UPDATE hub.view_refresh SET error_at = now() - interval '11 hours' WHERE view_name = 'public.slow'")
	db.waitFor("(SELECT error IS NULL FROM hub.view_refresh WHERE view_name = 'public.slow')")
	stop()
}

func TestRunTriesFailedViewsAgain(t *testing.T) {
	db := installed(t, views())
	db.exec("CREATE UNIQUE INDEX amounts ON basket (amount)")
	stop := db.start(soon)
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 1)")
	db.waitFor("error IS NOT NULL FROM hub.view_refresh WHERE view_name = 'public.basket'")
	db.exec("DROP INDEX amounts")
	db.waitFor("amount = 7 FROM meal")
	stop()
}

func TestRunLeavesFailedViewsInPeaceForAWhile(t *testing.T) {
	db := installed(t, views())
	db.exec("CREATE UNIQUE INDEX amounts ON basket (amount)")
	stop := db.startPatient()
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 1)")
	db.waitFor("error IS NOT NULL FROM hub.view_refresh WHERE view_name = 'public.basket'")
	failed := db.text("SELECT error_at FROM hub.view_refresh WHERE view_name = 'public.basket'")
	for i := range 10 {
		db.change("fruit", "INSERT INTO obs.fruit VALUES ('fig', 1)")
		db.waitFor("refreshes = $1 FROM hub.view_refresh WHERE view_name = 'public.a_total'", i+2)
	}
	refreshes := stop()
	if got := db.text("SELECT error_at FROM hub.view_refresh WHERE view_name = 'public.basket'"); !slices.Equal(got,
		failed) {
		t.Errorf("failed at %q and again at %q", failed, got)
	}
	if refreshes > 11 {
		t.Errorf("%d refreshes for 11 changes", refreshes)
	}
}

// TestKilledRefresh is faults.md J1.
func TestKilledRefresh(t *testing.T) {
	db := installed(t, slowView)
	open := db.closeGate()
	broken := make(chan error, 100)
	config := soon
	config.OnError = func(err error) { broken <- err }
	stop := db.start(config)
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 10)")
	db.waitFor(refreshWaits)
	db.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE " +
		"'%refresh_view%' AND wait_event = 'advisory'")
	err := <-broken
	var server *pgconn.PgError
	if !errors.As(err, &server) || server.Code != "57P01" {
		t.Errorf("error %v, want 57P01", err)
	}
	if got := db.text("SELECT sum(amount) FROM slow"); !slices.Equal(got, []string{"3"}) {
		t.Errorf("the sum is %q, want the old content", got)
	}
	if got := db.text("SELECT count(error) FROM hub.view_refresh"); !slices.Equal(got, []string{"0"}) {
		t.Error("the view is blamed for the lost connection")
	}
	open()
	db.waitFor("sum(amount) = 13 FROM slow")
	stop()
}

func TestOnceOfALostConnection(t *testing.T) {
	db := installed(t, slowView)
	open := db.closeGate()
	defer open()
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 10)")
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := db.refresher(refresh.Config{}).Once(ctx)
		failed <- err
	}()
	db.waitFor(refreshWaits)
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	db.waitFor(`count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%refresh_view%' AND pid <> pg_backend_pid()`)
	if got := db.text("SELECT table_name FROM hub.dirty"); !slices.Equal(got, []string{"fruit"}) {
		t.Errorf("the marks are %q", got)
	}
}

// TestViewsShowWholeTransactions reads sums that every transaction leaves at zero
// while transactions and refreshes run (faults.md J7).
func TestViewsShowWholeTransactions(t *testing.T) {
	db := installed(t, fstest.MapFS{"v.sql": file(`
		CREATE MATERIALIZED VIEW sums AS SELECT name, sum(amount) AS amount, count(*) AS n FROM obs.cheese GROUP BY name;
		CREATE UNIQUE INDEX ON sums (name)`)})
	db.exec("TRUNCATE obs.cheese")
	if _, err := db.refresher(refresh.Config{}).All(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop := db.start(soon)
	written := make(chan struct{})
	go func() {
		defer close(written)
		for range 200 {
			db.change("cheese", "INSERT INTO obs.cheese VALUES ('brie', 1), ('edam', 1); INSERT INTO obs.cheese VALUES "+
				"('brie', -1), ('edam', -1)")
		}
	}()
	for done := false; !done; {
		select {
		case <-written:
			done = true
		default:
		}
		if got := db.text("SELECT name || ' ' || amount || ' ' || n FROM sums WHERE amount <> 0 OR n % 2 <> 0 UNION ALL " +
			"SELECT 'differ' FROM sums HAVING min(n) <> max(n)"); len(got) > 0 {
			t.Fatalf("half a transaction is shown: %q", got)
		}
	}
	db.waitFor("count(*) = 2 AND min(n) = 400 FROM sums")
	stop()
}

func TestRunKeepsTheInterval(t *testing.T) {
	db := installed(t, views())
	config := refresh.Config{Debounce: time.Millisecond, Interval: 300 * time.Millisecond}
	// Two processes share the interval.
	stops := []func(){db.start(config), db.start(config)}
	var last time.Time
	for i := range 4 {
		db.change("cheese", "INSERT INTO obs.cheese VALUES (gen_random_uuid()::text, 1)")
		db.waitFor("count(*) = $1 FROM board", 2+i)
		var at time.Time
		err := db.Pool.QueryRow(t.Context(), "SELECT refreshed_at FROM hub.view_refresh WHERE view_name = "+
			"'public.board'").Scan(&at)
		if err != nil {
			t.Fatal(err)
		}
		if pause := at.Sub(last); pause < config.Interval {
			t.Errorf("%v between two refreshes, want at least %v", pause, config.Interval)
		}
		last = at
	}
	for _, stop := range stops {
		stop()
	}
}

// TestRunRefreshesWhenAChangeHasWaited: and does not look for it after a whole Debounce again.
func TestRunRefreshesWhenAChangeHasWaited(t *testing.T) {
	db := installed(t, views())
	db.exec("INSERT INTO obs.fruit VALUES ('kiwi', 10)")
	db.exec("INSERT INTO hub.dirty (table_name, marked_at) VALUES ('fruit', now() - interval '59 min 59.5 s')")
	stop := db.start(refresh.Config{Debounce: time.Hour, Interval: time.Millisecond})
	db.waitFor("amount = 16 FROM meal")
	stop()
}

func TestInstallWaitsForARefresh(t *testing.T) {
	db := installed(t, slowView)
	open := db.closeGate()
	db.change("fruit", "INSERT INTO obs.fruit VALUES ('kiwi', 10)")
	refreshed, replaced := make(chan []string, 1), make(chan error, 1)
	go func() { refreshed <- db.once() }()
	db.waitFor(refreshWaits)
	go func() {
		_, err := db.tryInstall(views())
		replaced <- err
	}()
	db.waitFor("count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND NOT granted")
	open()
	if got := <-refreshed; !slices.Equal(got, []string{"public.slow"}) {
		t.Errorf("refreshed %q", got)
	}
	if err := <-replaced; err != nil {
		t.Error(err)
	}
}

// TestForeignLock is a view that somebody else keeps locked.
func TestForeignLock(t *testing.T) {
	db := installed(t, views())
	tx, err := db.connect().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "REFRESH MATERIALIZED VIEW CONCURRENTLY board"); err != nil {
		t.Fatal(err)
	}
	db.change("cheese", "SELECT 1")
	_, err = db.refresher(refresh.Config{LockTimeout: 10 * time.Millisecond}).Once(t.Context())
	var server *pgconn.PgError
	if !errors.As(err, &server) || server.Code != "55P03" {
		t.Errorf("error %v, want 55P03", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestPoolSettingsDoNotMatter(t *testing.T) {
	db := newDatabase(t)
	db.install(fstest.MapFS{"v.sql": file(`
		CREATE MATERIALIZED VIEW setting AS
			SELECT 1 AS one, current_setting('enable_hashjoin') AS hash, current_setting('work_mem') AS memory,
				current_setting('statement_timeout') AS timeout;
		CREATE UNIQUE INDEX ON setting (one)`)})
	const setting = "SELECT concat_ws(' ', hash, memory, timeout) FROM setting"
	if _, err := newRefresher(t, db.loaderPool()).All(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := db.text(setting); !slices.Equal(got, []string{"on 64MB 2min"}) {
		t.Errorf("refreshed with %q", got)
	}
	db.exec("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''1GB''', current_database()); EXECUTE " +
		"format('ALTER DATABASE %I SET statement_timeout = ''1h''', current_database()); END $$")
	if _, err := newRefresher(t, db.loaderPool()).All(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := db.text(setting); !slices.Equal(got, []string{"on 1GB 2min"}) {
		t.Errorf("refreshed with %q although the role has more", got)
	}
}
