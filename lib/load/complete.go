package load

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/schema"
)

// A run may get two ends: where the stream failed the spoke, the stream's says so
// and the archive's is complete. The complete one is kept, else the first.
const storeRunsSQL = `
INSERT INTO hub.run AS r (scope, run, collected_at, parts, last_part, rows, rejects, keys, keys_xor,
                          new_rows, changed_rows, outcome, error, end_parts, end_rows)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::integer[], $15::bigint[])
ON CONFLICT (scope, run) DO UPDATE SET
    parts = r.parts + excluded.parts,
    last_part = greatest(r.last_part, excluded.last_part),
    rows = r.rows + excluded.rows,
    rejects = r.rejects + excluded.rejects,
    keys = r.keys + excluded.keys,
    keys_xor = r.keys_xor # excluded.keys_xor,
    new_rows = r.new_rows + excluded.new_rows,
    changed_rows = r.changed_rows + excluded.changed_rows,
    (outcome, error, end_parts, end_rows) = (
        SELECT e.outcome, e.error, e.end_parts, e.end_rows
        FROM (VALUES (1, r.outcome, r.error, r.end_parts, r.end_rows),
                     (2, excluded.outcome, excluded.error, excluded.end_parts, excluded.end_rows)) e (n, outcome, error, end_parts, end_rows)
        ORDER BY e.outcome IN ('ok', 'empty') DESC NULLS LAST, e.n LIMIT 1),
    updated_at = now()
RETURNING scope, run, keys, keys_xor,
    coalesce(completed_at IS NULL AND outcome IN ('ok', 'empty') AND rejects = 0
             AND parts = end_parts AND last_part = end_parts - 1 AND rows = end_rows, false)`

// storedRun is a run as it stands after this batch.
type storedRun struct {
	*runWork
	keys, keysXor int64
	completes     bool
}

// storeRuns adds the batch to the runs, and completes those that have everything:
// whichever transaction brings the last piece does it.
func (c *category) storeRuns(ctx context.Context) error {
	if len(c.runs) == 0 {
		return c.storeScopes(ctx)
	}
	runs, err := c.upsertRuns(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(runs, func(a, b storedRun) int { return a.run.Compare(b.run) })
	for _, r := range runs {
		if r.state.newest == nil || r.state.newest.Compare(r.run) < 0 {
			r.state.newest = &r.run
		}
	}
	if err := c.storeScopes(ctx); err != nil {
		return err
	}
	for _, r := range runs {
		if r.completes {
			if err := c.complete(ctx, r); err != nil {
				return fmt.Errorf("run %v of %v: %w", r.run, r.scope, err)
			}
		}
	}
	return nil
}

func (c *category) upsertRuns(ctx context.Context) ([]storedRun, error) {
	var cols struct {
		scopes, runs                                 []id
		times                                        []time.Time
		parts, last                                  []int32
		rows, rejects, keys, keysXor, fresh, changed []int64
		outcomes                                     []*string
		errors                                       []string
		endParts                                     []*int32
		endRows                                      []*int64
	}
	for _, r := range c.sortedRuns() {
		cols.scopes, cols.runs = append(cols.scopes, r.state.id), append(cols.runs, id(r.run))
		cols.times = append(cols.times, r.run.Time())
		cols.parts, cols.last = append(cols.parts, r.parts), append(cols.last, r.lastPart)
		cols.rows, cols.rejects = append(cols.rows, r.rows), append(cols.rejects, r.rejects)
		cols.keys, cols.keysXor = append(cols.keys, r.keys), append(cols.keysXor, r.keysXor)
		cols.fresh, cols.changed = append(cols.fresh, r.newRows), append(cols.changed, r.changedRows)
		outcome, text, parts, rows := r.endColumns()
		cols.outcomes, cols.errors = append(cols.outcomes, outcome), append(cols.errors, text)
		cols.endParts, cols.endRows = append(cols.endParts, parts), append(cols.endRows, rows)
	}
	rows, err := c.tx.Query(ctx, storeRunsSQL, cols.scopes, cols.runs, cols.times, cols.parts, cols.last, cols.rows, cols.rejects,
		cols.keys, cols.keysXor, cols.fresh, cols.changed, cols.outcomes, cols.errors, cols.endParts, cols.endRows)
	if err != nil {
		return nil, err
	}
	var stored []storedRun
	var scope, run id
	var keys, keysXor int64
	var completes bool
	_, err = pgx.ForEachRow(rows, []any{&scope, &run, &keys, &keysXor, &completes}, func() error {
		stored = append(stored, storedRun{c.runs[runKey{scope, schema.RunID(run)}], keys, keysXor, completes})
		return nil
	})
	return stored, err
}

func (c *category) sortedRuns() []*runWork {
	return slices.SortedFunc(maps.Values(c.runs), func(a, b *runWork) int {
		return compareParts(&partWork{Part: &Part{Run: a.run}, scope: a.state}, &partWork{Part: &Part{Run: b.run}, scope: b.state})
	})
}

// endColumns returns the values of the end, null if it is not in this batch.
func (r *runWork) endColumns() (outcome *string, text string, parts *int32, rows *int64) {
	if r.end == nil {
		return nil, "", nil, nil
	}
	o, n := string(r.end.Outcome), int32(r.end.Parts)
	return &o, r.end.Error, &n, &r.end.Rows
}

// storeScopes adds what the batch means for the live rows of each scope.
func (c *category) storeScopes(ctx context.Context) error {
	var batch pgx.Batch
	for s, l := range c.live {
		if s.live < 0 || l.unknown {
			s.live = -1
		} else {
			s.live, s.liveXor = s.live+l.rows, s.liveXor^l.xor
		}
		batch.Queue(`UPDATE hub.scope SET live_rows = $2, live_xor = $3 WHERE scope = $1`, s.id, s.live, s.liveXor)
	}
	if batch.Len() == 0 {
		return nil
	}
	return c.tx.SendBatch(ctx, &batch).Close()
}

// complete makes run r the newest complete one of its scope, unless a newer one
// is complete already, and marks what it does not name as gone.
func (c *category) complete(ctx context.Context, r storedRun) error {
	c.counts.Completed++
	s := r.state
	newer := s.complete != nil && s.complete.Compare(r.run) > 0
	gone := int64(0)
	if c.snapshot() && !newer {
		var err error
		if gone, err = c.markGone(ctx, r); err != nil {
			return err
		}
		c.counts.Gone += gone
	}
	var batch pgx.Batch
	batch.Queue(`UPDATE hub.run SET completed_at = now(), gone_rows = $3 WHERE scope = $1 AND run = $2`, s.id, id(r.run), gone)
	if !newer {
		s.complete = &r.run
		batch.Queue(`UPDATE hub.scope SET complete_run = $2, live_rows = $3, live_xor = $4 WHERE scope = $1`,
			s.id, id(r.run), s.live, s.liveXor)
		// Parts up to this run are superseded: nobody will ask which keys they named.
		batch.Queue(`UPDATE hub.run_part SET row_keys = NULL WHERE scope = $1 AND run <= $2 AND row_keys IS NOT NULL`, s.id, id(r.run))
	}
	return c.tx.SendBatch(ctx, &batch).Close()
}

// markGone marks the live rows of the scope that neither this run nor a newer one
// names, and returns how many there were.
//
// The usual run names exactly the rows that are live. Its number of keys and
// their fingerprint show that without a look at the table.
func (c *category) markGone(ctx context.Context, r storedRun) (int64, error) {
	s := r.state
	if s.live == r.keys && s.liveXor == r.keysXor {
		return 0, nil
	}
	first, last := keyRange(r.scope)
	args := []any{s.id, id(r.run), first, last, r.run.Time(), r.scope.Account, r.scope.Region}
	inSlice := ""
	if i := c.table.SliceColumn(); i >= 0 {
		inSlice = fmt.Sprintf("AND t.%s::text = $8", c.table.Columns()[i].Name)
		args = append(args, r.scope.Slice)
	}
	sql := fmt.Sprintf(`
WITH named AS MATERIALIZED (
    SELECT unnest(row_keys) AS key FROM hub.run_part WHERE scope = $1 AND run >= $2 AND row_keys IS NOT NULL
)
UPDATE %s t SET deleted_at = $5
WHERE t.row_key BETWEEN $3 AND $4 AND t.account_id = $6 AND t.region = $7 %s
  AND t.deleted_at IS NULL AND t.run_id < $2
  AND NOT EXISTS (SELECT FROM named n WHERE n.key = t.row_key)
RETURNING t.row_key`, tableName(c.table), inSlice)
	var gone, xor int64
	err := c.withHashJoins(ctx, func() error {
		rows, err := c.tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		var key id
		_, err = pgx.ForEachRow(rows, []any{&key}, func() error {
			gone++
			xor ^= fingerprint(key[:])
			return nil
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	switch {
	case s.newest.Compare(r.run) == 0: // exactly what this run names is left
		s.live, s.liveXor = r.keys, r.keysXor
	case s.live >= 0:
		s.live, s.liveXor = s.live-gone, s.liveXor^xor
	}
	return gone, nil
}
