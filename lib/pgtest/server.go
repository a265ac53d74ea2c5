package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hubspoke/observability/lib/pgtest/pgserver"
)

const (
	// urlVariable names a server that exists already.
	urlVariable = "DATABASE_URL"
	// prefix begins the name of every database of this package. What follows
	// is the time at which it was made, in Unix seconds, and what it is.
	prefix = "pgtest_"
	// startPatience is how long a server may take to start or to answer.
	startPatience = 5 * time.Minute
	// leftoverAge is the age from which a database is taken for a leftover of
	// a test process that was killed.
	leftoverAge = 24 * time.Hour
)

// SQLSTATEs, PostgreSQL manual, appendix "Error Codes".
const (
	objectInUse     = "55006"
	undefinedObject = "3D000" // invalid_catalog_name: no such database
)

// server is a PostgreSQL server on which databases are made.
type server struct {
	url *url.URL
	own *pgserver.Server // nil if the server is not this process's

	mu        sync.Mutex
	templates map[string]string // Template.suffix to the name of its database
}

// existing is the server that the environment named when the process began. A test may change
// the environment for the program that it tests.
var existing = os.Getenv(urlVariable)

// shared is the server of all tests of the process.
var shared lazyServer

// lazyServer starts its server when it is first needed.
type lazyServer struct {
	mu     sync.Mutex
	server *server
	err    error
}

func (l *lazyServer) get() (*server, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil && l.err == nil {
		// No test's context: the server outlives the test that needs it first.
		ctx, cancel := context.WithTimeout(context.Background(), startPatience)
		defer cancel()
		l.server, l.err = openServer(ctx, existing)
	}
	return l.server, l.err
}

func (l *lazyServer) stop() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.server
	l.server = nil
	if s == nil || s.own == nil {
		return nil
	}
	return s.own.Stop()
}

// openServer uses the server with an address, or starts one if that is "".
func openServer(ctx context.Context, address string) (*server, error) {
	s := &server{templates: map[string]string{}}
	if address == "" {
		own, err := pgserver.Start(ctx, pgserver.Config{})
		if err != nil {
			return nil, notInstalled(err)
		}
		s.own, address = own, own.URL()
	}
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, fmt.Errorf("%s must have the form postgres://user:password@host:port/database", urlVariable)
	}
	s.url = u
	if s.own == nil {
		if err := s.dropLeftovers(ctx, time.Now().Add(-leftoverAge)); err != nil {
			return nil, fmt.Errorf("the server of %s: %w", urlVariable, err)
		}
	}
	return s, nil
}

// databaseURL is the server's URL with another database.
func (s *server) databaseURL(name string) string {
	u := *s.url
	u.Path = "/" + name
	query := u.Query()
	query.Del("dbname")
	query.Del("database")
	u.RawQuery = query.Encode()
	return u.String()
}

// admin runs do on a new connection to the database in the server's URL. All
// test processes use the same database, as advisory locks are per database.
func (s *server) admin(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.url.String())
	if err != nil {
		return err
	}
	return errors.Join(do(conn), conn.Close(context.WithoutCancel(ctx)))
}

// exec runs one statement about databases and quotes their names.
func exec(ctx context.Context, conn *pgx.Conn, format string, names ...string) error {
	quoted := make([]any, len(names))
	for i, name := range names {
		quoted[i] = pgx.Identifier{name}.Sanitize()
	}
	_, err := conn.Exec(ctx, fmt.Sprintf(format, quoted...))
	return err
}

func (s *server) createEmpty(ctx context.Context, name string) error {
	return s.admin(ctx, func(conn *pgx.Conn) error {
		// template0, as nobody can be connected to it or have changed it.
		return exec(ctx, conn, "CREATE DATABASE %s TEMPLATE template0", name)
	})
}

func (s *server) drop(ctx context.Context, name string) error {
	return s.admin(ctx, func(conn *pgx.Conn) error {
		return exec(ctx, conn, "DROP DATABASE IF EXISTS %s WITH (FORCE)", name)
	})
}

// databaseName names a database that is made now.
func databaseName(what string) string {
	return fmt.Sprintf("%s%d_%s", prefix, time.Now().Unix(), what)
}

// madeAt tells when the database was made; ok is false if it is none of this
// package's.
func madeAt(name string) (made time.Time, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return time.Time{}, false
	}
	seconds, _, ok := strings.Cut(rest, "_")
	if !ok {
		return time.Time{}, false
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	return time.Unix(unix, 0), err == nil
}

// dropLeftovers drops this package's databases that were made before the time
// and that nobody uses: clones of killed processes, and templates, which are
// made again when they are needed.
func (s *server) dropLeftovers(ctx context.Context, before time.Time) error {
	return s.admin(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `
			SELECT datname FROM pg_database d
			WHERE starts_with(datname, $1)
			AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)`, prefix)
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, name := range names {
			if made, ok := madeAt(name); !ok || !made.Before(before) {
				continue
			}
			err := exec(ctx, conn, "DROP DATABASE IF EXISTS %s", name)
			if err != nil && !hasCode(err, objectInUse) { // since the query
				return fmt.Errorf("dropping %s: %w", name, err)
			}
		}
		return nil
	})
}

func hasCode(err error, code string) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == code
}
