package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/schema"
)

// verifyCommand checks that nothing was lost or doubled.
type verifyCommand struct {
	databaseFlags
	program.OutputFlag
	program.WideFlag
	Against  *string  `placeholder:"URL" xor:"what" help:"Second database. Without it the bookkeeping of the first is checked."`
	Content  bool     `xor:"what" help:"Check whether each live row is as it was sent: does its hash fit its columns?"`
	Category []string `placeholder:"NAME" help:"Category; repeat it or separate with commas. Defaults to all."`
	Limit    int      `default:"10" help:"How many differences of each kind are named."`
}

// Help is shown by 'hub verify -h'.
func (verifyCommand) Help() string {
	return `Without --against: for every run, the rows and parts that arrived must be those that its end
names (more were doubled, fewer were lost or did not arrive yet), no row of a run that is newer
than the last complete one may have been rejected, what the bookkeeping says is live must be
what the tables hold, and no gap may be noted. A run that was lost whole, its end too, cannot
be seen here; that is what gaps are for.

With --against: the live rows of two databases must be the same, by key and content. Their
columns are compared by digests, which each server computes, then row by row where digests
differ.

  hub verify --against postgres://hub@replayed.example.com/observability

With --content: the key and the hash of every live row must be those of its columns. They
differ where somebody else has changed the row. This reads all rows.

What is found is named, and the last lines say what to do about it. --wide shows each kind
of difference in a column of its own. Exit code 3 if there are differences.`
}

// Run verifies.
func (c verifyCommand) Run(ctx context.Context, p program.Program) error {
	chosen, err := categories(c.Category)
	if err != nil {
		return err
	}
	if c.Against != nil && *c.Against == "" {
		return program.Usagef("--against is empty: give the URL of the second database")
	}
	pool, err := c.openReady(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := requireFit(ctx, pool, chosen); err != nil {
		return err
	}
	switch {
	case c.Content:
		return c.content(ctx, p, pool, chosen)
	case c.Against == nil:
		return c.account(ctx, p, pool, chosen)
	}
	other, err := open(ctx, *c.Against, 1)
	if err != nil {
		return fmt.Errorf("--against: %w", err)
	}
	defer other.Close()
	if err := requireBookkeeping(ctx, other); err != nil {
		return fmt.Errorf("--against: %w, with --database-url of that database", err)
	}
	if err := requireFit(ctx, other, chosen); err != nil {
		return fmt.Errorf("--against: %w", err)
	}
	return c.compare(ctx, p, pool, other, chosen)
}

// snapshot calls f with a transaction that sees one moment of the database.
func snapshot(ctx context.Context, pool *pgxpool.Pool, f func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
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

// accountJSON is the accounting of one category as `-o json` prints it: an
// interface, add only.
type accountJSON struct {
	Category string `json:"category"`
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
	// Live rows of the table, and scopes whose live rows are not those that the
	// bookkeeping has.
	Live   int64 `json:"live_rows"`
	Scopes int64 `json:"differing_scopes"`
	// Examples of what differs.
	Examples []string `json:"examples"`
}

func (a accountJSON) equal() bool { return a.differences() == 0 }

// accountSQL compares runs with their ends and with their parts.
const accountSQL = `
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

const accountSumSQL = accountSQL + `
SELECT count(*) FILTER (WHERE verdict <> 'open'), count(*) FILTER (WHERE verdict = 'open'),
       coalesce(sum(rows) FILTER (WHERE verdict <> 'open'), 0), coalesce(sum(end_rows) FILTER (WHERE verdict <> 'open'), 0),
       count(*) FILTER (WHERE verdict = 'doubled'), count(*) FILTER (WHERE verdict = 'missing'),
       count(*) FILTER (WHERE verdict = 'refused'), count(*) FILTER (WHERE inconsistent), count(*) FILTER (WHERE rejected)
FROM judged`

const accountExamplesSQL = accountSQL + `
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

// account checks the bookkeeping of one database.
func (c verifyCommand) account(ctx context.Context, p program.Program, pool *pgxpool.Pool, tables []*schema.Table) error {
	results := []accountJSON{}
	var gaps int
	err := snapshot(ctx, pool, func(tx pgx.Tx) error {
		for _, t := range tables {
			a, err := c.accountOf(ctx, tx, t)
			if err != nil {
				return fmt.Errorf("check category %s: %w", t.Name(), err)
			}
			results = append(results, a)
		}
		return tx.QueryRow(ctx, "SELECT count(*) FROM hub.gap").Scan(&gaps)
	})
	if err != nil {
		return err
	}
	equal := true
	for _, a := range results {
		equal = equal && a.equal()
	}
	if c.JSON() {
		if err := program.WriteJSON(p.Stdout, results); err != nil {
			return err
		}
	} else {
		printAccounts(p, results, gaps, c.Wide)
	}
	switch {
	case !equal:
		return program.Partlyf("the database does not add up")
	case gaps > 0:
		return program.Partlyf("%d gaps are noted, where records were lost to the stream: hub status says what to replay", gaps)
	}
	return nil
}

func (c verifyCommand) accountOf(ctx context.Context, tx pgx.Tx, t *schema.Table) (accountJSON, error) {
	a := accountJSON{Category: t.Name(), Examples: []string{}}
	err := tx.QueryRow(ctx, accountSumSQL, t.Name()).Scan(&a.Runs, &a.Open, &a.Rows, &a.End, &a.Doubled, &a.Missing, &a.Refused, &a.Inconsistent, &a.Rejected)
	if err != nil {
		return a, err
	}
	if !a.equal() {
		rows, err := tx.Query(ctx, accountExamplesSQL, t.Name(), c.Limit)
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
			if a.Scopes++; a.Scopes <= int64(c.Limit) {
				scope := schema.Scope{Category: t.Name(), Account: account, Region: region, Slice: slice}
				a.Examples = append(a.Examples, fmt.Sprintf("scope %v: %d rows are live, the bookkeeping has %d, or others", scope, live, noted))
			}
		}
		return nil
	})
	return a, err
}

// differences is how many runs and scopes are not as they should be. A run may
// count more than once.
func (a accountJSON) differences() int64 {
	return a.Doubled + a.Missing + a.Refused + a.Inconsistent + a.Rejected + a.Scopes
}

func printAccounts(p program.Program, results []accountJSON, gaps int, wide bool) {
	header := []any{"category", "runs", "open", "rows arrived", "live rows", "differences"}
	if wide {
		header = append(header, "rows of ends", "doubled", "missing", "refused", "inconsistent", "rejected", "scopes that differ")
	}
	t := program.NewTable(p.Stdout, header...)
	var sum accountJSON
	for _, a := range results {
		row := table.Row{a.Category, a.Runs, a.Open, a.Rows, a.Live, a.differences()}
		if wide {
			row = append(row, a.End, a.Doubled, a.Missing, a.Refused, a.Inconsistent, a.Rejected, a.Scopes)
		}
		t.AppendRow(row)
		sum = sum.plus(a)
	}
	t.Render()
	for _, a := range results {
		for _, example := range a.Examples {
			say(p, "%s: %s", a.Category, program.Cut(example, 300))
		}
	}
	for _, line := range sum.verdict(gaps) {
		say(p, "%s", line)
	}
}

func (a accountJSON) plus(b accountJSON) accountJSON {
	return accountJSON{
		Runs: a.Runs + b.Runs, Open: a.Open + b.Open, Rows: a.Rows + b.Rows, Doubled: a.Doubled + b.Doubled, Missing: a.Missing + b.Missing,
		Refused: a.Refused + b.Refused, Inconsistent: a.Inconsistent + b.Inconsistent, Rejected: a.Rejected + b.Rejected, Scopes: a.Scopes + b.Scopes,
	}
}

// verdict says whether all is right, and what to do if it is not.
func (a accountJSON) verdict(gaps int) []string {
	if a.differences() == 0 && gaps == 0 {
		text := fmt.Sprintf("All is right: nothing of %d runs with %d rows was lost or doubled.", a.Runs, a.Rows)
		if a.Open > 0 {
			text += fmt.Sprintf(" Of %d more the end has not arrived; while spokes are at work that is usual.", a.Open)
		}
		return []string{text}
	}
	lines := []string{"Not all is right:"}
	for _, d := range []struct {
		n    int64
		text string
	}{
		{a.Missing, "runs lack rows or parts. If none arrived for a minute, they are lost to the stream: replay the archive of those days, hub replay --from … --to …"},
		{a.Refused, "runs lack parts that were refused: hub rejects list says why"},
		{a.Rejected, "runs have rejected rows, so that their scopes keep what they had: hub rejects list says why"},
		{a.Doubled, "runs have more than their end names: their sender uses a run id twice"},
		{a.Inconsistent, "runs do not have the parts that they count: the bookkeeping was changed by hand, or this is a bug"},
		{a.Scopes, "scopes have other live rows than the bookkeeping says: a table was changed by hand, or this is a bug. Replay the archive into an empty database and compare: hub verify --against URL"},
		{int64(gaps), "gaps are noted, where records were lost to the stream: hub status says what to replay"},
	} {
		if d.n > 0 {
			lines = append(lines, fmt.Sprintf("- %d %s", d.n, d.text))
		}
	}
	return lines
}
