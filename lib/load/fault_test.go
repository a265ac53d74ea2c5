package load_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
)

// quick makes the loader try again at once.
var quick = load.Config{RetryInterval: time.Millisecond, MaxRetryInterval: 20 * time.Millisecond}

// TestCutConnections cuts connections in the middle of a COPY, before and after a
// COMMIT was answered, and anywhere else: the case in which a checkpoint that is
// kept anywhere else than in the transaction doubles or loses.
func TestCutConnections(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.watch()
	cuts := newCutter(1, 30)
	loader := db.connect(quick, cuts.configure)
	x := newTraffic("0", 5, 40, 10, 500)
	eachFeeds(t, func() error { return x.feed(t.Context(), t, loader, 2) })
	cuts.wantDone(t)
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
	eachFeeds(t, func() error { return x.feed(t.Context(), t, db.connect(quick, func(*pgxpool.Config) {}), 2) })
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
	eachFeeds(t, func() error { return x.feed(t.Context(), t, db.connect(quick, func(*pgxpool.Config) {}), 3) })
	if faults := n.stop(); faults < 10 {
		t.Errorf("%d COPYs were ended", faults)
	}
	db.wantTraffic(x)
}
