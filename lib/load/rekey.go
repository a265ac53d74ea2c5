package load

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/schema"
)

// RekeyConfig of [Rekey]. The zero value works.
type RekeyConfig struct {
	// OnProgress is called with how many rows of the table were looked at, each time
	// after some thousands. Nil does nothing.
	OnProgress func(t *schema.Table, rows int64)
}

// RekeyResult is what [Rekey] did to one table.
type RekeyResult struct {
	Table *schema.Table
	// Rows that were looked at, and Updated ones: their key or hash was another.
	Rows, Updated int64
	// Merged rows were removed: another row has the key that they would have got, and
	// its run is at least as new. A loader of an earlier version wrote on.
	Merged int64
	// Unreadable rows have values that no category has. They keep their keys.
	Unreadable int64
	Duration   time.Duration
}

// OldKeys returns those of the tables with rows that may have keys and hashes that an
// earlier version of this package has computed. [Check] calls each of them a fault, and
// a [Loader] writes nothing to them.
func OldKeys(ctx context.Context, db Querier, tables ...*schema.Table) ([]*schema.Table, error) {
	var old []*schema.Table
	for _, t := range tables {
		found, err := hasOldKeys(ctx, db, t)
		if err != nil {
			return nil, fmt.Errorf("load: look for old keys of %s: %w", tableName(t), err)
		}
		if found {
			old = append(old, t)
		}
	}
	return old, nil
}

func hasOldKeys(ctx context.Context, db Querier, t *schema.Table) (bool, error) {
	noted, err := queryOne[bool](ctx, db, "SELECT to_regclass('hub.old_identity') IS NOT NULL")
	if err != nil || !noted {
		return false, err
	}
	return queryOne[bool](ctx, db, "SELECT EXISTS (SELECT FROM hub.old_identity WHERE category = $1)", t.Name())
}

func queryOne[T any](ctx context.Context, db Querier, sql string, args ...any) (value T, err error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return value, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
}

// Rekey computes the keys and hashes of all rows of those tables that [OldKeys] names,
// from their columns, together with what the bookkeeping knows of the keys. Each
// account and region is one transaction: after an error, or when ctx ends, what is done
// stays done, and the next call finds it so. Loaders of an earlier version must not run
// meanwhile; rows that such a one wrote all the same are merged.
func Rekey(ctx context.Context, pool *pgxpool.Pool, cfg RekeyConfig, tables ...*schema.Table) ([]RekeyResult, error) {
	tables, err := OldKeys(ctx, pool, tables...)
	if err != nil {
		return nil, err
	}
	var results []RekeyResult
	for _, t := range tables {
		r := rekey{table: t, config: cfg, result: RekeyResult{Table: t}}
		start := time.Now()
		err := r.run(ctx, pool)
		r.result.Duration = time.Since(start)
		if err != nil {
			return results, fmt.Errorf("load: keys of %s: %w", tableName(t), err)
		}
		results = append(results, r.result)
	}
	return results, nil
}

// rekey brings one table up to date.
type rekey struct {
	table  *schema.Table
	config RekeyConfig
	result RekeyResult
}

func (r *rekey) run(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, fmt.Sprintf(`
		SELECT account_id, region FROM %s UNION SELECT account_id, region FROM hub.scope WHERE category = $1 ORDER BY 1, 2`,
		tableName(r.table)), r.table.Name())
	if err != nil {
		return err
	}
	scopes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (schema.Scope, error) {
		s := schema.Scope{Category: r.table.Name()}
		return s, row.Scan(&s.Account, &s.Region)
	})
	if err != nil {
		return err
	}
	for _, s := range scopes {
		if err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return r.scope(ctx, tx, s) }); err != nil {
			return fmt.Errorf("account %s, region %s: %w", s.Account, s.Region, err)
		}
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM hub.old_identity WHERE category = $1", r.table.Name())
		if err == nil { // views show keys
			_, err = tx.Exec(ctx, "INSERT INTO hub.dirty (table_name) VALUES ($1)", r.table.Name())
		}
		return err
	})
}

const rekeySettings = `
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL lock_timeout = '1min';
SET LOCAL enable_hashjoin = on;
CREATE TEMPORARY TABLE rekeyed (old uuid PRIMARY KEY, key uuid NOT NULL, hash uuid NOT NULL) ON COMMIT DROP`

// scope brings the rows of an account and region up to date, in all slices. It keeps
// other writers out of them meanwhile.
func (r *rekey) scope(ctx context.Context, tx pgx.Tx, s schema.Scope) error {
	if _, err := tx.Exec(ctx, rekeySettings, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `
		SELECT FROM hub.scope WHERE category = $1 AND account_id = $2 AND region = $3 ORDER BY scope FOR UPDATE`,
		s.Category, s.Account, s.Region); err != nil {
		return err
	}
	first, last := keyRange(s)
	where := "row_key BETWEEN $1 AND $2 AND account_id = $3 AND region = $4"
	changed := false
	err := readStored(ctx, tx, r.table, where, []any{first, last, s.Account, s.Region}, func(rows []storedIdentity) error {
		var changes [][]any
		for _, row := range rows {
			switch {
			case row.err != nil:
				r.result.Unreadable++
			case row.key != row.wantKey || row.hash != row.wantHash:
				changes = append(changes, []any{row.key, row.wantKey, row.wantHash})
			}
		}
		changed = changed || len(changes) > 0
		if r.result.Rows += int64(len(rows)); r.config.OnProgress != nil {
			r.config.OnProgress(r.table, r.result.Rows)
		}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"rekeyed"}, []string{"old", "key", "hash"}, pgx.CopyFromRows(changes))
		return err
	})
	if err != nil || !changed {
		return err
	}
	return r.update(ctx, tx, s)
}

// Of the rows that would have one key the one of the newest run stays.
const mergeRekeyedSQL = `
DELETE FROM %[1]s WHERE row_key IN (
    SELECT row_key FROM (
        SELECT row_key, row_number() OVER (PARTITION BY key ORDER BY run_id DESC, row_key) AS n
        FROM (SELECT r.key, t.row_key, t.run_id FROM rekeyed r JOIN %[1]s t ON t.row_key = r.old
              UNION
              SELECT r.key, t.row_key, t.run_id FROM rekeyed r JOIN %[1]s t ON t.row_key = r.key) c
    ) d WHERE n > 1)`

const updateRekeyedSQL = `UPDATE %[1]s t SET row_key = r.key, row_hash = r.hash FROM rekeyed r WHERE t.row_key = r.old`

const ownScopes = `SELECT scope FROM hub.scope WHERE category = $1 AND account_id = $2 AND region = $3`

const rekeyPartsSQL = `
UPDATE hub.run_part p SET row_keys = (
    SELECT array_agg(coalesce(r.key, k.key) ORDER BY k.n)
    FROM unnest(p.row_keys) WITH ORDINALITY AS k(key, n) LEFT JOIN rekeyed r ON r.old = k.key)
WHERE p.scope IN (` + ownScopes + `) AND cardinality(p.row_keys) > 0`

// fingerprintSQL is what function fingerprint computes.
const fingerprintSQL = `bit_xor(('x' || right(replace(%s::text, '-', ''), 16))::bit(64)::bigint)`

var rekeyRunsSQL = `
UPDATE hub.run r SET keys_xor = k.keys_xor
FROM (SELECT p.scope, p.run, ` + fmt.Sprintf(fingerprintSQL, "key") + ` AS keys_xor
      FROM hub.run_part p, unnest(p.row_keys) AS key WHERE p.scope IN (` + ownScopes + `) GROUP BY p.scope, p.run) k
WHERE (r.scope, r.run) = (k.scope, k.run)`

var rekeyScopesSQL = `
WITH live AS (
    SELECT %[2]s AS slice, count(*) AS rows, ` + fmt.Sprintf(fingerprintSQL, "row_key") + ` AS live_xor
    FROM %[1]s WHERE row_key BETWEEN $4 AND $5 AND account_id = $2 AND region = $3 AND deleted_at IS NULL GROUP BY 1
)
UPDATE hub.scope s SET live_rows = coalesce(l.rows, 0), live_xor = coalesce(l.live_xor, 0)
FROM hub.scope o LEFT JOIN live l USING (slice)
WHERE s.scope = o.scope AND s.category = $1 AND s.account_id = $2 AND s.region = $3`

// update brings the noted changes into the table and into the bookkeeping.
func (r *rekey) update(ctx context.Context, tx pgx.Tx, s schema.Scope) error {
	if _, err := tx.Exec(ctx, "ANALYZE rekeyed"); err != nil {
		return err
	}
	merged, err := tx.Exec(ctx, fmt.Sprintf(mergeRekeyedSQL, tableName(r.table)))
	if err != nil {
		return fmt.Errorf("merge rows with one key: %w", err)
	}
	updated, err := tx.Exec(ctx, fmt.Sprintf(updateRekeyedSQL, tableName(r.table)))
	if err != nil {
		return fmt.Errorf("update rows: %w", err)
	}
	r.result.Merged += merged.RowsAffected()
	r.result.Updated += updated.RowsAffected()
	own := []any{s.Category, s.Account, s.Region}
	if _, err := tx.Exec(ctx, rekeyPartsSQL, own...); err != nil {
		return fmt.Errorf("update keys of parts: %w", err)
	}
	if _, err := tx.Exec(ctx, rekeyRunsSQL, own...); err != nil {
		return fmt.Errorf("update runs: %w", err)
	}
	slice := "''"
	if i := r.table.SliceColumn(); i >= 0 {
		slice = r.table.Columns()[i].Name + "::text"
	}
	first, last := keyRange(s)
	scopes := fmt.Sprintf(rekeyScopesSQL, tableName(r.table), slice)
	if _, err := tx.Exec(ctx, scopes, append(own, first, last)...); err != nil {
		return fmt.Errorf("update scopes: %w", err)
	}
	return nil
}
