package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
)

// stallTime is how long a transaction may be tried before the connections are
// suspected, and how long closing them may take to help. Tests shorten it.
var stallTime = time.Minute

// watchdog ends waiting for connections that something between here and the database
// has swallowed. If that does not help, it says that nothing can be applied here.
type watchdog struct {
	log         *slog.Logger
	pool        *pgxpool.Pool
	connections *load.Connections
	stalled     func() time.Duration
	limit       time.Duration

	closed time.Time // when the connections were closed; zero if nothing stalls

	mu  sync.Mutex
	err error // why nothing can be applied here
}

// ready returns why nothing can be applied here, nil if it can as far as is known.
func (w *watchdog) ready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *watchdog) say(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

// check looks whether transactions stall although the database works.
func (w *watchdog) check(ctx context.Context) {
	stalled := w.stalled()
	if stalled < w.limit {
		if w.ready() != nil {
			w.log.Info("records are applied again")
		}
		w.closed = time.Time{}
		w.say(nil)
		return
	}
	again := !w.closed.IsZero()
	if again && time.Since(w.closed) < w.limit {
		return
	}
	closed, working, err := w.closeIdle(ctx)
	if err != nil {
		// The database is away: other consumers cannot do better, and /readyz says so.
		w.closed = time.Time{}
		w.log.Warn("records are not applied, and the database does not answer", "for", stalled.Round(time.Second), "error",
			err)
		return
	}
	w.closed = time.Now()
	w.log.Warn("records are not applied although the database answers: closed connections, trying again",
		"for", stalled.Round(time.Second), "closed", closed, "working", working)
	if !again || working > 0 || w.ready() != nil {
		return
	}
	err = fmt.Errorf("nothing was applied for %v although the database answers and connections were made anew",
		stalled.Round(time.Second))
	w.log.Error("the shards are left to other consumers", "error", err)
	w.say(err)
}

// closeIdle asks the database over a new connection which sessions of the pool it
// works for, and closes the others.
func (w *watchdog) closeIdle(ctx context.Context) (closed, working int, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	cfg := w.pool.Config()
	if cfg.BeforeConnect != nil {
		if err := cfg.BeforeConnect(ctx, cfg.ConnConfig); err != nil {
			return 0, 0, err
		}
	}
	conn, err := pgx.ConnectConfig(ctx, cfg.ConnConfig)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close(ctx)
	return w.connections.CloseIdle(ctx, conn)
}
