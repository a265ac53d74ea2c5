package load

import (
	"bytes"
	"cmp"
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
                          new_rows, changed_rows, outcome, error, end_parts, end_rows, every, extent,
                          requests, paid_requests, usd_micros, took_ms)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::integer[], $15::bigint[],
                     $16::integer[], $17::text[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[])
ON CONFLICT (scope, run) DO UPDATE SET
    parts = r.parts + excluded.parts,
    last_part = greatest(r.last_part, excluded.last_part),
    rows = r.rows + excluded.rows,
    rejects = r.rejects + excluded.rejects,
    keys = r.keys + excluded.keys,
    keys_xor = r.keys_xor # excluded.keys_xor,
    new_rows = r.new_rows + excluded.new_rows,
    changed_rows = r.changed_rows + excluded.changed_rows,
    (outcome, error, end_parts, end_rows, every, extent, requests, paid_requests, usd_micros, took_ms) = (
        SELECT e.outcome, e.error, e.end_parts, e.end_rows, e.every, e.extent, e.requests, e.paid_requests, e.usd_micros, e.took_ms
        FROM (VALUES (1, r.outcome, r.error, r.end_parts, r.end_rows, r.every, r.extent,
                      r.requests, r.paid_requests, r.usd_micros, r.took_ms),
                     (2, excluded.outcome, excluded.error, excluded.end_parts, excluded.end_rows, excluded.every, excluded.extent,
                      excluded.requests, excluded.paid_requests, excluded.usd_micros, excluded.took_ms))
             e (n, outcome, error, end_parts, end_rows, every, extent, requests, paid_requests, usd_micros, took_ms)
        ORDER BY e.outcome IN ('ok', 'empty') DESC NULLS LAST, e.n LIMIT 1),
    updated_at = now()
RETURNING scope, run, keys, keys_xor,
    coalesce(completed_at IS NULL AND outcome IN ('ok', 'empty') AND rejects = 0
             AND parts = end_parts AND last_part = end_parts - 1 AND rows = end_rows, false),
    coalesce(extent, '')`

type runKey struct {
	scope id
	run   schema.RunID
}

// runWork is what a batch adds to a run.
type runWork struct {
	work  *work
	scope schema.Scope
	state *scopeState
	run   schema.RunID
	end   *End

	parts, lastPart      int32
	rows, rejects        int64
	keys, keysXor        int64
	newRows, changedRows int64
}

// liveChange is what a batch adds to the set of live rows of a scope.
type liveChange struct {
	rows, xor int64
	unknown   bool
}

// runs are the runs of an attempt, and what it changes of the live rows of their scopes.
type runs struct {
	attempt *attempt
	byKey   map[runKey]*runWork
	live    map[*scopeState]*liveChange
	locked  map[schema.Scope]*scopeState // as the database has them
}

func (r *runs) of(w *work, s schema.Scope, run schema.RunID) *runWork {
	state := r.attempt.scopes[s]
	key := runKey{state.id, run}
	found := r.byKey[key]
	if found == nil {
		found = &runWork{work: w, scope: s, state: state, run: run, lastPart: -1}
		r.byKey[key] = found
	}
	return found
}

// addLive notes that a row is live that was not.
func (r *runs) addLive(s *scopeState, key []byte) {
	l := r.live[s]
	if l == nil {
		l = &liveChange{}
		r.live[s] = l
	}
	l.rows++
	l.xor ^= fingerprint(key)
	l.unknown = l.unknown || r.attempt.manner.viaStage
}

// storedRun is a run as it stands after this batch.
type storedRun struct {
	*runWork
	keys, keysXor int64
	completes     bool
	extent        schema.Extent // what the end says, as the category takes it
}

// completedRun is a run that is complete since this batch.
type completedRun struct {
	storedRun
	gone, goneXor int64
}

// store adds the batch to the runs, and completes those that have everything:
// whichever transaction brings the last piece does it.
func (r *runs) store(ctx context.Context) error {
	for s, l := range r.live {
		if s.live < 0 || l.unknown {
			s.live = -1
		} else {
			s.live, s.liveXor = s.live+l.rows, s.liveXor^l.xor
		}
		s.changed = true
	}
	for _, run := range r.byKey {
		// Unchanged rows of an event category were moved to the run.
		if run.newRows+run.changedRows > 0 || !run.work.snapshot() && run.keys > 0 {
			r.attempt.changed(run.scope)
		}
	}
	stored, err := r.upsert(ctx)
	if err != nil {
		return err
	}
	// The newest first: when it is complete and full, the others are past, and a look for
	// what is gone costs as much as the scope is large. They would find a part of what it
	// finds.
	slices.SortFunc(stored, func(a, b storedRun) int { return b.run.Compare(a.run) })
	for _, run := range stored {
		if run.state.newest == nil || run.state.newest.Compare(run.run) < 0 {
			run.state.newest = &run.run
		}
	}
	completed, err := r.complete(ctx, slices.DeleteFunc(stored, func(run storedRun) bool { return !run.completes }))
	if err != nil {
		return err
	}
	r.storeCompleted(completed)
	return r.attempt.tx.send(ctx)
}

func (r *runs) upsert(ctx context.Context) ([]storedRun, error) {
	if len(r.byKey) == 0 {
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
		requests, paid, usdMicros, took              []*int64
	}
	for _, run := range r.sorted() {
		cols.scopes, cols.runs = append(cols.scopes, run.state.id), append(cols.runs, id(run.run))
		cols.times = append(cols.times, run.run.Time())
		cols.parts, cols.last = append(cols.parts, run.parts), append(cols.last, run.lastPart)
		cols.rows, cols.rejects = append(cols.rows, run.rows), append(cols.rejects, run.rejects)
		cols.keys, cols.keysXor = append(cols.keys, run.keys), append(cols.keysXor, run.keysXor)
		cols.fresh, cols.changed = append(cols.fresh, run.newRows), append(cols.changed, run.changedRows)
		e := run.endColumns()
		cols.outcomes, cols.errors = append(cols.outcomes, e.outcome), append(cols.errors, e.text)
		cols.endParts, cols.endRows = append(cols.endParts, e.parts), append(cols.endRows, e.rows)
		cols.every, cols.extents = append(cols.every, e.every), append(cols.extents, e.extent)
		cols.requests, cols.paid = append(cols.requests, e.requests), append(cols.paid, e.paid)
		cols.usdMicros, cols.took = append(cols.usdMicros, e.usdMicros), append(cols.took, e.took)
	}
	array := r.attempt.tx.array
	bigints := func(values []int64) param { return array(pgtype.Int8ArrayOID, values) }
	var stored []storedRun
	err := r.attempt.tx.do(ctx, "store runs", storeRunsSQL, func(v [][]byte) error {
		run := r.byKey[runKey{id(v[0]), schema.RunID(v[1])}]
		extent := run.work.table.Extent(schema.Extent(v[5]))
		stored = append(stored, storedRun{run, bigint(v[2]), bigint(v[3]), v[4][0] != 0, extent})
		return nil
	}, uuidList(cols.scopes), uuidList(cols.runs), array(pgtype.TimestamptzArrayOID, cols.times),
		ints(cols.parts), ints(cols.last), bigints(cols.rows), bigints(cols.rejects), bigints(cols.keys),
		bigints(cols.keysXor), bigints(cols.fresh), bigints(cols.changed),
		array(pgtype.TextArrayOID, cols.outcomes), array(pgtype.TextArrayOID, cols.errors),
		array(pgtype.Int4ArrayOID, cols.endParts), array(pgtype.Int8ArrayOID, cols.endRows),
		array(pgtype.Int4ArrayOID, cols.every), array(pgtype.TextArrayOID, cols.extents),
		array(pgtype.Int8ArrayOID, cols.requests), array(pgtype.Int8ArrayOID, cols.paid),
		array(pgtype.Int8ArrayOID, cols.usdMicros), array(pgtype.Int8ArrayOID, cols.took))
	return stored, err
}

func (r *runs) sorted() []*runWork {
	return slices.SortedFunc(maps.Values(r.byKey), func(a, b *runWork) int {
		return cmp.Or(bytes.Compare(a.state.id[:], b.state.id[:]), a.run.Compare(b.run))
	})
}

// endColumns are what hub.run has of an end; nil is null.
type endColumns struct {
	outcome         *string
	text            string
	parts           *int32
	rows            *int64
	every           *int32
	extent          *string
	requests, paid  *int64
	usdMicros, took *int64
}

// endColumns returns the values of the end, null if it is not in this batch, or does not
// say them.
func (r *runWork) endColumns() (c endColumns) {
	if r.end == nil {
		return c
	}
	o, n := string(r.end.Outcome), int32(r.end.Parts)
	c.outcome, c.text, c.parts, c.rows = &o, r.end.Error, &n, &r.end.Rows
	if seconds := int32(min(r.end.Every/time.Second, math.MaxInt32)); seconds > 0 {
		c.every = &seconds
	}
	if e := string(r.end.Extent); e != "" {
		c.extent = &e
	}
	c.requests, c.paid, c.usdMicros = said(r.end.Requests), said(r.end.PaidRequests), said(r.end.USDMicros)
	c.took = said(int64(r.end.Took / time.Millisecond))
	return c
}

// said returns a number of an end, nil if the end does not say it.
func said(n int64) *int64 {
	if n > 0 {
		return &n
	}
	return nil
}

// namesLive reports whether a run of a snapshot category names exactly the rows that
// are live, as the usual one does: its number of keys and their fingerprint show that
// without a look at the table.
func (r storedRun) namesLive() bool {
	return r.state.live == r.keys && r.state.liveXor == r.keysXor
}

const repeatedKeysSQL = `
SELECT k.n - 1, (SELECT count(*) - count(DISTINCT key) FROM hub.run_part p, unnest(p.row_keys) AS key
                 WHERE p.scope = k.scope AND p.run = k.run)
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k(scope, run, n)`

// repeatedKeys returns how many keys each of the runs of snapshot categories named again,
// in parts that different transactions applied: in one they are rejected at once.
func (r *runs) repeatedKeys(ctx context.Context, stored []storedRun) (repeated map[runKey]int64, err error) {
	var keys []runKey
	var scopes, ids []id
	for _, run := range stored {
		if run.work.snapshot() && !run.namesLive() && !run.state.isPast(run.run) {
			keys = append(keys, runKey{run.state.id, run.run})
			scopes, ids = append(scopes, run.state.id), append(ids, id(run.run))
		}
	}
	repeated = map[runKey]int64{}
	if len(keys) == 0 {
		return repeated, nil
	}
	err = r.attempt.tx.do(ctx, "look for repeated keys", repeatedKeysSQL, func(v [][]byte) error {
		repeated[keys[bigint(v[0])]] = bigint(v[1])
		return nil
	}, uuidList(scopes), uuidList(ids))
	return repeated, err
}

// reject rejects rows of a run by their number alone: nobody can say any more which
// they are.
func (r *runs) reject(run storedRun, rows int64) {
	reject := Reject{
		Reason: ReasonRepeatedRow, Scope: run.scope, Run: run.run,
		Detail: fmt.Sprintf("the run named %d keys before, in other parts", rows),
	}
	if run.end != nil {
		reject.Origin = run.end.Origin
	}
	r.attempt.outcome.rejects.record(reject)
	r.attempt.tx.add("count rejects", "UPDATE hub.run SET rejects = rejects + $3 WHERE scope = $1 AND run = $2", nil,
		uuid(run.state.id), uuid(run.run), bigintOf(rows))
}

// complete notes that runs are complete, the newest first. One that read everything is
// from then on what its scope looks like, unless a newer one is already: it marks what it
// does not name as gone.
func (r *runs) complete(ctx context.Context, stored []storedRun) ([]*completedRun, error) {
	repeated, err := r.repeatedKeys(ctx, stored)
	if err != nil {
		return nil, err
	}
	var all, marking []*completedRun
	for _, run := range stored {
		if n := repeated[runKey{run.state.id, run.run}]; n > 0 {
			r.reject(run, n)
			continue
		}
		c := &completedRun{storedRun: run}
		all = append(all, c)
		run.work.counts.Completed++
		s := run.state
		if s.isPast(run.run) {
			continue
		}
		if s.complete == nil || s.full == nil && run.extent == schema.Full {
			r.attempt.outcome.dirty[mark{scopesTable, run.scope.Account, run.scope.Region}] = true
		}
		if run.extent == schema.Full {
			if run.work.snapshot() && !run.namesLive() {
				marking = append(marking, c)
			}
			s.full, s.changed = &run.run, true
		}
		if s.complete == nil || s.complete.Compare(run.run) < 0 {
			s.complete, s.changed = &run.run, true
		}
	}
	return all, r.markGone(ctx, marking)
}

const completeRunsSQL = `
UPDATE hub.run r SET completed_at = now(), gone_rows = k.gone
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS k(scope, run, gone)
WHERE r.scope = k.scope AND r.run = k.run`

const storeScopesSQL = `
UPDATE hub.scope s
SET complete_run = k.complete_run, full_run = k.full_run, pruned_run = k.pruned_run,
    live_rows = k.live_rows, live_xor = k.live_xor
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
func (r *runs) storeCompleted(completed []*completedRun) {
	tx := r.attempt.tx
	if len(completed) > 0 {
		var scopes, runs []id
		var gone []int64
		for _, c := range completed {
			scopes, runs, gone = append(scopes, c.state.id), append(runs, id(c.run)), append(gone, c.gone)
		}
		tx.add("complete runs", completeRunsSQL, nil, uuidList(scopes), uuidList(runs), tx.array(pgtype.Int8ArrayOID, gone))
	}
	var scopes, forget, before, past []id
	var complete, full, pruned []*id
	var live, liveXor []int64
	for name, s := range r.attempt.scopes {
		if !s.changed {
			continue
		}
		scopes, complete = append(scopes, s.id), append(complete, (*id)(s.complete))
		full, pruned = append(full, (*id)(s.full)), append(pruned, (*id)(s.pruned))
		live, liveXor = append(live, s.live), append(liveXor, s.liveXor)
		snapshot := r.attempt.loader.tables[name.Category].Mode() == schema.Snapshot
		if was, is := r.locked[name].past(), s.past(); was != is && snapshot {
			forget, before, past = append(forget, s.id), append(before, id(was)), append(past, id(is))
		}
	}
	if len(scopes) > 0 {
		uuids := func(ids []*id) param { return tx.array(pgtype.UUIDArrayOID, ids) }
		tx.add("store scopes", storeScopesSQL, nil, uuidList(scopes), uuids(complete), uuids(full), uuids(pruned),
			tx.array(pgtype.Int8ArrayOID, live), tx.array(pgtype.Int8ArrayOID, liveXor))
	}
	if len(forget) > 0 {
		tx.add("forget keys", forgetKeysSQL, nil, uuidList(forget), uuidList(before), uuidList(past))
	}
}

// goneSQL is the statement that marks what a run does not name. It returns the keys.
func goneSQL(t *schema.Table) string {
	inSlice := ""
	if i := t.SliceColumn(); i >= 0 {
		column := t.Columns()[i]
		// The text of a date depends on the session's DateStyle, reading ISO does not.
		inSlice = fmt.Sprintf("AND t.%s = $8::%s", column.Name, column.Kind.PostgresType())
	}
	return fmt.Sprintf(`
WITH named AS MATERIALIZED (
    SELECT unnest(row_keys) AS key FROM hub.run_part WHERE scope = $1 AND run >= $2 AND row_keys IS NOT NULL
)
UPDATE %s t SET deleted_at = $5
WHERE t.row_key BETWEEN $3 AND $4 AND t.account_id = $6 AND t.region = $7 %s
  AND t.deleted_at IS NULL AND t.run_id < $2
  AND NOT EXISTS (SELECT FROM named n WHERE n.key = t.row_key)
RETURNING t.row_key`, tableName(t), inSlice)
}

// markGone marks the live rows of scopes that neither the run given nor a newer one
// names. There is one run of each scope at most.
func (r *runs) markGone(ctx context.Context, marking []*completedRun) error {
	if len(marking) == 0 {
		return nil
	}
	tx := r.attempt.tx
	hashJoins(tx, func() {
		for _, c := range marking {
			first, last := keyRange(c.scope)
			args := []param{
				uuid(c.state.id), uuid(c.run), uuid(first), uuid(last), {pgtype.TimestamptzOID, timestamptz(c.run)},
				text(c.scope.Account), text(c.scope.Region),
			}
			if c.work.table.SliceColumn() >= 0 {
				args = append(args, text(c.scope.Slice))
			}
			tx.add("mark rows gone", goneSQL(c.work.table), func(v [][]byte) error {
				c.gone++
				c.goneXor ^= fingerprint(v[0])
				return nil
			}, args...)
		}
	})
	if err := tx.send(ctx); err != nil {
		return err
	}
	for _, c := range marking {
		s := c.state
		switch {
		case s.newest.Compare(c.run) == 0: // exactly what this run names is left
			s.live, s.liveXor = c.keys, c.keysXor
		case s.live >= 0:
			s.live, s.liveXor = s.live-c.gone, s.liveXor^c.goneXor
		}
		if c.gone > 0 {
			c.work.counts.Gone += c.gone
			r.attempt.changed(c.scope)
		}
	}
	return nil
}
