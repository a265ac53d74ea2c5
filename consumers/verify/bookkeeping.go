package verify

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/lib/schema"
)

// Report says whether the bookkeeping of a database adds up.
type Report struct {
	// Categories in the order in which they were asked for.
	Categories []Category `json:"categories"`
	// Summaries by name; none where they were not asked for, or no views are installed.
	Summaries []Summary `json:"summaries"`
	// Gaps that are noted, where records were lost to the stream.
	Gaps int64 `json:"gaps"`
}

// Differences is how many runs, scopes, sources and rows of summaries are not as they should
// be.
func (r Report) Differences() (n int64) {
	for _, c := range r.Categories {
		n += c.Differences()
	}
	for _, s := range r.Summaries {
		n += s.Differences()
	}
	return n
}

// Category is the bookkeeping of one category.
type Category struct {
	// Name of the category.
	Name string `json:"category"`
	// Runs that have ended.
	Runs int64 `json:"runs"`
	// Open runs have not ended, or their end has not arrived: no difference.
	Open int64 `json:"open_runs"`
	// Rows that arrived in ended runs, and End rows that their ends name.
	Rows int64 `json:"rows"`
	End  int64 `json:"end_rows"`
	// Doubled, Missing and Refused are runs with more parts or rows than their end
	// names, with fewer, and with fewer because parts were refused and kept.
	Doubled int64 `json:"doubled_runs"`
	Missing int64 `json:"missing_runs"`
	Refused int64 `json:"refused_runs"`
	// Inconsistent runs do not have the parts that they count.
	Inconsistent int64 `json:"inconsistent_runs"`
	// Rejected are runs that are newer than the newest complete one of their scope,
	// and cannot be complete because rows of them were rejected.
	Rejected int64 `json:"rejected_runs"`
	// Live rows of the table, and scopes with other live rows than the bookkeeping has.
	Live   int64 `json:"live_rows"`
	Scopes int64 `json:"differing_scopes"`
	// Sources are those with other values in hub.source than their runs say.
	Sources int64 `json:"differing_sources"`
	// Examples of what differs.
	Examples []string `json:"examples"`
}

// runsSQL compares runs with their ends and with their parts.
const runsSQL = `
WITH run AS (
    SELECT r.*, s.account_id, s.region, s.slice, r.rejects > 0 AND coalesce(r.run > s.full_run, true) AS rejected
    FROM hub.run r JOIN hub.scope s USING (scope) WHERE s.category = $1
), part AS (
    SELECT p.scope, p.run, count(*) AS parts, sum(p.rows) AS rows
    FROM hub.run_part p JOIN hub.scope s USING (scope) WHERE s.category = $1 GROUP BY p.scope, p.run
), refused AS (
    SELECT run, count(*) AS parts FROM hub.reject
    WHERE category = $1 AND run IS NOT NULL AND row_number IS NULL AND (part IS NOT NULL OR state = 'parked') GROUP BY run
), judged AS (
    SELECT r.*,
        CASE WHEN r.outcome IS NULL THEN 'open'
             WHEN r.rows > r.end_rows OR r.parts > r.end_parts OR r.last_part >= r.end_parts THEN 'doubled'
             WHEN r.rows = r.end_rows AND r.parts = r.end_parts THEN 'equal'
             WHEN r.parts < r.end_parts AND r.parts + f.parts >= r.end_parts THEN 'refused'
             ELSE 'missing' END AS verdict,
        r.parts <> coalesce(p.parts, 0) OR r.rows <> coalesce(p.rows, 0) AS inconsistent
    FROM run r LEFT JOIN part p USING (scope, run) LEFT JOIN refused f USING (run)
)`

const countRunsSQL = runsSQL + `
SELECT count(*) FILTER (WHERE verdict <> 'open'), count(*) FILTER (WHERE verdict = 'open'),
       coalesce(sum(rows) FILTER (WHERE verdict <> 'open'), 0), coalesce(sum(end_rows) FILTER (WHERE verdict <> 'open'), 0),
       count(*) FILTER (WHERE verdict = 'doubled'), count(*) FILTER (WHERE verdict = 'missing'),
       count(*) FILTER (WHERE verdict = 'refused'), count(*) FILTER (WHERE inconsistent), count(*) FILTER (WHERE rejected)
FROM judged`

const exampleRunsSQL = runsSQL + `
SELECT format('run %s of %s/%s%s: %s: %s rows in %s parts arrived, its end names %s in %s%s', run, account_id, region,
              CASE WHEN slice <> '' THEN '/' || slice END, verdict, rows, parts, coalesce(end_rows::text, '?'), coalesce(end_parts::text, '?'),
              concat(CASE WHEN inconsistent THEN '; its stored parts say something else' END,
                     CASE WHEN rejected THEN format('; %s rows were rejected: hub rejects list', rejects) END))
FROM judged WHERE verdict NOT IN ('open', 'equal') OR inconsistent OR rejected ORDER BY run LIMIT $2`

// liveSQL compares the live rows of a table with the fingerprints of hub.scope.
// A live_rows of -1 says that the loader has lost count, which is no difference.
func liveSQL(t *schema.Table) string {
	slice := "''"
	if i := t.SliceColumn(); i >= 0 {
		slice = t.Columns()[i].Name + "::text"
	}
	return fmt.Sprintf(`
WITH live AS (
    SELECT account_id, region, %s AS slice, count(*) AS rows,
           bit_xor(('x' || substr(replace(row_key::text, '-', ''), 17))::bit(64)::bigint) AS fingerprint
    FROM obs.%s WHERE deleted_at IS NULL GROUP BY 1, 2, 3
)
SELECT account_id, region, slice, coalesce(l.rows, 0), coalesce(s.live_rows, 0),
       coalesce(s.live_rows, 0) >= 0 AND (coalesce(l.rows, 0), coalesce(l.fingerprint, 0)) <> (coalesce(s.live_rows, 0), coalesce(s.live_xor, 0))
FROM live l FULL JOIN (SELECT * FROM hub.scope WHERE category = $1) s USING (account_id, region, slice)
ORDER BY 1, 2, 3`, slice, t.Name())
}

// Differences is how many runs, scopes and sources are not as they should be. A run may
// count more than once.
func (a Category) Differences() int64 {
	return a.Doubled + a.Missing + a.Refused + a.Inconsistent + a.Rejected + a.Scopes + a.Sources
}

// Summary is how a summary compares with the view that it is computed from.
type Summary struct {
	// Name with its schema.
	Name string `json:"summary"`
	Rows int64  `json:"rows"`
	// Waiting summaries were not compared, because they are not up to date: it was never
	// filled, its last refresh failed, or a change waits that may be anywhere.
	Waiting bool `json:"waiting"`
	// WaitingScopes are accounts and regions that were left out, because a change of them
	// waits.
	WaitingScopes int64 `json:"waiting_scopes"`
	// Missing rows are those that the summary should have, Extra those that it should not.
	Missing int64 `json:"missing_rows"`
	Extra   int64 `json:"extra_rows"`
	// Examples of what differs.
	Examples []string `json:"examples"`
}

// Differences is how many rows are missing or too many.
func (s Summary) Differences() int64 { return s.Missing + s.Extra }

// Check checks the bookkeeping of a database: for every run of the tables, the rows and
// parts that arrived must be those that its end names, what the bookkeeping says is
// live must be what the tables hold, and what it says of each source what its runs say. At
// most limit differences of each kind are named.
func Check(ctx context.Context, pool *pgxpool.Pool, tables []*schema.Table, limit int) (Report, error) {
	r := Report{Categories: []Category{}, Summaries: []Summary{}}
	err := atOneMoment(ctx, pool, func(tx pgx.Tx) error {
		for _, t := range tables {
			c, err := checkCategory(ctx, tx, t, limit)
			if err != nil {
				return fmt.Errorf("check category %s: %w", t.Name(), err)
			}
			r.Categories = append(r.Categories, c)
		}
		return tx.QueryRow(ctx, "SELECT count(*) FROM hub.gap").Scan(&r.Gaps)
	})
	return r, err
}

// Summaries compares each summary with its view, which is computed for that. At most
// limit rows of each that differ are named. What waits to be refreshed is no difference.
func Summaries(ctx context.Context, pool *pgxpool.Pool, limit int) ([]Summary, error) {
	summaries := []Summary{}
	err := atOneMoment(ctx, pool, func(tx pgx.Tx) error {
		checks, err := refresh.CheckSummaries(ctx, tx, limit)
		for _, c := range checks {
			summaries = append(summaries, Summary(c))
		}
		return err
	})
	return summaries, err
}

func checkCategory(ctx context.Context, tx pgx.Tx, t *schema.Table, limit int) (Category, error) {
	a := Category{Name: t.Name(), Examples: []string{}}
	err := tx.QueryRow(ctx, countRunsSQL, t.Name()).Scan(&a.Runs, &a.Open, &a.Rows, &a.End, &a.Doubled, &a.Missing,
		&a.Refused, &a.Inconsistent, &a.Rejected)
	if err != nil {
		return a, err
	}
	if a.Differences() > 0 {
		rows, err := tx.Query(ctx, exampleRunsSQL, t.Name(), limit)
		if err != nil {
			return a, err
		}
		if a.Examples, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return a, err
		}
	}
	rows, err := tx.Query(ctx, liveSQL(t), t.Name())
	if err != nil {
		return a, err
	}
	var account, region, slice string
	var live, noted int64
	var differs bool
	_, err = pgx.ForEachRow(rows, []any{&account, &region, &slice, &live, &noted, &differs}, func() error {
		a.Live += live
		if differs {
			if a.Scopes++; a.Scopes <= int64(limit) {
				scope := schema.Scope{Category: t.Name(), Account: account, Region: region, Slice: slice}
				a.Examples = append(a.Examples, fmt.Sprintf("scope %v: %d rows are live, the bookkeeping has %d, or others", scope,
					live, noted))
			}
		}
		return nil
	})
	if err != nil {
		return a, err
	}
	n, sources, err := load.CheckSources(ctx, tx, t.Name(), limit)
	a.Sources = n
	for _, s := range sources {
		a.Examples = append(a.Examples, fmt.Sprintf("source %v: %s", s.Scope, s.Difference))
	}
	return a, err
}
