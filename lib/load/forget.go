package load

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Forgotten is what a database holds, or held, of an account.
type Forgotten struct {
	// Tables in the order in which they are emptied, categories first, with how many
	// rows of the account each has, gone ones included.
	Tables []ForgottenRows
	// Applied is when something of the account was applied last; nil if nothing was.
	Applied *time.Time
}

// ForgottenRows are the rows of an account in one table.
type ForgottenRows struct {
	Table string // with its schema
	Rows  int64
}

// Rows returns how many rows there are in all tables.
func (f Forgotten) Rows() (n int64) {
	for _, t := range f.Tables {
		n += t.Rows
	}
	return n
}

// forgetRows is how many rows are deleted in one transaction. It locks the scopes of
// the account, and no others.
const forgetRows = 5_000

// Whatever tells the account or the scope of a row is found, so that no table can be
// forgotten here. hub.scope comes last: the others are found by it. The marks of
// hub.dirty say what was deleted, and go when the views show it; the rows of hub.source
// go with the scopes.
const forgetTablesSQL = `
SELECT n.nspname, c.relname, bool_or(a.attname = 'account_id'),
       EXISTS (SELECT FROM pg_attribute r WHERE r.attrelid = c.oid AND r.attname = 'region' AND NOT r.attisdropped)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('obs', 'hub', 'org', 'history') AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped
  AND (a.attname = 'account_id' OR n.nspname = 'hub' AND a.attname = 'scope')
  AND (n.nspname, c.relname) NOT IN (('hub', 'dirty'), ('hub', 'source'))
GROUP BY n.nspname, c.relname, c.oid
ORDER BY n.nspname <> 'obs', (n.nspname, c.relname) = ('hub', 'scope'), c.relname`

// forgetTable is a table with rows of accounts.
type forgetTable struct {
	Schema, Name string
	ByAccount    bool // else by scope
	HasRegion    bool
}

func (t forgetTable) quoted() string { return pgx.Identifier{t.Schema, t.Name}.Sanitize() }

// mark is what hub.dirty calls the table, "" if no view depends on it, or it marks itself.
func (t forgetTable) mark() string {
	switch {
	case t.Schema == "obs":
		return t.Name
	case t.Schema+"."+t.Name == scopesTable:
		return scopesTable
	}
	return ""
}

// where selects the rows of the account $1.
func (t forgetTable) where() string {
	if t.ByAccount {
		return "account_id = $1"
	}
	return "scope = ANY (ARRAY(SELECT scope FROM hub.scope WHERE account_id = $1))"
}

func forgetTables(ctx context.Context, pool *pgxpool.Pool) ([]forgetTable, error) {
	rows, err := pool.Query(ctx, forgetTablesSQL)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[forgetTable])
}

// CountAccount returns what the database holds of an account.
func CountAccount(ctx context.Context, pool *pgxpool.Pool, account string) (f Forgotten, err error) {
	tables, err := forgetTables(ctx, pool)
	if err != nil {
		return f, fmt.Errorf("load: find tables of accounts: %w", err)
	}
	for _, t := range tables {
		var n int64
		if err := pool.QueryRow(ctx, "SELECT count(*) FROM "+t.quoted()+" WHERE "+t.where(), account).Scan(&n); err != nil {
			return f, fmt.Errorf("load: count rows of account %s in %s: %w", account, t.quoted(), err)
		}
		f.Tables = append(f.Tables, ForgottenRows{t.Schema + "." + t.Name, n})
	}
	err = pool.QueryRow(ctx, "SELECT max(r.updated_at) FROM hub.run r JOIN hub.scope s USING (scope) WHERE "+
		"s.account_id = $1", account).Scan(&f.Applied)
	if err != nil {
		return f, fmt.Errorf("load: last run of account %s: %w", account, err)
	}
	return f, nil
}

// ForgetAccount deletes everything that the database holds of an account: rows of
// all categories, also of those that this program does not know, their bookkeeping
// and rejects, labels that people wrote, and the history. It marks the tables dirty for the views, and returns what it
// deleted,
// also with an error: then the rest is there, and it can be called again.
//
// It deletes a piece in each transaction, under the locks of the account's scopes, so
// that loaders of other accounts do not wait. The account's own spoke should have
// stopped and its records been applied: what arrives later is applied as that of a
// new account.
//
// The caller must own the tables. deleted, if not nil, is called after each piece
// with all that was deleted so far.
func ForgetAccount(ctx context.Context, pool *pgxpool.Pool, account string, deleted func(rows int64)) (f Forgotten,
	err error) {
	tables, err := forgetTables(ctx, pool)
	if err != nil {
		return f, fmt.Errorf("load: find tables of accounts: %w", err)
	}
	for _, t := range tables {
		f.Tables = append(f.Tables, ForgottenRows{Table: t.Schema + "." + t.Name})
		done := &f.Tables[len(f.Tables)-1]
		for n := int64(forgetRows); n == forgetRows; {
			if n, err = forgetPiece(ctx, pool, t, account); err != nil {
				return f, fmt.Errorf("load: forget account %s in %s: %w", account, done.Table, err)
			}
			done.Rows += n
			if deleted != nil {
				deleted(f.Rows())
			}
		}
	}
	return f, nil
}

// forgetPiece deletes up to forgetRows rows of the account.
func forgetPiece(ctx context.Context, pool *pgxpool.Pool, t forgetTable, account string) (n int64, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// The count of live rows is lost until the next complete run, should there be one.
		_, err := tx.Exec(ctx, `SELECT FROM hub.scope WHERE account_id = $1 ORDER BY scope FOR UPDATE`, account)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx,
			`UPDATE hub.scope SET live_rows = -1, live_xor = 0 WHERE account_id = $1 AND live_rows <> -1`, account); err != nil {
			return err
		}
		deleted := fmt.Sprintf(`DELETE FROM %[1]s WHERE ctid = ANY (ARRAY(SELECT ctid FROM %[1]s WHERE %[2]s LIMIT %[3]d))`,
			t.quoted(), t.where(), forgetRows)
		if mark := t.mark(); mark == "" {
			tag, err := tx.Exec(ctx, deleted, account)
			if err != nil {
				return err
			}
			n = tag.RowsAffected()
		} else {
			scope := "NULL::text AS account_id, NULL::text AS region"
			if t.HasRegion {
				scope = "account_id, region"
			}
			err := tx.QueryRow(ctx, `
				WITH deleted AS (`+deleted+` RETURNING `+scope+`), marked AS (
					INSERT INTO hub.dirty (table_name, account_id, region) SELECT DISTINCT $2::text, account_id, region FROM deleted
				)
				SELECT count(*) FROM deleted`, account, mark).Scan(&n)
			if err != nil {
				return err
			}
		}
		if t.Schema != "hub" {
			return nil
		}
		_, err = tx.Exec(ctx, storeSourcesOfSQL+`(
			SELECT category, account_id, region, slice FROM hub.scope WHERE account_id = $1
			UNION SELECT category, account_id, region, slice FROM hub.source WHERE account_id = $1) s`, account)
		return err
	})
	return n, err
}
