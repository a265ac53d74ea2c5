package load

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/schema"
)

// Step is one thing that [Ensure] did.
type Step struct {
	Fault
	Duration time.Duration
}

// ensureLock is the advisory lock that keeps two programs from adding the same column.
const ensureLock = 7_310_570_286_112_346_725

// ensureTimeout bounds how long a statement waits for a table: whoever comes behind it
// waits, too.
const ensureTimeout = "5s"

// Ensure adds what the tables of categories lack and what can be added without a change
// to what is stored (see Fault.Additive): each category in a transaction, in the order
// given. It returns what it did, also together with an error, and the faults that are
// left. It may run in several places at once, and while loaders work.
func Ensure(ctx context.Context, conn *pgx.Conn, tables ...*schema.Table) (done []Step, left []Fault, err error) {
	for _, t := range tables {
		steps, rest, err := ensureTable(ctx, conn, t)
		if err != nil {
			return done, left, fmt.Errorf("load: table %s: %w", tableName(t), err)
		}
		done, left = append(done, steps...), append(left, rest...)
	}
	return done, left, nil
}

func ensureTable(ctx context.Context, conn *pgx.Conn, t *schema.Table) (done []Step, left []Fault, err error) {
	if left, err = checkTable(ctx, conn, t); err != nil || !anyAdditive(left) {
		return nil, left, err
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		settings := "SET LOCAL lock_timeout = '" + ensureTimeout + "'; SET LOCAL statement_timeout = 0"
		if _, err := tx.Exec(ctx, settings, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(ensureLock)); err != nil {
			return err
		}
		faults, err := checkTable(ctx, tx, t)
		if err != nil {
			return err
		}
		for _, f := range faults {
			if !f.Additive {
				continue
			}
			start := time.Now()
			if _, err := tx.Exec(ctx, f.Statement, pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("%s: %w", f.Statement, err)
			}
			done = append(done, Step{f, time.Since(start)})
		}
		left, err = checkTable(ctx, tx, t)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return done, left, nil
}

func anyAdditive(faults []Fault) bool {
	for _, f := range faults {
		if f.Additive {
			return true
		}
	}
	return false
}
