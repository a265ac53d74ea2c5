package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/pgtest/pgserver"
)

// cleanupPatience is how long it may take to release and drop a database.
const cleanupPatience = 5 * time.Minute

// DB is a database that belongs to one test and is dropped when the test ends.
type DB struct {
	// URL connects to the database, with the rights of its owner.
	URL string
	// Pool is connected to the database and closed when the test ends. A test
	// that does not return its connections by then fails.
	Pool *pgxpool.Pool
}

// New returns a clone of the template, which is made first if no test process
// on this server has made it yet.
func New(t testing.TB, template Template) *DB {
	t.Helper()
	return newDB(t, func(s *server, ctx context.Context, name string) error {
		return s.clone(ctx, template, name)
	})
}

// Empty returns a database without any tables.
func Empty(t testing.TB) *DB {
	t.Helper()
	return newDB(t, (*server).createEmpty)
}

// StartServer starts a server for this test alone, for tests that kill it or
// need other settings, and stops it when the test ends. It does not use
// DATABASE_URL.
func StartServer(t testing.TB, cfg pgserver.Config) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Start(t.Context(), cfg)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return s
}

func newDB(t testing.TB, create func(s *server, ctx context.Context, name string) error) *DB {
	t.Helper()
	s, err := shared.get()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	name := databaseName(strings.ToLower(rand.Text()))
	if err := create(s, t.Context(), name); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupPatience)
		defer cancel()
		if err := s.drop(ctx, name); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	url := s.databaseURL(name)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := closePool(pool, cleanupPatience); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return &DB{URL: url, Pool: pool}
}

// closePool closes the pool, and does not wait forever for connections that
// the test never returned.
func closePool(pool *pgxpool.Pool, timeout time.Duration) error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		pool.Close()
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-closed:
		return nil
	case <-timer.C:
		return fmt.Errorf("%d connections were not returned to the pool within %v after the test",
			pool.Stat().AcquiredConns(), timeout)
	}
}

// notInstalled adds the other way out to the error of a missing server.
func notInstalled(err error) error {
	if errors.Is(err, pgserver.ErrNotFound) {
		return fmt.Errorf("%w, or set %s to a server on which databases may be created", err, urlVariable)
	}
	return err
}
