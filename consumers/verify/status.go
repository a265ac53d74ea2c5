package verify

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/schema"
)

// Status is what is in a database.
type Status struct {
	// Categories by name, and what the database holds of others.
	Categories []CategoryStatus `json:"categories"`
	// Sources are accounts and regions without fresh data.
	Sources []Source `json:"not_fresh"`
	// Coverage says in how many accounts each category is in which state.
	Coverage []Coverage `json:"coverage"`
	Shards   []Shard    `json:"shards"`
	Gaps     []Gap      `json:"gaps"`
	Views    []View     `json:"views"`
	// CountedRejects are rejects that are counted and not stored.
	CountedRejects []CountedRejects `json:"counted_rejects"`
	// Unknown are keys of rows that have no column, seen lately.
	Unknown []UnknownKey `json:"unknown_keys"`
}

// CategoryStatus is one category. The counts from Runs to Gone are of the runs
// that something arrived of lately.
type CategoryStatus struct {
	Category    string     `json:"category"`
	Live        int64      `json:"live_rows"`
	Scopes      int64      `json:"scopes"`
	Runs        int64      `json:"runs"`
	Incomplete  int64      `json:"incomplete_runs"`
	Rows        int64      `json:"rows"`
	New         int64      `json:"new_rows"`
	Changed     int64      `json:"changed_rows"`
	Gone        int64      `json:"gone_rows"`
	NewestRun   *time.Time `json:"newest_run"`
	Completed   *time.Time `json:"newest_complete_run"`
	LastApplied *time.Time `json:"last_applied"`
	Rejects     int64      `json:"rejects"`
	Parked      int64      `json:"parked"`
	// Requests to AWS that these runs took, as far as their ends say it.
	Requests int64 `json:"requests"`
	// UnchangedRuns found their scope as its newest complete run did; Runs has none of them.
	UnchangedRuns int64 `json:"unchanged_runs"`
}

// Shard is how far a shard of a stream was applied.
type Shard struct {
	Stream string `json:"stream"`
	// Created tells streams of one name apart: only the newest can still be read.
	Created  time.Time  `json:"stream_created"`
	Shard    string     `json:"shard"`
	Sequence string     `json:"sequence_number"`
	Ended    bool       `json:"ended"`
	Arrived  *time.Time `json:"arrived"`
	// Lag is the time since Arrived; null where the shard has ended or nothing came.
	Lag *float64 `json:"lag_seconds"`
}

// Gap is a stretch of a shard that the stream lost.
type Gap struct {
	Stream   string    `json:"stream"`
	Created  time.Time `json:"stream_created"`
	Shard    string    `json:"shard"`
	After    string    `json:"after_sequence_number"`
	Until    string    `json:"until_sequence_number"`
	Reason   string    `json:"reason"`
	Detected time.Time `json:"detected"`
	// Since is when the stream stored the last record before the gap; null if none
	// was applied.
	Since *time.Time `json:"since"`
}

// UnknownKey is a key of rows that has no column.
type UnknownKey struct {
	Category string `json:"category"`
	// Key as the sender wrote it, cut; "" stands for all beyond a number of them.
	Key    string    `json:"key"`
	Values int64     `json:"values"`
	Seen   time.Time `json:"seen"`
}

// View is a materialized view or a summary, and its last refresh.
type View struct {
	View      string     `json:"view"`
	Refreshed *time.Time `json:"refreshed"`
	Millis    *int64     `json:"duration_ms"`
	Refreshes int64      `json:"refreshes"`
	Error     *string    `json:"error"`
}

// Source is what is collected somewhere and is not fresh, as the view freshness has it.
type Source struct {
	Category string `json:"category"`
	Account  string `json:"account_id"`
	Region   string `json:"region"`
	Slice    string `json:"slice"`
	// Status is failing, stale or never complete; the latter two are red.
	Status string `json:"status"`
	Red    bool   `json:"red"`
	// Complete is the start of the newest complete run; null if none was.
	Complete *time.Time `json:"newest_complete_run"`
	// Reason why the newest run is not complete; "" if it is.
	Reason string `json:"reason"`
}

// Coverage is how many accounts have a category in one state, as the view coverage has it.
type Coverage struct {
	// Status is fresh, off, failing, stale, never complete, denied, never seen or, for
	// accounts of the organization that are not collected, no spoke.
	Status string `json:"status"`
	// Category; all with the status no spoke.
	Category string `json:"category"`
	Accounts int64  `json:"accounts"`
	// AccountIDs are the first 100 of them where it is denied or there is no spoke, which
	// somebody can mend.
	AccountIDs []string `json:"account_ids,omitempty"`
}

// CountedRejects is how many rejects of an account and reason were only counted.
type CountedRejects struct {
	Account string     `json:"account_id"`
	Reason  string     `json:"reason"`
	Stored  int64      `json:"stored"`
	Counted int64      `json:"counted"`
	Last    *time.Time `json:"last"`
}

const categoriesSQL = `
WITH scopes AS (
    SELECT category, sum(live_rows) FILTER (WHERE live_rows > 0) AS live, bool_or(live_rows < 0) AS unknown, count(*) AS scopes,
           max(unchanged_at) AS seen, sum(unchanged_runs) FILTER (WHERE unchanged_at > now() - $1::interval) AS unchanged,
           sum(unchanged_requests) FILTER (WHERE unchanged_at > now() - $1::interval) AS requests
    FROM hub.scope GROUP BY category
), scope_runs AS ( -- before it is joined: a scope has many runs
    SELECT scope, max(collected_at) AS newest, max(collected_at) FILTER (WHERE completed_at IS NOT NULL) AS completed,
           max(updated_at) AS applied,
           count(*) FILTER (WHERE recent) AS runs, count(*) FILTER (WHERE recent AND completed_at IS NULL) AS incomplete,
           sum(rows) FILTER (WHERE recent) AS rows, sum(new_rows) FILTER (WHERE recent) AS new,
           sum(changed_rows) FILTER (WHERE recent) AS changed, sum(gone_rows) FILTER (WHERE recent) AS gone,
           sum(requests) FILTER (WHERE recent) AS requests
    FROM (SELECT *, updated_at > now() - $1::interval AS recent FROM hub.run) r
    GROUP BY scope
), runs AS (
    SELECT s.category, max(r.newest) AS newest, max(r.completed) AS completed, max(r.applied) AS applied,
           sum(r.runs)::bigint AS runs, sum(r.incomplete)::bigint AS incomplete, sum(r.rows)::bigint AS rows, sum(r.new)::bigint AS new,
           sum(r.changed)::bigint AS changed, sum(r.gone)::bigint AS gone, sum(r.requests)::bigint AS requests
    FROM scope_runs r JOIN hub.scope s USING (scope)
    GROUP BY s.category
), rejects AS (
    SELECT category, count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'parked') AS parked
    FROM hub.reject GROUP BY category
)
SELECT category, CASE WHEN unknown THEN -1 ELSE coalesce(live, 0) END, coalesce(scopes, 0),
       coalesce(runs, 0), coalesce(incomplete, 0), coalesce(rows, 0), coalesce(new, 0), coalesce(changed, 0), coalesce(gone, 0),
       greatest(newest, seen), greatest(completed, seen), applied, coalesce(open, 0), coalesce(parked, 0),
       coalesce(runs.requests, 0) + coalesce(scopes.requests, 0)::bigint, coalesce(unchanged, 0)::bigint
FROM unnest($2::text[]) AS known (category)
FULL JOIN scopes USING (category) LEFT JOIN runs USING (category) FULL JOIN rejects USING (category)
ORDER BY category`

// ReadStatus reads the status. The categories of tables are in it even if nothing came of
// them. What arrived within since is counted.
func ReadStatus(
	ctx context.Context, pool *pgxpool.Pool, tables []*schema.Table, since time.Duration,
) (s Status, err error) {
	known := map[string]bool{}
	var names []string
	for _, t := range tables {
		known[t.Name()] = true
		names = append(names, t.Name())
	}
	if s.Categories, err = list[CategoryStatus](ctx, pool, categoriesSQL, since, names); err != nil {
		return s, err
	}
	for i, c := range s.Categories {
		if c.Live >= 0 || !known[c.Category] {
			continue
		}
		// A fallback of the loader has lost count of a scope.
		err := pool.QueryRow(ctx, "SELECT count(*) FROM obs."+c.Category+
			" WHERE deleted_at IS NULL").Scan(&s.Categories[i].Live)
		if err != nil {
			return s, err
		}
	}
	if s.Sources, err = readSources(ctx, pool); err != nil {
		return s, err
	}
	if s.Coverage, err = readCoverage(ctx, pool); err != nil {
		return s, err
	}
	if s.Shards, err = list[Shard](ctx, pool, `
		SELECT stream, stream_created_at, shard, CASE WHEN sequence_number < 0 THEN '' ELSE sequence_number::text END, ended, arrived_at,
		       CASE WHEN NOT ended THEN greatest(extract(epoch FROM now() - arrived_at), 0)::float8 END
		FROM hub.shard_progress ORDER BY stream, stream_created_at, shard`); err != nil {
		return s, err
	}
	if s.Gaps, err = list[Gap](ctx, pool, `
		SELECT stream, stream_created_at, shard, after_sequence, until_sequence, reason, detected_at, after_arrived_at FROM hub.gap ORDER BY detected_at`); err != nil {
		return s, err
	}
	if s.CountedRejects, err = ReadCountedRejects(ctx, pool, nil); err != nil {
		return s, err
	}
	if s.Unknown, err = list[UnknownKey](ctx, pool, `
		SELECT category, key, count, seen_at FROM hub.unknown_key
		WHERE seen_at > now() - $1::interval ORDER BY category, key = '', count DESC, key`, since); err != nil {
		return s, err
	}
	s.Views, err = list[View](ctx, pool, `
		SELECT view_name, refreshed_at, duration_ms, refreshes, error FROM hub.view_refresh ORDER BY view_name`)
	return s, err
}

// readSources returns what is not fresh, red ones first; never nil. It finds nothing
// where the views are not installed.
func readSources(ctx context.Context, pool *pgxpool.Pool) ([]Source, error) {
	if installed, err := viewExists(ctx, pool, "freshness"); err != nil || !installed {
		return []Source{}, err
	}
	return list[Source](ctx, pool, `
		SELECT category, account_id, region, slice, status, red, complete_run_at, reason FROM public.freshness
		WHERE status NOT IN ('fresh', 'disabled') ORDER BY red DESC, category, account_id, region, slice`)
}

// readCoverage returns what is collected and what is not, by state and category; never nil.
// It finds nothing where the views are not installed.
func readCoverage(ctx context.Context, pool *pgxpool.Pool) ([]Coverage, error) {
	if installed, err := viewExists(ctx, pool, "coverage"); err != nil || !installed {
		return []Coverage{}, err
	}
	return list[Coverage](ctx, pool, `
		SELECT status, category, count(*),
		       CASE WHEN status IN ('denied', 'no spoke') THEN (array_agg(account_id ORDER BY account_id))[:100] END
		FROM public.coverage GROUP BY status, category ORDER BY status, count(*) DESC, category`)
}

func viewExists(ctx context.Context, pool *pgxpool.Pool, name string) (exists bool, err error) {
	err = pool.QueryRow(ctx, "SELECT to_regclass('public.' || $1::text) IS NOT NULL", name).Scan(&exists)
	return exists, err
}

// ReadCountedRejects returns the most frequent of those that were only counted; no
// accounts stand for all.
func ReadCountedRejects(ctx context.Context, pool *pgxpool.Pool, accounts []string) ([]CountedRejects, error) {
	return list[CountedRejects](ctx, pool, `SELECT account_id, reason, open, counted, counted_at FROM hub.reject_count
		WHERE counted > 0 AND ($1::text[] IS NULL OR account_id = ANY ($1)) ORDER BY counted DESC, account_id, reason LIMIT 20`, accounts)
}

// list returns the rows of a query as values of T, field by field; never nil.
func list[T any](ctx context.Context, db interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}, sql string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}
