package load_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
)

func TestClassify(t *testing.T) {
	states := map[load.Class][]string{
		load.Retry: {
			"40001", "40P01", "55P03", // serialization, deadlock, lock timeout
			"57014",                                              // statement timeout
			"57P01", "57P02", "57P03", "08000", "08003", "08006", // terminated, crash, recovery, connection
			"08001", "08004", "08007", "08P01", // commit outcome unknown, protocol
			"53300", "53100", "53200", "53400", "53000", // too many clients, disk, memory, limits
			"25006",          // the writer became a reader
			"28P01", "28000", // credentials
			"25P03", "25P04", "57P05", // sessions that were idle for too long
			"58030",
		},
		load.PutAside: {
			"22001", "22003", "22008", "22021", "22P02", "22P03", "22P05", "22023", // data
			"23502", "23503", "23505", "23514", // constraints
			"54000", "54001", // too large, too deep
			"21000", // a key twice in one statement
		},
		load.Park: {
			"42501", "42P01", "42703", "42804", "42P10", "42883", // privilege, table, column, type, key
			"0A000", "3D000", "3F000",
		},
		load.Stop: {"XX000", "XX001", "P0001", "25P02", "00000", "", "4", "bad"},
	}
	for class, codes := range states {
		for _, code := range codes {
			err := fmt.Errorf("copy: %w", &pgconn.PgError{Code: code})
			if got := load.Classify(err); got != class {
				t.Errorf("SQLSTATE %s: %v, want %v", code, got, class)
			}
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		err  error
		want load.Class
	}{
		"nothing": {nil, load.Stop},
		"reset":   {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, load.Retry},
		"broken pipe": {&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)},
			load.Retry},
		"name":           {&net.DNSError{Err: "no such host", Name: "db"}, load.Retry},
		"end":            {fmt.Errorf("read: %w", io.EOF), load.Retry},
		"end in message": {io.ErrUnexpectedEOF, load.Retry},
		"closed":         {net.ErrClosed, load.Retry},
		"closed before":  {fmt.Errorf("begin: %w", pgconn.ErrConnClosed), load.Retry},
		"refused": {func() error {
			_,
				err := pgconn.Connect(t.Context(), "host=127.0.0.1 port=1")
			return err
		}(), load.Retry},
		"time":                             {context.DeadlineExceeded, load.Retry},
		"canceled":                         {fmt.Errorf("timeout: %w", canceled.Err()), load.Stop},
		"misfit":                           {fmt.Errorf("compare: %w", &load.MisfitError{Category: "things"}), load.Park},
		"full":                             {load.ErrParkedFull, load.Stop},
		"a bug":                            {errors.New("something else"), load.Stop},
		"commit of an aborted transaction": {pgx.ErrTxCommitRollback, load.Stop},
	} {
		if got := load.Classify(c.err); got != c.want {
			t.Errorf("%s (%v): %v, want %v", name, c.err, got, c.want)
		}
	}
}

// TestClassifyWhatPostgreSQLSays provokes the errors of a real server.
func TestClassifyWhatPostgreSQLSays(t *testing.T) {
	db := pgtest.Empty(t)
	conn, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(),
		`CREATE TABLE t (id integer PRIMARY KEY, n numeric(4,2) CHECK (n > 0), v varchar(3), j jsonb);
		INSERT INTO t VALUES (1, 1, 'a', '{}');`); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]load.Class{
		"INSERT INTO t (id, n) VALUES (2, 1000)":                                  load.PutAside,
		"INSERT INTO t (id, n) VALUES (2, -1)":                                    load.PutAside,
		"INSERT INTO t (id, v) VALUES (2, 'long')":                                load.PutAside,
		"INSERT INTO t (id) VALUES (1)":                                           load.PutAside,
		"INSERT INTO t (id) VALUES (NULL)":                                        load.PutAside,
		`INSERT INTO t (id, j) VALUES (2, '"\u0000"')`:                            load.PutAside,
		"INSERT INTO t (id, j) VALUES (2, repeat('[', 100000)::jsonb)":            load.PutAside,
		"INSERT INTO t (id) VALUES (2), (2) ON CONFLICT (id) DO UPDATE SET v = 1": load.PutAside,
		"SELECT '300000-01-01'::timestamptz":                                      load.PutAside,
		"SELECT convert_from('\\xff', 'UTF8')":                                    load.PutAside,
		"INSERT INTO nowhere VALUES (1)":                                          load.Park,
		"INSERT INTO t (other) VALUES (1)":                                        load.Park,
		"INSERT INTO t (id) VALUES (now())":                                       load.Park,
		"INSERT INTO t (id) VALUES (2) ON CONFLICT (v) DO NOTHING":                load.Park,
		"BEGIN READ ONLY; INSERT INTO t (id) VALUES (2)":                          load.Retry,
		"SET statement_timeout = '1ms'; SELECT pg_sleep(10)":                      load.Retry,
		"SELECT pg_terminate_backend(pg_backend_pid())":                           load.Retry,
		"SELEKT": load.Park,
	} {
		if conn.IsClosed() { // by the statement before
			if conn, err = pgx.Connect(t.Context(), db.URL); err != nil {
				t.Fatal(err)
			}
		}
		_, err := conn.Exec(t.Context(), sql)
		if got := load.Classify(err); err == nil || got != want {
			t.Errorf("%s: %v, which is %v, want %v", sql, err, got, want)
		}
		_, _ = conn.Exec(t.Context(), "ROLLBACK; RESET ALL")
	}
}
