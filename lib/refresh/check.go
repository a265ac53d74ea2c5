package refresh

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// SummaryCheck is how a summary compares with its live view.
type SummaryCheck struct {
	// Name with its schema.
	Name string
	// Rows of the summary.
	Rows int64
	// Waiting says that the summary was not compared: it was never filled, its last
	// refresh failed, or a change waits that may be in any account and region.
	Waiting bool
	// WaitingScopes is how many accounts and regions were left out, because a change of
	// them waits.
	WaitingScopes int64
	// Missing rows are those that the live view has and the summary lacks, Extra ones
	// the reverse. A row with another value is both.
	Missing, Extra int64
	// Examples are the first of them, as people read them.
	Examples []string
}

// Differences is how many rows the summary lacks or has too many.
func (c SummaryCheck) Differences() int64 { return c.Missing + c.Extra }

// CheckSummaries compares every installed summary with its live view and returns them by
// name, with at most limit examples each. What a mark waits for is no difference: it is
// left out. The transaction must see one moment (repeatable read), and is only read. It
// costs what the live views cost, which read their tables.
func CheckSummaries(ctx context.Context, tx pgx.Tx, limit int) ([]SummaryCheck, error) {
	installed, err := collect[bool](ctx, tx, "SELECT to_regclass('hub.view_dependency') IS NOT NULL")
	if err != nil {
		return nil, fmt.Errorf("refresh: find summaries: %w", err)
	}
	checks := []SummaryCheck{}
	if !installed[0] {
		return checks, nil // nobody has installed views
	}
	rows, err := tx.Query(ctx, checkedSummariesSQL)
	if err != nil {
		return nil, fmt.Errorf("refresh: find summaries: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[checkedSummary])
	if err != nil {
		return nil, fmt.Errorf("refresh: find summaries: %w", err)
	}
	for _, s := range found {
		check, err := s.check(ctx, tx, limit)
		if err != nil {
			return nil, fmt.Errorf("refresh: compare %s with its live view: %w", s.Name, err)
		}
		checks = append(checks, check)
	}
	return checks, nil
}

// checkedSummary is an installed summary, with what waits for it.
type checkedSummary struct {
	Name, File        string
	Waiting           bool
	Accounts, Regions []string
}

const checkedSummariesSQL = `
WITH mark AS (
    SELECT DISTINCT ` + markedRelation + ` AS relation, account_id, region FROM (SELECT table_name AS name, account_id, region FROM hub.dirty) m
), marked AS (
    SELECT DISTINCT d.view, m.account_id, m.region FROM mark m JOIN hub.view_dependency d USING (relation)
)
SELECT i.view_name, split_part(i.view_name, '.', 2),
       bool_or(r.refreshed_at IS NULL OR r.error IS NOT NULL OR m.view IS NOT NULL AND m.account_id IS NULL),
       coalesce(array_agg(m.account_id) FILTER (WHERE m.account_id IS NOT NULL), '{}'),
       coalesce(array_agg(m.region) FILTER (WHERE m.account_id IS NOT NULL), '{}')
FROM hub.installed_view i
LEFT JOIN hub.view_refresh r USING (view_name)
LEFT JOIN marked m ON m.view = to_regclass('live.' || split_part(i.view_name, '.', 2))
WHERE i.file_sha256 IS NOT NULL
GROUP BY i.view_name
ORDER BY i.view_name`

func (s checkedSummary) check(ctx context.Context, tx pgx.Tx, limit int) (SummaryCheck, error) {
	f := summaryFile{name: s.File}
	c := SummaryCheck{Name: s.Name, Waiting: s.Waiting, WaitingScopes: int64(len(s.Accounts)), Examples: []string{}}
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+f.table()).Scan(&c.Rows); err != nil || s.Waiting {
		return c, err
	}
	const waiting = " v WHERE NOT EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS w (account_id, region)" +
		" WHERE w.account_id = v.account_id AND w.region = v.region)"
	rows, err := tx.Query(ctx, `
		WITH live AS MATERIALIZED (SELECT * FROM `+f.live()+waiting+`),
		     stored AS MATERIALIZED (SELECT * FROM `+f.table()+waiting+`),
		     difference AS MATERIALIZED (
		         SELECT true AS missing, m::text AS content FROM (SELECT * FROM live EXCEPT ALL SELECT * FROM stored) m
		         UNION ALL
		         SELECT false, e::text FROM (SELECT * FROM stored EXCEPT ALL SELECT * FROM live) e)
		SELECT missing, count(*), (array_agg(content ORDER BY content))[:$3] FROM difference GROUP BY missing ORDER BY missing DESC`,
		s.Accounts, s.Regions, limit)
	if err != nil {
		return c, err
	}
	var missing bool
	var n int64
	var contents []string
	_, err = pgx.ForEachRow(rows, []any{&missing, &n, &contents}, func() error {
		text, count := "has too many: ", &c.Extra
		if missing {
			text, count = "lacks: ", &c.Missing
		}
		*count = n
		for _, content := range contents {
			c.Examples = append(c.Examples, text+content)
		}
		return nil
	})
	c.Examples = c.Examples[:min(len(c.Examples), limit)]
	return c, err
}
