package load

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hubspoke/observability/lib/schema"
)

// Who changes what hub.scope, hub.run or hub.reject has of a source brings its row of
// hub.source up to date in the same transaction. It is the last statement: it locks the
// rows in the order of their keys, and nobody who waits for one of them is waited for by
// those who have it.
const (
	storeSourcesSQL   = `SELECT hub.store_sources($1::text[], $2::text[], $3::text[], $4::text[])`
	storeSourcesOfSQL = `SELECT hub.store_sources(array_agg(category), array_agg(account_id), array_agg(region), array_agg(slice)) FROM `
)

// sources are scopes, by column, that belong to sources.
type sources struct{ categories, accounts, regions, slices []string }

func (s *sources) add(scope schema.Scope) {
	s.categories, s.accounts = append(s.categories, scope.Category), append(s.accounts, scope.Account)
	s.regions, s.slices = append(s.regions, scope.Region), append(s.slices, scope.Slice)
}

// columns are where an answer is read into that has each column as an array.
func (s *sources) columns() []any { return []any{&s.categories, &s.accounts, &s.regions, &s.slices} }

// store brings the sources up to date.
func (s *sources) store(ctx context.Context, tx pgx.Tx) error {
	if len(s.categories) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, storeSourcesSQL, s.categories, s.accounts, s.regions, s.slices)
	return err
}

// storeSources brings the sources of all scopes up to date that the batch names: of those
// that it applied, and of parts that it refused, which tell why a run is not complete.
func (a *apply) storeSources() {
	var touched sources
	for s, state := range a.scopes {
		if !state.refused {
			touched.add(s)
		}
	}
	for _, s := range a.refused {
		touched.add(s)
	}
	if len(touched.categories) == 0 {
		return
	}
	texts := func(values []string) param { return a.tx.array(pgtype.TextArrayOID, values) }
	a.tx.add("store sources", storeSourcesSQL, nil, texts(touched.categories), texts(touched.accounts),
		texts(touched.regions), texts(touched.slices))
}

// DifferingSource is a row of hub.source that is not what the runs say.
type DifferingSource struct {
	// Scope is the source: its slice is empty where the slices are days.
	Scope schema.Scope
	// Difference names the columns with what they are and what they should be.
	Difference string
}

const checkSourcesSQL = `
WITH known AS (
    SELECT DISTINCT category, account_id, region, hub.source_slice(slice) AS slice FROM hub.scope WHERE category = $1
), state AS (
    SELECT n.* FROM known k CROSS JOIN LATERAL hub.source_state(k.category, k.account_id, k.region, k.slice) n
), stored AS (
    SELECT * FROM hub.source WHERE category = $1
)
SELECT $1, account_id, region, slice,
       CASE WHEN s.category IS NULL THEN 'it has no row' WHEN n.category IS NULL THEN 'it has a row and no scope'
            ELSE (SELECT string_agg(format('%s is %s, not %s', key, coalesce(a.value, 'null'), coalesce(b.value, 'null')), ', ' ORDER BY key)
                  FROM jsonb_each_text(to_jsonb(s)) a JOIN jsonb_each_text(to_jsonb(n)) b USING (key)
                  WHERE a.value IS DISTINCT FROM b.value) END,
       count(*) OVER ()
FROM stored s FULL JOIN state n USING (account_id, region, slice)
WHERE s.* IS DISTINCT FROM n.*
ORDER BY account_id, region, slice LIMIT $2`

// CheckSources compares the rows that hub.source has of a category with what the runs say,
// and returns how many differ, and the first limit of them. The transaction must see one
// moment (repeatable read), and is only read. It looks at the newest runs of every source.
func CheckSources(ctx context.Context, tx pgx.Tx, category string, limit int) (n int64, differ []DifferingSource,
	err error) {
	rows, err := tx.Query(ctx, checkSourcesSQL, category, max(limit, 1))
	if err != nil {
		return 0, nil, fmt.Errorf("load: check sources of %s: %w", category, err)
	}
	var d DifferingSource
	_, err = pgx.ForEachRow(rows, []any{&d.Scope.Category, &d.Scope.Account, &d.Scope.Region, &d.Scope.Slice,
		&d.Difference, &n}, func() error {
		differ = append(differ, d)
		return nil
	})
	if err != nil {
		return 0, nil, fmt.Errorf("load: check sources of %s: %w", category, err)
	}
	return n, differ[:min(len(differ), limit)], nil
}
