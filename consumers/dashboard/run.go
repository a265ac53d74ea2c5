package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// query is SQL with its parameters.
type query struct {
	sql  string
	args []any
}

// rowSet are the rows of one query, or why there are none.
type rowSet struct {
	query
	columns []pgconn.FieldDescription
	rows    [][]any
	took    time.Duration
	err     error
	// withheld says that the answer is for those who see all accounts.
	withheld bool
}

const (
	// patience is how long a request waits for a free connection.
	patience = 2 * time.Second
	// pageTimeout is how long one query of a page may take, badgeTimeout that of the badge,
	// which every page has, and exportTimeout that of a file.
	pageTimeout   = 3 * time.Second
	badgeTimeout  = time.Second
	exportTimeout = time.Minute
)

// settings of every transaction. Compiling costs more than the queries of a page take,
// connections that suit the loader keep the planner from joins that suit these queries, and
// what is sorted and grouped for a page fits into memory, but not into the usual 4 MB.
const settings = `SET LOCAL idle_in_transaction_session_timeout = '10s';
	SET LOCAL jit = off;
	SET LOCAL enable_hashjoin = on;
	SET LOCAL enable_mergejoin = on;
	SET LOCAL work_mem = '32MB';
	SET LOCAL timezone = 'UTC';
	SET LOCAL statement_timeout = %d`

// read runs do in a transaction that sees one moment and cannot write, with the rights of
// who asks.
func read(ctx context.Context, pool *pgxpool.Pool, timeout time.Duration, do func(pgx.Tx) error) error {
	wait, cancel := context.WithTimeout(ctx, patience)
	conn, err := pool.Acquire(wait)
	cancel()
	switch used := pool.Stat(); {
	case errors.Is(err, context.DeadlineExceeded) && used.AcquiredConns() == used.MaxConns():
		return &failure{status: http.StatusServiceUnavailable, Title: "All connections to the database are in use.",
			Next: "Others look at the same time. Try again in a moment.", reason: "busy", retry: retryLater}
	case err != nil:
		return err
	}
	defer conn.Release()
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, conn, options, func(tx pgx.Tx) error {
		if err := limit(ctx, tx, timeout, settings); err != nil {
			return err
		}
		tx, err := asViewer(ctx, tx)
		if err != nil {
			return err
		}
		return do(tx)
	})
}

// limit says how long a statement may take from now on.
func limit(ctx context.Context, tx pgx.Tx, timeout time.Duration, format string) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(format, timeout.Milliseconds()), pgx.QueryExecModeSimpleProtocol)
	return err
}

// ask reads the rows of a query under a savepoint: if it fails the others go on.
func ask(ctx context.Context, tx pgx.Tx, q query) rowSet {
	set, begun := rowSet{query: q}, time.Now()
	set.err = pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
		rows, err := savepoint.Query(ctx, q.sql, arguments(q)...)
		if err != nil {
			return err
		}
		set.columns = slices.Clone(rows.FieldDescriptions())
		set.rows, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
		return err
	})
	set.took = time.Since(begun)
	set.withheld = isWithheld(isRestricted(tx), set.err)
	return set
}

// arguments has each query planned with its values.
func arguments(q query) []any { return append([]any{pgx.QueryExecModeExec}, q.args...) }

// at returns the place of a column, -1 if there is none.
func (s *rowSet) at(name string) int {
	return slices.IndexFunc(s.columns, func(c pgconn.FieldDescription) bool { return c.Name == name })
}

// value returns a value of a row, nil where there is no such column.
func (s *rowSet) value(row int, name string) any {
	if i := s.at(name); i >= 0 {
		return s.rows[row][i]
	}
	return nil
}

// without returns the set without the columns that are named.
func (s *rowSet) without(names []string) *rowSet {
	if len(names) == 0 {
		return s
	}
	rest := *s
	rest.columns, rest.rows = nil, make([][]any, len(s.rows))
	for k, column := range s.columns {
		if slices.Contains(names, column.Name) {
			continue
		}
		rest.columns = append(rest.columns, column)
		for i, row := range s.rows {
			rest.rows[i] = append(rest.rows[i], row[k])
		}
	}
	return &rest
}

// long reports whether a column has texts of more than so many characters.
func (s *rowSet) long(column, longest int) bool {
	switch name := s.columns[column].Name; {
	case name == "account_id", strings.HasSuffix(name, "status"):
		return false
	}
	return slices.ContainsFunc(s.rows, func(row []any) bool {
		v, isText := row[column].(string)
		return isText && len(v) > longest
	})
}

// decimals is how many decimals all numbers of a column are shown with; amounts and parts of a
// hundred have their own.
func (s *rowSet) decimals(column int) (decimals int) {
	name := s.columns[column].Name
	if isMoney(name) || strings.HasSuffix(name, "percentage") {
		return 0
	}
	for _, row := range s.rows {
		v := number(row[column])
		switch {
		case math.IsNaN(v), math.Abs(v) >= 100, v == math.Trunc(v):
		case math.Abs(10*v-math.Round(10*v)) > 1e-6:
			return 2
		default:
			decimals = 1
		}
	}
	return decimals
}

// highest returns the highest number of a column, 0 if none is above that.
func (s *rowSet) highest(name string) (highest float64) {
	for i := range s.rows {
		if f := number(s.value(i, name)); f > highest {
			highest = f
		}
	}
	return highest
}

// sentence says for people why a query has no answer, and what to do. The log has the rest.
func sentence(err error, timeout time.Duration) string {
	server, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return "The database did not answer."
	}
	next := cmp.Or(advice(server.Code, timeout), "The log of hub dashboard says more.")
	return fmt.Sprintf("%s (SQLSTATE %s)", next, server.Code)
}

// tookTooLong reports whether the database gave a query up, because of its time.
func tookTooLong(err error) bool {
	server, ok := errors.AsType[*pgconn.PgError](err)
	return ok && server.Code == "57014" // query_canceled
}

// advice says what to do about an error of the database by its code, "" if nobody knows.
func advice(code string, timeout time.Duration) string {
	switch code {
	case "57014": // query_canceled
		return fmt.Sprintf("It took longer than %v: choose an account, or less of something else.", timeout)
	case "42P01", "42703", "42883": // undefined table, column, function
		return "The views are of another version: run hub migrate with the version of this program."
	case "42501", "22023": // insufficient_privilege; of a role, that there is none
		return "This user of the database may not read this: make it a member of obs_reader, and with a login of " +
			"obs_restricted, too."
	case "55000": // object_not_in_prerequisite_state
		return "The view was never refreshed: run hub refresh."
	}
	return ""
}
