// Package verify tells from the database alone whether what it holds is right and how
// fresh it is: [Check] looks whether nothing was lost or doubled, [Summaries] whether views
// show what the tables hold, [CheckContent] whether somebody has edited a row, [Compare]
// whether two databases hold the same, and [ReadStatus] what has arrived.
//
// They only read, each at one moment, and may run while a hub consumes. What they return
// is what 'hub verify' and 'hub status' print with -o json: fields are only ever added.
// Lists are never nil.
package verify

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// atOneMoment calls f with a transaction that sees one moment of the database.
func atOneMoment(ctx context.Context, pool *pgxpool.Pool, f func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly},
		func(tx pgx.Tx) error {
			// The pool's settings suit the loader's queries, not these. One of two
			// databases may have nothing to do while the other is at work. Values have the same
			// text in both.
			_, err := tx.Exec(ctx, `
			SET LOCAL enable_hashjoin = on;
			SET LOCAL enable_mergejoin = on;
			SET LOCAL timezone = 'UTC';
			SET LOCAL extra_float_digits = 1;
			SET LOCAL statement_timeout = 0;
			SET LOCAL idle_in_transaction_session_timeout = 0`, pgx.QueryExecModeSimpleProtocol)
			if err != nil {
				return err
			}
			return f(tx)
		})
}
