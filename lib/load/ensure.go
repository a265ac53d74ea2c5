package load

import (
	"context"
	"fmt"
	"slices"
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

// ensureTimeout bounds how long a statement waits for a table: statements that come
// after it wait, too.
const ensureTimeout = "5s"

// Ensure makes the tables of categories that are missing, and adds to others what they
// lack and what changes nothing that is stored (see Fault.Additive): columns, indexes,
// checks, settings. Each category is a transaction, in the order given. It returns what it
// did, also together with an error, and the faults that are left. It may run in several
// places at once, and while loaders work: they wait while an index is built.
func Ensure(ctx context.Context, db Database, tables ...*schema.Table) (done []Step, left []Fault, err error) {
	for _, t := range tables {
		steps, rest, err := ensureTable(ctx, db, t)
		if err != nil {
			return done, left, fmt.Errorf("load: table %s: %w", tableName(t), err)
		}
		done, left = append(done, steps...), append(left, rest...)
	}
	return done, left, nil
}

func ensureTable(ctx context.Context, db Database, t *schema.Table) (done []Step, left []Fault, err error) {
	if left, err = checkWhole(ctx, db, t); err != nil || !slices.ContainsFunc(left, additive) {
		return nil, left, err
	}
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		settings := "SET LOCAL lock_timeout = '" + ensureTimeout + "'; SET LOCAL statement_timeout = 0"
		if _, err := tx.Exec(ctx, settings, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(ensureLock)); err != nil {
			return err
		}
		// What a column that was added lacks is found in the second round.
		for range 2 {
			if left, err = checkWhole(ctx, tx, t); err != nil {
				return err
			}
			for _, f := range left {
				if !f.Additive {
					continue
				}
				start := time.Now()
				if _, err := tx.Exec(ctx, f.Statement, pgx.QueryExecModeSimpleProtocol); err != nil {
					return fmt.Errorf("%s: %w", f.Statement, err)
				}
				done = append(done, Step{f, time.Since(start)})
			}
		}
		left, err = checkWhole(ctx, tx, t)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return done, left, nil
}

func additive(f Fault) bool { return f.Additive }
