package refresh

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// schedule says which summary or materialized view is refreshed next: each as soon as what it
// depends on is up to date, the cheapest first.
type schedule map[string]*item

// item is a summary or a materialized view.
type item struct {
	Name string // with its schema
	// LastMS is how long its last refresh took, in milliseconds.
	LastMS int64
	// Filled is false for a summary that was never filled. What depends on it waits: it would
	// show nothing.
	Filled bool
	// Failed: a change does not make it due, as it is tried again anyway.
	Failed bool
	// Due: it has to be refreshed.
	Due bool
	// Needs are the summaries and materialized views that it depends on, directly or not.
	Needs []string
	// summary has the scopes to refresh; nil: it is a materialized view, or not due.
	summary *summary
}

// selectItemsSQL lists summaries and materialized views. It tells which materialized views
// are due: all of them ($2), those that depend on the marked tables $1, and those that were
// never refreshed or failed more than $3 ago.
const selectItemsSQL = `
WITH dependency AS MATERIALIZED (
    SELECT view, relation FROM hub.view_dependency
), changed AS (
    SELECT DISTINCT ` + markedRelation + ` AS relation FROM unnest($1::text[]) AS name
), installed AS (
    SELECT c.oid, i.view_name, c.relkind = 'm' AS materialized, r.refreshed_at, r.error, r.error_at,
           coalesce(r.last_ms, 0) AS last_ms
    FROM hub.installed_view i
    JOIN pg_class c ON c.oid = to_regclass(i.view_name)
    LEFT JOIN hub.view_refresh r USING (view_name)
    WHERE c.relkind = 'm' OR i.file_sha256 IS NOT NULL
)
SELECT view_name, last_ms, materialized OR refreshed_at IS NOT NULL, error IS NOT NULL,
       materialized AND CASE
           WHEN $2 THEN true
           WHEN error IS NOT NULL
           THEN $3::interval = '0' OR error_at < now() - greatest($3::interval, ` + retryAfter + `)
           ELSE refreshed_at IS NULL
                OR EXISTS (SELECT FROM dependency d JOIN changed USING (relation) WHERE d.view = i.oid)
       END,
       ARRAY(SELECT n.view_name FROM dependency d JOIN installed n ON n.oid = d.relation WHERE d.view = i.oid)
FROM installed i`

// schedule makes the schedule of the summaries and views over what is marked, and of what the
// selection adds.
func (s *session) schedule(ctx context.Context, marks []mark, which selection) (schedule, error) {
	tables := make([]string, len(marks))
	for i, m := range marks {
		tables[i] = m.Table
	}
	items, err := collectBy(ctx, s.conn, pgx.RowToAddrOfStructByPos[item], selectItemsSQL, tables, which.all,
		which.failedBefore)
	if err != nil {
		return nil, fmt.Errorf("refresh: find views of changed tables: %w", err)
	}
	summaries, err := s.markedSummaries(ctx, marks, which)
	if err != nil {
		return nil, err
	}
	all := schedule{}
	for _, i := range items {
		all[i.Name] = i
	}
	for _, i := range items {
		if i.Due {
			all.follow(i.Name)
		}
	}
	for _, sum := range summaries {
		all[sum.Name].Due, all[sum.Name].summary = true, &sum
	}
	return all, nil
}

// follow makes due what depends on an item that changes.
func (all schedule) follow(name string) {
	for _, i := range all {
		if !i.Failed && slices.Contains(i.Needs, name) {
			i.Due = true
		}
	}
}

// next returns the cheapest item that is due and does not wait for another; nil: there is none.
func (all schedule) next() (next *item) {
	for _, i := range all {
		if i.Due && !all.waits(i) && (next == nil || all.cheaper(i, next)) {
			next = i
		}
	}
	return next
}

func (all schedule) cheaper(a, b *item) bool {
	return cmp.Or(cmp.Compare(all.cost(a), all.cost(b)), cmp.Compare(a.Name, b.Name)) < 0
}

// cost is how long it takes, in milliseconds, until people see something of an item. They mostly
// read the views over a summary, so the cheapest of these counts, too.
func (all schedule) cost(i *item) int64 {
	if i.summary == nil {
		return i.LastMS
	}
	var over []int64
	for _, v := range all {
		if slices.Contains(v.Needs, i.Name) {
			over = append(over, v.LastMS)
		}
	}
	if len(over) == 0 {
		return i.LastMS
	}
	return i.LastMS + slices.Min(over)
}

func (all schedule) waits(i *item) bool {
	return slices.ContainsFunc(i.Needs, func(name string) bool { return all[name].Due || !all[name].Filled })
}

// done notes that an item was refreshed, and whether its rows changed. An item that failed
// stays as it was.
func (all schedule) done(i *item, view View) {
	i.Due = false
	i.Filled = i.Filled || view.Err == nil
	if view.Changed > 0 {
		all.follow(i.Name)
	}
}
