package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// Progress returns how far a shard has been applied; the zero Position for a
// shard that was never seen.
func (l *Loader) Progress(ctx context.Context, s Shard) (stream.Position, error) {
	var p stream.Position
	err := l.pool.QueryRow(ctx, `
		SELECT CASE WHEN sequence_number >= 0 THEN sequence_number::text ELSE '' END, ended FROM hub.shard_progress
		WHERE stream = $1 AND stream_created_at = $2 AND shard = $3`, s.Stream, s.Created, s.ID).Scan(&p.Sequence, &p.Ended)
	if errors.Is(err, pgx.ErrNoRows) {
		return stream.Position{}, nil
	}
	if err != nil {
		return p, fmt.Errorf("load: progress of shard %s: %w", s.ID, err)
	}
	return p, nil
}

// StoreGap records that records of a shard were lost to the stream. The same gap
// is stored once.
func (l *Loader) StoreGap(ctx context.Context, s Shard, g stream.Gap) error {
	_, err := l.pool.Exec(ctx, `
		INSERT INTO hub.gap (stream, stream_created_at, shard, after_sequence, until_sequence, reason, after_arrived_at)
		SELECT $1, $2, $3, $4, $5, $6,
		       (SELECT arrived_at FROM hub.shard_progress WHERE (stream, stream_created_at, shard) = ($1, $2, $3))
		WHERE NOT EXISTS (SELECT FROM hub.gap WHERE (stream, stream_created_at, shard, after_sequence) = ($1, $2, $3, $4))`,
		s.Stream, s.Created, s.ID, g.After, g.Until, g.Reason)
	if err != nil {
		return fmt.Errorf("load: store gap of shard %s: %w", s.ID, err)
	}
	return nil
}

// StoreStream notes how long a stream keeps records. Call it at least once a day
// while the stream is consumed.
func (l *Loader) StoreStream(ctx context.Context, stream string, created time.Time, retention time.Duration) error {
	_, err := l.pool.Exec(ctx, `
		INSERT INTO hub.stream (stream, stream_created_at, retention) VALUES ($1, $2, $3)
		ON CONFLICT (stream, stream_created_at) DO UPDATE SET retention = excluded.retention, seen_at = now()`, stream, created, retention)
	if err != nil {
		return fmt.Errorf("load: store retention of stream %s: %w", stream, err)
	}
	return nil
}

// Retention returns the longest time for which a stream that may still hold records
// to be applied keeps them; zero if none is known. See [Loader.StoreStream].
func (l *Loader) Retention(ctx context.Context) (retention time.Duration, err error) {
	// A consumer may have been away for as long as the stream keeps records, before
	// it takes up where it was.
	err = l.pool.QueryRow(ctx, `
		SELECT coalesce(max(retention), interval '0') FROM hub.stream
		WHERE seen_at > now() - 2 * retention - interval '1 day'`).Scan(&retention)
	if err != nil {
		return 0, fmt.Errorf("load: read retention of streams: %w", err)
	}
	return retention, nil
}

// pruneScopes is how many scopes are pruned in one transaction, which locks them.
const pruneScopes = 500

// A scope that is busy is left for the next time.
const lockPrunableSQL = `
SELECT s.scope FROM hub.scope s
WHERE s.scope > $1 AND EXISTS (
    SELECT FROM hub.run r
    WHERE r.scope = s.scope AND r.collected_at < now() - $2::interval AND r.run IS DISTINCT FROM s.complete_run
      AND EXISTS (SELECT FROM hub.run newer WHERE newer.scope = r.scope AND newer.run > r.run)
)
ORDER BY s.scope LIMIT $3 FOR UPDATE OF s SKIP LOCKED`

// keepCostsSQL keeps what the runs cost that the expression old deletes.
const keepCostsSQL = `INSERT INTO hub.run_cost (account_id, category, month, requests, paid_requests, usd_micros)
    SELECT account_id, category, date_trunc('month', collected_at AT TIME ZONE 'UTC'),
           sum(requests), coalesce(sum(paid_requests), 0), coalesce(sum(usd_micros), 0)
    FROM old WHERE requests > 0 GROUP BY 1, 2, 3`

const pruneSQL = `
WITH old AS (
    DELETE FROM hub.run r USING hub.scope s
    WHERE s.scope = ANY ($1) AND r.scope = s.scope AND r.collected_at < now() - $2::interval AND r.run IS DISTINCT FROM s.complete_run
      AND EXISTS (SELECT FROM hub.run newer WHERE newer.scope = r.scope AND newer.run > r.run)
    RETURNING r.scope, r.run, s.account_id, s.category, r.collected_at, r.requests, r.paid_requests, r.usd_micros
), costs AS (
    ` + keepCostsSQL + `
), parts AS (
    DELETE FROM hub.run_part p USING old WHERE p.scope = old.scope AND p.run = old.run
), pruned AS (
    UPDATE hub.scope s SET pruned_run = greatest(s.pruned_run, newest.run)
    FROM (SELECT DISTINCT ON (scope) scope, run FROM old ORDER BY scope, run DESC) newest
    WHERE s.scope = newest.scope
)
SELECT count(*) FROM old`

// errScopePruned says that a scope of the batch was deleted before it could be locked.
// The next attempt makes it again.
var errScopePruned = errors.New("a scope was deleted meanwhile")

// Prune deletes bookkeeping that nothing needs any more: runs that started more
// than keep ago, with their parts, except the newest run and the newest complete
// run of each scope; scopes without a run since then and without a row in the table,
// not even one that is gone; and the progress of shards that ended, or belong to a
// stream that was made again, at least keep ago. keep must be longer than the stream
// keeps records. It returns how many runs it deleted.
//
// In a snapshot category, what arrives later of a pruned run, or of one older than
// that, is superseded; in an event category each row knows its newest run.
func (l *Loader) Prune(ctx context.Context, keep time.Duration) (runs int64, err error) {
	if runs, err = l.pruneRuns(ctx, keep); err != nil {
		return runs, err
	}
	for _, name := range slices.Sorted(maps.Keys(l.tables)) {
		if err := l.pruneScopes(ctx, l.tables[name], keep); err != nil {
			return runs, fmt.Errorf("load: prune scopes of %s: %w", name, err)
		}
	}
	if _, err := l.pool.Exec(ctx, joinCostsSQL); err != nil {
		return runs, fmt.Errorf("load: add up what runs cost: %w", err)
	}
	return runs, nil
}

// Each transaction adds rows of its own, so that none waits for another.
const joinCostsSQL = `
WITH several AS (
    SELECT account_id, category, month FROM hub.run_cost GROUP BY 1, 2, 3 HAVING count(*) > 1
), old AS (
    DELETE FROM hub.run_cost c USING several s
    WHERE (c.account_id, c.category, c.month) = (s.account_id, s.category, s.month)
    RETURNING c.*
)
INSERT INTO hub.run_cost (account_id, category, month, requests, paid_requests, usd_micros)
SELECT account_id, category, month, sum(requests), sum(paid_requests), sum(usd_micros) FROM old GROUP BY 1, 2, 3`

// A scope that has rows, be they gone, is kept: else a replay of some old days could
// bring back what its newest run no longer named. One that is busy is left for the
// next time. Of a slice, the text is compared: not every text is a value.
const pruneScopesSQL = `
WITH idle AS (
    SELECT s.scope, s.category, s.account_id, s.region, s.slice FROM hub.scope s
    WHERE s.category = $1 AND s.live_rows <= 0 AND s.scope > $2 AND coalesce(s.unchanged_at < now() - $3::interval, true)
      AND NOT EXISTS (SELECT FROM hub.run r WHERE r.scope = s.scope AND r.collected_at >= now() - $3::interval)
      AND NOT EXISTS (SELECT FROM %s t WHERE t.account_id = s.account_id AND t.region = s.region %s)
    ORDER BY s.scope LIMIT $4 FOR UPDATE OF s SKIP LOCKED
), parts AS (
    DELETE FROM hub.run_part p USING idle WHERE p.scope = idle.scope
), old AS (
    DELETE FROM hub.run r USING idle WHERE r.scope = idle.scope
    RETURNING idle.account_id, idle.category, r.collected_at, r.requests, r.paid_requests, r.usd_micros
), costs AS (
    ` + keepCostsSQL + `
), scopes AS (
    DELETE FROM hub.scope s USING idle WHERE s.scope = idle.scope AND (SELECT count(*) FROM old) >= 0
    RETURNING s.account_id, s.region
), marks AS (
    INSERT INTO hub.dirty (table_name, account_id, region) SELECT DISTINCT '` + scopesTable + `', account_id, region FROM scopes
)
SELECT (array_agg(scope ORDER BY scope DESC))[1], array_agg(category), array_agg(account_id), array_agg(region), array_agg(slice)
FROM idle`

func (l *Loader) pruneScopes(ctx context.Context, t *schema.Table, keep time.Duration) error {
	var exists bool
	if err := l.pool.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", tableName(t)).Scan(&exists); err != nil ||
		!exists {
		return err
	}
	inSlice := ""
	if i := t.SliceColumn(); i >= 0 {
		inSlice = "AND t." + t.Columns()[i].Name + "::text = s.slice"
	}
	for last := &(id{}); last != nil; {
		err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
			var pruned sources
			err := tx.QueryRow(ctx, fmt.Sprintf(pruneScopesSQL, tableName(t), inSlice), t.Name(), *last, keep,
				pruneScopes).Scan(append([]any{&last}, pruned.columns()...)...)
			if err != nil {
				return err
			}
			return pruned.store(ctx, tx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Loader) pruneRuns(ctx context.Context, keep time.Duration) (runs int64, err error) {
	after := id{}
	for {
		err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, lockPrunableSQL, after, keep, pruneScopes)
			if err != nil {
				return err
			}
			scopes, err := pgx.CollectRows(rows, pgx.RowTo[id])
			if err != nil || len(scopes) == 0 {
				after = id{}
				return err
			}
			after = scopes[len(scopes)-1]
			var pruned int64
			if err = tx.QueryRow(ctx, pruneSQL, scopes, keep).Scan(&pruned); err != nil {
				return err
			}
			runs += pruned
			_, err = tx.Exec(ctx, storeSourcesOfSQL+"hub.scope WHERE scope = ANY ($1)", scopes)
			return err
		})
		if err != nil {
			return runs, fmt.Errorf("load: prune: %w", err)
		}
		if after == (id{}) {
			return runs, l.pruneShards(ctx, keep)
		}
	}
}

// A shard that has ended is asked about as long as the stream lists it, which is as
// long as it keeps its records.
const pruneShardsSQL = `
DELETE FROM hub.shard_progress p
WHERE p.updated_at < now() - $1::interval
  AND (p.ended OR EXISTS (
      SELECT FROM hub.shard_progress again
      WHERE again.stream = p.stream AND again.stream_created_at > p.stream_created_at))`

// pruneShards deletes the progress of shards that ended or belong to a stream that was
// made again, if nothing of them was applied since keep ago.
func (l *Loader) pruneShards(ctx context.Context, keep time.Duration) error {
	if _, err := l.pool.Exec(ctx, pruneShardsSQL, keep); err != nil {
		return fmt.Errorf("load: prune shards: %w", err)
	}
	return nil
}
