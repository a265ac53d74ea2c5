package load_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/internal/faultyconn"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// quick makes the loader try again at once.
var quick = load.Config{RetryInterval: time.Millisecond, MaxRetryInterval: 20 * time.Millisecond}

// TestCutConnections cuts connections in the middle of a COPY, before and after a
// COMMIT was answered, and anywhere else: the case in which a checkpoint that is
// kept anywhere else than in the transaction doubles or loses.
func TestCutConnections(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.watch()
	cuts := faultyconn.NewRandom(1, 30)
	loader := db.connect(quick, cutting(cuts))
	x := newTraffic("0", 5, 40, 10, 500)
	eachFeeds(t, func() error { return x.feed(t.Context(), t, loader, 2) })
	if left := cuts.Left(); len(left) > 0 {
		t.Errorf("connections were not cut often enough, missing: %v", left)
	}
	db.wantTraffic(x)
}

// nemesis runs a statement against the server again and again until the test of
// its faults is over, and counts the faults that it reports.
type nemesis struct {
	stop func() int
}

// plague starts a nemesis: sql returns how many faults it made. It ends after
// limit faults.
func (db *database) plague(sql string, limit int) nemesis {
	db.Helper()
	ctx, cancel := context.WithCancel(db.Context())
	faults := make(chan int, 1)
	go func() {
		total := 0
		defer func() { faults <- total }()
		for total < limit && ctx.Err() == nil {
			var n int
			if err := db.Pool.QueryRow(ctx, sql).Scan(&n); err != nil && ctx.Err() == nil {
				db.Error(err)
				return
			}
			total += n
		}
	}()
	return nemesis{func() int { cancel(); return <-faults }}
}

// loaders names the connections of loaders in pg_stat_activity.
const loaders = "application_name = 'observability-hub' AND datname = current_database()"

// TestTerminatedBackends has an administrator terminate the loader's backends,
// wherever they are.
func TestTerminatedBackends(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.watch()
	x := newTraffic("0", 4, 40, 20, 100)
	n := db.plague(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE `+loaders+` AND state <> 'idle' AND random() < 0.2`, 60)
	eachFeeds(t, func() error { return x.feed(t.Context(), t, db.connect(quick, noChange), 2) })
	if faults := n.stop(); faults < 30 {
		t.Errorf("%d backends were terminated", faults)
	}
	db.wantTraffic(x)
}

// TestTerminatedInCopy ends the server's side of a COPY while the client is still
// encoding rows for it.
func TestTerminatedInCopy(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.watch()
	x := newTraffic("0", 1, 3, 8000, 300)
	n := db.plague(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE `+loaders+` AND state = 'active' AND query LIKE 'COPY%'`, 10)
	eachFeeds(t, func() error { return x.feed(t.Context(), t, db.connect(quick, noChange), 3) })
	if faults := n.stop(); faults < 10 {
		t.Errorf("%d COPYs were ended", faults)
	}
	db.wantTraffic(x)
}

// TestServerCrash kills a backend with SIGKILL, after which the server restarts
// all of them, and stops the whole server without a checkpoint.
func TestServerCrash(t *testing.T) {
	server := pgtest.StartServer(t, pgserver.Config{})
	db := newDatabaseAt(t, server.URL())
	db.watch()
	x := newTraffic("0", 2, 40, 10, 100)
	var applied atomic.Int64
	crash := make(chan struct{})
	loader := db.connect(quick, func(cfg *pgxpool.Config) {
		// A crash every 40 transactions, which then has its time.
		cfg.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) {
			if applied.Add(1)%40 == 0 {
				select {
				case crash <- struct{}{}:
				case <-t.Context().Done():
				}
			}
			return true, nil
		}
	})
	done := make(chan struct{})
	crashes := make(chan int)
	go func() {
		n := 0
		defer func() { crashes <- n }()
		for {
			select {
			case <-crash:
			case <-done:
				return
			}
			if n++; n%2 == 0 {
				if err := errors.Join(server.StopImmediate(), server.Restart(t.Context())); err != nil {
					t.Error(err)
				}
				continue
			}
			db.settle()
			var pid int
			err := db.Pool.QueryRow(t.Context(), "SELECT pid FROM pg_stat_activity WHERE "+loaders+" LIMIT 1").Scan(&pid)
			if err == nil {
				err = syscall.Kill(pid, syscall.SIGKILL)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	eachFeeds(t, func() error { return x.feed(t.Context(), t, loader, 1) })
	close(done)
	if n := <-crashes; n < 4 {
		t.Errorf("the server crashed %d times", n)
	}
	db.settle()
	db.wantTraffic(x)
}

// settle waits until the server answers again, on new connections.
func (db *database) settle() {
	db.Helper()
	for {
		db.Pool.Reset()
		err := db.Pool.Ping(db.Context())
		if err == nil {
			return
		}
		if load.Classify(err) != load.Retry {
			db.Error(err)
			return
		}
	}
}

// wantRetries applies x with a loader that must try again because of want, and
// calls mend after the first time.
func (db *database) wantRetries(x *traffic, configure func(*pgxpool.Config), want string, mend func()) {
	db.Helper()
	var once sync.Once
	var other error
	retries := 0
	config := quick
	config.TransactionTimeout = db.impatient
	config.OnRetry = func(err error, _ time.Duration) {
		var server *pgconn.PgError
		if !errors.As(err, &server) || server.Code != want {
			other = err
		}
		retries++
		once.Do(mend)
	}
	eachFeeds(db, func() error { return x.feed(db.Context(), db, db.connect(config, configure), 3) })
	if retries == 0 || other != nil {
		db.Errorf("%d times tried again, also because of %v; want because of %s", retries, other, want)
	}
	db.wantTraffic(x)
}

func noChange(*pgxpool.Config) {}

// TestWriterBecomesReader: connections that were made while the server took no
// writes stay as they are, and must be given up.
func TestWriterBecomesReader(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.watch()
	set := func(value string) {
		name := pgx.Identifier{db.Pool.Config().ConnConfig.Database}.Sanitize()
		db.exec("BEGIN READ WRITE; ALTER DATABASE " + name + " SET default_transaction_read_only = " + value + "; COMMIT")
	}
	set("on")
	db.wantRetries(newTraffic("0", 1, 2, 5, 10), noChange, "25006", func() { set("off") })
}

func TestLockTimeout(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.watch()
	tx, err := db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE obs.things IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	impatient := func(cfg *pgxpool.Config) { setAfterConnect(cfg, "SET lock_timeout = '20ms'") }
	db.wantRetries(newTraffic("0", 1, 2, 5, 10), impatient, "55P03", func() { _ = tx.Rollback(t.Context()) })
}

func TestStatementTimeout(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.watch()
	db.exec(`CREATE TABLE slow AS SELECT true AS yes;
		CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			PERFORM pg_sleep(3600) FROM slow WHERE yes; RETURN NULL; END $$;
		CREATE TRIGGER be_slow AFTER INSERT ON obs.things FOR EACH STATEMENT EXECUTE FUNCTION be_slow()`)
	db.impatient = 2 * time.Second
	db.wantRetries(newTraffic("0", 1, 2, 5, 10), noChange, "57014", func() { db.exec("UPDATE slow SET yes = false") })
}

// TestSlowBatchIsHalved has a server on which only statements of few rows end in
// time.
func TestSlowBatchIsHalved(t *testing.T) {
	var db *database
	progress := func() []string {
		return db.query("SELECT sequence_number::text FROM hub.shard_progress WHERE sequence_number >= 0")
	}
	retries := 0
	config := quick
	config.OnRetry = func(error, time.Duration) {
		retries++
		if got := progress(); len(got) > 0 {
			t.Errorf("progress %q before everything is applied", got)
		}
	}
	db = newDatabase(t, config)
	db.watch()
	db.exec(`CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF (SELECT count(*) FROM fresh) > 5 THEN RAISE 'too slow' USING ERRCODE = '57014'; END IF;
			RETURN NULL; END $$;
		CREATE TRIGGER be_slow AFTER INSERT ON obs.things REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION be_slow()`)
	b := build(t)
	var want []string
	for part := range 6 {
		var rows []string
		for row := range 3 {
			id := fmt.Sprintf("%d.%d", part, row)
			rows, want = append(rows, thing(id, "x")), append(want, id+"=x")
		}
		b.part(things.Table, "", 1, part, rows...)
	}
	shard := load.Shard{Stream: "s", Created: start, ID: "0"}
	b.part(sightings.Table, "", 1, 0, thing("seen", "x"))
	b.end(things.Table, "", 1, schema.OK, 6, 18)
	b.batch.Advances = []*load.Advance{{Shard: shard, To: stream.Position{Sequence: "7"}, Arrived: start}}
	result := db.apply(b)
	db.wantLive(things.Table, want...)
	db.wantLive(sightings.Table, "seen=x")
	counts := result.Categories["things"]
	if counts.New != 18 || counts.Parts != 6 || counts.Completed != 1 || counts.Rejected+int64(result.Rejects) != 0 {
		t.Errorf("result %+v", result)
	}
	// 6 parts become 3 and 3, each 3 become 1 and 2, and each 2 become 1 and 1.
	if want := 5 + 6; result.Attempts != want || retries != 0 {
		t.Errorf("%d attempts, %d retries; want %d, 0", result.Attempts, retries, want)
	}
	if got := progress(); !slices.Equal(got, []string{"7"}) {
		t.Errorf("progress %q", got)
	}
}

// setAfterConnect runs sql on every new connection, after the loader's settings.
func setAfterConnect(cfg *pgxpool.Config, sql string) {
	settings := cfg.AfterConnect
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if err := settings(ctx, conn); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, sql)
		return err
	}
}

// TestDeadlock has somebody else lock what the loader locks, the other way round. The
// server looks for a deadlock once, soon after the loader begins to wait, and the other
// must wait by then: the loader, which has locked its shard, does not go on before.
func TestDeadlock(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.watch()
	x := newTraffic("0", 1, 2, 5, 10)
	eachFeeds(t, func() error { // the first run only
		_, err := db.loader.Apply(t.Context(), x.batch(t, 0, 3))
		return err
	})
	tx, err := db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `
		SET deadlock_timeout = '1h';
		CREATE TABLE other AS SELECT pg_backend_pid() AS pid;
		CREATE FUNCTION await_other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			WHILE EXISTS (SELECT FROM pg_stat_activity JOIN other USING (pid) WHERE state <> 'idle' AND wait_event_type IS DISTINCT FROM 'Lock') LOOP
				PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
			END LOOP;
			RETURN NULL; END $$;
		CREATE TRIGGER await_other AFTER INSERT ON hub.run_part FOR EACH STATEMENT EXECUTE FUNCTION await_other();
		COMMIT; BEGIN; LOCK TABLE obs.things IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	other := make(chan error, 1)
	go func() {
		defer close(other)
		for waiting := false; !waiting; { // until the loader waits for this one
			err := db.Pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE "+loaders+
				" AND wait_event = 'PgSleep')").Scan(&waiting)
			if err != nil {
				other <- err
				return
			}
		}
		_, err := tx.Exec(t.Context(), "UPDATE hub.shard_progress SET updated_at = now()")
		other <- errors.Join(err, tx.Rollback(t.Context()))
	}()
	suspicious := func(cfg *pgxpool.Config) { setAfterConnect(cfg, "SET deadlock_timeout = '10ms'") }
	db.wantRetries(x, suspicious, "40P01", func() {})
	if err := <-other; err != nil {
		t.Error(err)
	}
}

// TestLocksHaveAnOrder has loaders write to many scopes at once, new ones and known
// ones, each naming them in another order.
func TestLocksHaveAnOrder(t *testing.T) {
	db := newDatabase(t, load.Config{})
	config := quick
	config.OnRetry = func(err error, _ time.Duration) { t.Errorf("retried: %v", err) }
	// Inserting takes its time, so that loaders meet there.
	db.exec(`CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			PERFORM pg_sleep(0.001); RETURN NEW; END $$;
		CREATE TRIGGER linger BEFORE INSERT ON hub.scope FOR EACH ROW EXECUTE FUNCTION linger()`)
	const loaders, rounds, scopes = 4, 15, 30
	apply := make([]func(round int) error, loaders)
	for l := range loaders {
		loader := db.connect(config, noChange)
		random := rand.New(rand.NewPCG(1, uint64(l)))
		apply[l] = func(round int) error {
			b := build(t)
			for _, s := range random.Perm(scopes) {
				b.part(things.Table, "", round*loaders+l, 0, thing("a", fmt.Sprint(l)))
				parts := b.parts["things"]
				parts[len(parts)-1].Scope.Account = fmt.Sprintf("%012d", round/3*scopes+s)
			}
			batch := b.done()
			defer batch.Groups[0].Record.Release()
			_, err := loader.Apply(t.Context(), batch)
			return err
		}
	}
	for round := range rounds { // in every third one the scopes are new
		var feeds []func() error
		for l := range loaders {
			feeds = append(feeds, func() error { return apply[l](round) })
		}
		eachFeeds(t, feeds...)
	}
}

// TestZombies has several loaders apply the same shards at the same time, as two
// hosts do that both think they hold the lease.
func TestZombies(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.watch()
	all := []*traffic{newTraffic("0", 2, 20, 5, 10), newTraffic("1", 2, 20, 5, 10)}
	var moved atomic.Int64
	var feeds []func() error
	for range 3 {
		loader := db.connect(quick, noChange)
		for i, x := range all {
			feeds = append(feeds, func() error { return x.feedCounting(t.Context(), t, loader, 1+i, &moved) })
		}
	}
	eachFeeds(t, feeds...)
	if moved.Load() == 0 {
		t.Error("no loader ever met another")
	}
	db.wantTraffic(all...)
}

// TestNothingStaysOpen ends an Apply in ways in which its transaction might be
// left open: by a panic and by its context, while it waits.
func TestNothingStaysOpen(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")))
	idle := func() { // the server, and the pool, notice in their own time
		for len(db.query("SELECT state FROM pg_stat_activity WHERE "+loaders+" AND state <> 'idle'")) > 0 ||
			db.pool.Stat().AcquiredConns() > 0 {
		}
	}

	b := build(t).part(things.Table, "", 2, 0, thing("a", "2")).done()
	record := b.Groups[0].Record
	b.Groups[0].Identify()
	b.Groups[0].Record = brokenRecord{record}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a record that cannot be read did not panic")
			}
		}()
		_, _ = db.loader.Apply(t.Context(), b)
	}()
	idle()

	tx, err := db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE obs.things IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	b.Groups[0].Record = record
	go func() {
		_, err := db.loader.Apply(ctx, b)
		ended <- err
	}()
	for len(db.query("SELECT query FROM pg_stat_activity WHERE "+loaders+" AND wait_event_type = 'Lock'")) == 0 {
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled Apply: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	idle()
	db.wantLive(things.Table, "a=1")
}

// brokenRecord is a record that panics when its columns are read.
type brokenRecord struct{ arrow.Record }

func (brokenRecord) Columns() []arrow.Array { panic("no columns") }
