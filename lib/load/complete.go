package load

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hubspoke/observability/lib/schema"
)

// A run may get two ends: where the stream failed the spoke, the stream's says so
// and the archive's is complete. The complete one is kept, else the first.
const storeRunsSQL = `
INSERT INTO hub.run AS r (scope, run, collected_at, parts, last_part, rows, rejects, keys, keys_xor,
                          new_rows, changed_rows, outcome, error, end_parts, end_rows, every, extent)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::integer[], $15::bigint[],
                     $16::integer[], $17::text[])
ON CONFLICT (scope, run) DO UPDATE SET
    parts = r.parts + excluded.parts,
    last_part = greatest(r.last_part, excluded.last_part),
    rows = r.rows + excluded.rows,
    rejects = r.rejects + excluded.rejects,
    keys = r.keys + excluded.keys,
    keys_xor = r.keys_xor # excluded.keys_xor,
    new_rows = r.new_rows + excluded.new_rows,
    changed_rows = r.changed_rows + excluded.changed_rows,
    (outcome, error, end_parts, end_rows, every, extent) = (
        SELECT e.outcome, e.error, e.end_parts, e.end_rows, e.every, e.extent
        FROM (VALUES (1, r.outcome, r.error, r.end_parts, r.end_rows, r.every, r.extent),
                     (2, excluded.outcome, excluded.error, excluded.end_parts, excluded.end_rows, excluded.every, excluded.extent))
             e (n, outcome, error, end_parts, end_rows, every, extent)
        ORDER BY e.outcome IN ('ok', 'empty') DESC NULLS LAST, e.n LIMIT 1),
    updated_at = now()
RETURNING scope, run, keys, keys_xor,
    coalesce(completed_at IS NULL AND outcome IN ('ok', 'empty') AND rejects = 0
             AND parts = end_parts AND last_part = end_parts - 1 AND rows = end_rows, false),
    coalesce(extent, '')`

// storedRun is a run as it stands after this batch.
type storedRun struct {
	*runWork
	keys, keysXor int64
	completes     bool
	extent        schema.Extent // what the end says, as the category takes it
}

// storeRuns adds the batch to the runs, and completes those that have everything:
// whichever transaction brings the last piece does it.
func (c *category) storeRuns(ctx context.Context) error {
	for s, l := range c.live {
		if s.live < 0 || l.unknown {
			s.live = -1
		} else {
			s.live, s.liveXor = s.live+l.rows, s.liveXor^l.xor
		}
		s.changed = true
	}
	for _, r := range c.runs {
		// Unchanged rows of an event category were moved to the run.
		if r.newRows+r.changedRows > 0 || !c.snapshot() && r.keys > 0 {
			c.changed(r.scope)
		}
	}
	runs, err := c.upsertRuns(ctx)
	if err != nil {
		return err
	}
	// The newest first: when it is complete, the others are past, and a look for what is
	// gone costs as much as the scope is large. They would find a part of what it finds.
	slices.SortFunc(runs, func(a, b storedRun) int { return b.run.Compare(a.run) })
	for _, r := range runs {
		if r.state.newest == nil || r.state.newest.Compare(r.run) < 0 {
			r.state.newest = &r.run
		}
	}
	var completed []completedRun
	for _, r := range runs {
		if !r.completes {
			continue
		}
		repeated, err := c.repeatedKeys(ctx, r)
		if err != nil {
			return fmt.Errorf("run %v of %v: %w", r.run, r.scope, err)
		}
		if repeated > 0 {
			c.rejectRun(r, repeated)
			continue
		}
		gone, err := c.complete(ctx, r)
		if err != nil {
			return fmt.Errorf("run %v of %v: %w", r.run, r.scope, err)
		}
		completed = append(completed, completedRun{r.state, r.run, gone})
	}
	c.storeCompleted(completed)
	return c.send(ctx)
}

func (c *category) upsertRuns(ctx context.Context) ([]storedRun, error) {
	if len(c.runs) == 0 {
		return nil, nil
	}
	var cols struct {
		scopes, runs                                 []id
		times                                        []time.Time
		parts, last                                  []int32
		rows, rejects, keys, keysXor, fresh, changed []int64
		outcomes                                     []*string
		errors                                       []string
		endParts                                     []*int32
		endRows                                      []*int64
		every                                        []*int32
		extents                                      []*string
	}
	for _, r := range c.sortedRuns() {
		cols.scopes, cols.runs = append(cols.scopes, r.state.id), append(cols.runs, id(r.run))
		cols.times = append(cols.times, r.run.Time())
		cols.parts, cols.last = append(cols.parts, r.parts), append(cols.last, r.lastPart)
		cols.rows, cols.rejects = append(cols.rows, r.rows), append(cols.rejects, r.rejects)
		cols.keys, cols.keysXor = append(cols.keys, r.keys), append(cols.keysXor, r.keysXor)
		cols.fresh, cols.changed = append(cols.fresh, r.newRows), append(cols.changed, r.changedRows)
		outcome, text, parts, rows, every, extent := r.endColumns()
		cols.outcomes, cols.errors = append(cols.outcomes, outcome), append(cols.errors, text)
		cols.endParts, cols.endRows = append(cols.endParts, parts), append(cols.endRows, rows)
		cols.every, cols.extents = append(cols.every, every), append(cols.extents, extent)
	}
	bigints := func(values []int64) param { return c.array(pgtype.Int8ArrayOID, values) }
	var stored []storedRun
	err := c.do(ctx, "store runs", storeRunsSQL, func(v [][]byte) error {
		run := c.runs[runKey{id(v[0]), schema.RunID(v[1])}]
		stored = append(stored, storedRun{run, bigint(v[2]), bigint(v[3]), v[4][0] != 0, c.table.Extent(schema.Extent(v[5]))})
		return nil
	}, uuidList(cols.scopes), uuidList(cols.runs), c.array(pgtype.TimestamptzArrayOID, cols.times), ints(cols.parts), ints(cols.last),
		bigints(cols.rows), bigints(cols.rejects), bigints(cols.keys), bigints(cols.keysXor), bigints(cols.fresh), bigints(cols.changed),
		c.array(pgtype.TextArrayOID, cols.outcomes), c.array(pgtype.TextArrayOID, cols.errors),
		c.array(pgtype.Int4ArrayOID, cols.endParts), c.array(pgtype.Int8ArrayOID, cols.endRows),
		c.array(pgtype.Int4ArrayOID, cols.every), c.array(pgtype.TextArrayOID, cols.extents))
	return stored, err
}

func (c *category) sortedRuns() []*runWork {
	return slices.SortedFunc(maps.Values(c.runs), func(a, b *runWork) int {
		return compareParts(&partWork{Part: &Part{Run: a.run}, scope: a.state}, &partWork{Part: &Part{Run: b.run}, scope: b.state})
	})
}

// endColumns returns the values of the end, null if it is not in this batch.
func (r *runWork) endColumns() (outcome *string, text string, parts *int32, rows *int64, every *int32, extent *string) {
	if r.end == nil {
		return nil, "", nil, nil, nil, nil
	}
	o, n := string(r.end.Outcome), int32(r.end.Parts)
	if seconds := int32(min(r.end.Every/time.Second, math.MaxInt32)); seconds > 0 {
		every = &seconds
	}
	if e := string(r.end.Extent); e != "" {
		extent = &e
	}
	return &o, r.end.Error, &n, &r.end.Rows, every, extent
}

// namesLive reports whether a run of a snapshot category names exactly the rows that
// are live, as the usual one does: its number of keys and their fingerprint show that
// without a look at the table.
func (r storedRun) namesLive() bool {
	return r.state.live == r.keys && r.state.liveXor == r.keysXor
}

// repeatedKeys returns how many keys a run of a snapshot category named again, in parts
// that different transactions applied: in one they are rejected at once.
func (c *category) repeatedKeys(ctx context.Context, r storedRun) (n int64, err error) {
	if !c.snapshot() || r.namesLive() || r.state.isPast(r.run) {
		return 0, nil
	}
	err = c.do(ctx, "look for repeated keys", `
		SELECT count(*) - count(DISTINCT key) FROM hub.run_part p, unnest(p.row_keys) AS key WHERE p.scope = $1 AND p.run = $2`,
		func(v [][]byte) error { n = bigint(v[0]); return nil }, uuid(r.state.id), uuid(r.run))
	return n, err
}

// rejectRun rejects rows of a run of which nobody can say any more which they are.
func (c *category) rejectRun(r storedRun, rows int64) {
	reject := Reject{
		Reason: ReasonRepeatedRow, Scope: r.scope, Run: r.run, Part: -1, Origin: Origin{Advance: -1},
		Detail: fmt.Sprintf("the run named %d keys before, in other parts", rows),
	}
	if r.end != nil {
		reject.Origin = r.end.Origin
	}
	c.rejects.record(reject)
	c.add("count rejects", "UPDATE hub.run SET rejects = rejects + $3 WHERE scope = $1 AND run = $2", nil,
		uuid(r.state.id), uuid(r.run), bigintOf(rows))
}

// complete notes that run r is complete. One that read everything is from then on what
// the scope looks like, unless a newer one is already: it marks what it does not name as
// gone. complete returns how many rows that were.
func (c *category) complete(ctx context.Context, r storedRun) (gone int64, err error) {
	c.counts.Completed++
	s := r.state
	if s.isPast(r.run) {
		return 0, nil
	}
	if s.complete == nil || s.full == nil && r.extent == schema.Full {
		c.dirty[mark{scopesTable, r.scope.Account, r.scope.Region}] = true
	}
	if r.extent == schema.Full {
		if c.snapshot() {
			if gone, err = c.markGone(ctx, r); err != nil {
				return 0, err
			}
		}
		s.full, s.changed = &r.run, true
	}
	if gone > 0 {
		c.counts.Gone += gone
		c.changed(r.scope)
	}
	if s.complete == nil || s.complete.Compare(r.run) < 0 {
		s.complete, s.changed = &r.run, true
	}
	return gone, nil
}

// completedRun is a run that is complete since this batch.
type completedRun struct {
	scope *scopeState
	run   schema.RunID
	gone  int64
}

const completeRunsSQL = `
UPDATE hub.run r SET completed_at = now(), gone_rows = k.gone
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS k(scope, run, gone)
WHERE r.scope = k.scope AND r.run = k.run`

const storeScopesSQL = `
UPDATE hub.scope s
SET complete_run = k.complete_run, full_run = k.full_run, pruned_run = k.pruned_run, live_rows = k.live_rows, live_xor = k.live_xor
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[])
  AS k(scope, complete_run, full_run, pruned_run, live_rows, live_xor)
WHERE s.scope = k.scope`

// Nobody will ask which keys a run named that is past. Of those that were past before,
// the keys were forgotten then.
const forgetKeysSQL = `
UPDATE hub.run_part p SET row_keys = NULL
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS k(scope, before, past)
WHERE p.scope = k.scope AND p.run >= k.before AND p.run <= k.past AND p.row_keys IS NOT NULL`

// storeCompleted stores completed runs and changed scopes, each kind at once.
func (c *category) storeCompleted(completed []completedRun) {
	if len(completed) > 0 {
		var scopes, runs []id
		var gone []int64
		for _, r := range completed {
			scopes, runs, gone = append(scopes, r.scope.id), append(runs, id(r.run)), append(gone, r.gone)
		}
		c.add("complete runs", completeRunsSQL, nil, uuidList(scopes), uuidList(runs), c.array(pgtype.Int8ArrayOID, gone))
	}
	var scopes, forget, before, past []id
	var complete, full, pruned []*id
	var live, liveXor []int64
	for s, locked := range c.locked {
		if !s.changed {
			continue
		}
		scopes, complete = append(scopes, s.id), append(complete, (*id)(s.complete))
		full, pruned = append(full, (*id)(s.full)), append(pruned, (*id)(s.pruned))
		live, liveXor = append(live, s.live), append(liveXor, s.liveXor)
		if was, is := locked.past(), s.past(); was != is {
			forget, before, past = append(forget, s.id), append(before, id(was)), append(past, id(is))
		}
	}
	if len(scopes) > 0 {
		c.add("store scopes", storeScopesSQL, nil, uuidList(scopes), c.array(pgtype.UUIDArrayOID, complete), c.array(pgtype.UUIDArrayOID, full),
			c.array(pgtype.UUIDArrayOID, pruned), c.array(pgtype.Int8ArrayOID, live), c.array(pgtype.Int8ArrayOID, liveXor))
	}
	if len(forget) > 0 && c.snapshot() {
		c.add("forget keys", forgetKeysSQL, nil, uuidList(forget), uuidList(before), uuidList(past))
	}
}

// scopeStates returns the scopes of this category.
func (c *category) scopeStates() []*scopeState {
	var states []*scopeState
	for scope, state := range c.scopes {
		if scope.Category == c.table.Name() {
			states = append(states, state)
		}
	}
	return states
}

// markGone marks the live rows of the scope that neither this run nor a newer one
// names, and returns how many there were.
func (c *category) markGone(ctx context.Context, r storedRun) (int64, error) {
	if r.namesLive() {
		return 0, nil
	}
	s := r.state
	first, last := keyRange(r.scope)
	args := []param{
		uuid(s.id), uuid(r.run), uuid(first), uuid(last), {pgtype.TimestamptzOID, timestamptz(r.run)},
		text(r.scope.Account), text(r.scope.Region),
	}
	inSlice := ""
	if i := c.table.SliceColumn(); i >= 0 {
		column := c.table.Columns()[i]
		// The text of a date depends on the session's DateStyle, reading ISO does not.
		inSlice = fmt.Sprintf("AND t.%s = $8::%s", column.Name, column.Kind.PostgresType())
		args = append(args, text(r.scope.Slice))
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
	err := c.doWithHashJoins(ctx, "mark rows gone", sql, func(v [][]byte) error {
		gone++
		xor ^= fingerprint(v[0])
		return nil
	}, args...)
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
