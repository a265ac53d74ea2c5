package load

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// apply is one attempt to apply a batch.
type apply struct {
	loader *Loader
	batch  *Batch
	conn   *pgx.Conn
	tx     pgx.Tx

	moved  []bool // by advance: left out
	scopes map[schema.Scope]*scopeState
	result Result

	rejects []storedReject
	parked  []storedReject
	done    []int64 // parked rejects that are applied now
	dirty   []string
}

// scopeState is what the database knows of a scope, under its lock.
type scopeState struct {
	id       id
	complete *schema.RunID // newest complete run
	newest   *schema.RunID // newest run that is known at all
	live     int64         // -1: not known
	liveXor  int64
	changed  bool // complete or live
}

func (a *apply) run(ctx context.Context) error {
	if err := a.lockShards(ctx); err != nil {
		return fmt.Errorf("lock shards: %w", err)
	}
	if err := a.lockScopes(ctx); err != nil {
		return fmt.Errorf("lock scopes: %w", err)
	}
	if err := a.applyCategories(ctx); err != nil {
		return err
	}
	for _, r := range a.batch.Rejects {
		if a.leftOut(r.Origin) {
			continue
		}
		a.rejects = append(a.rejects, recordReject(r))
		if r.Origin.Parked != 0 {
			a.done = append(a.done, r.Origin.Parked)
		}
	}
	if err := a.storeRejects(ctx); err != nil {
		return fmt.Errorf("store rejects: %w", err)
	}
	if err := a.markDirty(ctx); err != nil {
		return fmt.Errorf("mark tables dirty: %w", err)
	}
	if err := a.advance(ctx); err != nil {
		return fmt.Errorf("advance shards: %w", err)
	}
	return nil
}

// leftOut reports whether the shard that o was read from has moved.
func (a *apply) leftOut(o Origin) bool { return o.Advance >= 0 && a.moved[o.Advance] }

// The order is that of Go's strings.Compare, whatever the database's collation is.
const lockShardsSQL = `
SELECT sequence_number::text, ended
FROM hub.shard_progress p
JOIN unnest($1::text[], $2::timestamptz[], $3::text[]) AS k(stream, stream_created_at, shard)
  USING (stream, stream_created_at, shard)
ORDER BY p.stream COLLATE "C", p.stream_created_at, p.shard COLLATE "C"
FOR UPDATE OF p`

const insertShardsSQL = `
INSERT INTO hub.shard_progress (stream, stream_created_at, shard)
SELECT stream, created, shard
FROM unnest($1::text[], $2::timestamptz[], $3::text[]) AS k(stream, created, shard)
ORDER BY stream COLLATE "C", created, shard COLLATE "C"
ON CONFLICT DO NOTHING`

// lockShards locks the shards of the batch in a fixed order and finds those that
// are not where the batch expects them.
func (a *apply) lockShards(ctx context.Context) error {
	n := len(a.batch.Advances)
	a.moved = make([]bool, n)
	if n == 0 {
		return nil
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		s, t := a.batch.Advances[x].Shard, a.batch.Advances[y].Shard
		return cmp.Or(strings.Compare(s.Stream, t.Stream), s.Created.Compare(t.Created), strings.Compare(s.ID, t.ID))
	})
	args := shardColumns(a.batch.Advances, order)
	var batch pgx.Batch
	batch.Queue(insertShardsSQL, args...)
	at := 0
	batch.Queue(lockShardsSQL, args...).Query(func(rows pgx.Rows) error {
		var sequence string
		var ended bool
		_, err := pgx.ForEachRow(rows, []any{&sequence, &ended}, func() error {
			advance := a.batch.Advances[order[at]]
			elsewhere := ended || stream.Compare(sequence, advance.From.Sequence) != 0
			a.moved[order[at]] = advance.Withdrawn || !advance.Unordered && elsewhere
			at++
			return nil
		})
		return err
	})
	if err := a.tx.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	if at != n {
		return fmt.Errorf("%d of %d shards found", at, n)
	}
	for i, moved := range a.moved {
		if moved {
			a.result.Moved = append(a.result.Moved, i)
		}
	}
	return nil
}

// shardColumns returns the identities of shards as three arrays.
func shardColumns(advances []Advance, order []int) []any {
	streams, shards := make([]string, len(order)), make([]string, len(order))
	created := make([]time.Time, len(order))
	for at, i := range order {
		s := advances[i].Shard
		streams[at], created[at], shards[at] = s.Stream, s.Created, s.ID
	}
	return []any{streams, created, shards}
}

const insertScopesSQL = `
INSERT INTO hub.scope (scope, category, account_id, region, slice)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) ORDER BY 1
ON CONFLICT DO NOTHING`

const lockScopesSQL = `SELECT FROM hub.scope WHERE scope = ANY($1::uuid[]) ORDER BY scope FOR UPDATE`

// The state is read by a statement of its own: one that waits for a lock keeps
// the snapshot from before the wait.
const readScopesSQL = `
SELECT s.scope, s.complete_run, s.live_rows, s.live_xor,
       (SELECT r.run FROM hub.run r WHERE r.scope = s.scope ORDER BY r.run DESC LIMIT 1)
FROM hub.scope s WHERE s.scope = ANY($1::uuid[])`

// lockScopes locks every scope of the batch in a fixed order and reads its state.
func (a *apply) lockScopes(ctx context.Context) error {
	a.scopes = map[schema.Scope]*scopeState{}
	add := func(s schema.Scope, o Origin) {
		if !a.leftOut(o) && a.scopes[s] == nil {
			a.scopes[s] = &scopeState{id: s.ID()}
		}
	}
	for _, g := range a.batch.Groups {
		for _, p := range g.Parts {
			add(p.Scope, p.Origin)
		}
	}
	for _, e := range a.batch.Ends {
		add(e.Scope, e.Origin)
	}
	if len(a.scopes) == 0 {
		return nil
	}
	byID := map[id]*scopeState{}
	var ids []id
	var categories, accounts, regions, slicesOf []string
	for s, state := range a.scopes {
		byID[state.id] = state
		ids = append(ids, state.id)
		categories, accounts = append(categories, s.Category), append(accounts, s.Account)
		regions, slicesOf = append(regions, s.Region), append(slicesOf, s.Slice)
	}
	var batch pgx.Batch
	batch.Queue(insertScopesSQL, ids, categories, accounts, regions, slicesOf)
	batch.Queue(lockScopesSQL, ids)
	batch.Queue(readScopesSQL, ids).Query(func(rows pgx.Rows) error {
		var scope id
		var complete, newest *id
		var live, liveXor int64
		_, err := pgx.ForEachRow(rows, []any{&scope, &complete, &live, &liveXor, &newest}, func() error {
			state := byID[scope]
			state.complete, state.newest = runID(complete), runID(newest)
			state.live, state.liveXor = live, liveXor
			return nil
		})
		return err
	})
	return a.tx.SendBatch(ctx, &batch).Close()
}

func runID(v *id) *schema.RunID {
	if v == nil {
		return nil
	}
	r := schema.RunID(*v)
	return &r
}

// applyCategories applies the rows and ends of one category after the other,
// each behind a savepoint.
func (a *apply) applyCategories(ctx context.Context) error {
	work := map[string]*category{}
	get := func(name string) *category {
		if work[name] == nil {
			work[name] = &category{apply: a, table: a.loader.tables[name]}
		}
		return work[name]
	}
	for i := range a.batch.Groups {
		c := get(a.batch.Groups[i].Table.Name())
		c.group = &a.batch.Groups[i]
	}
	for i := range a.batch.Ends {
		if e := &a.batch.Ends[i]; !a.leftOut(e.Origin) {
			c := get(e.Scope.Category)
			c.ends = append(c.ends, e)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(work)) {
		if err := a.applyCategory(ctx, work[name]); err != nil {
			return fmt.Errorf("category %s: %w", name, err)
		}
	}
	return nil
}

// applyCategory applies one category. A data error, or somebody else's hand in the
// table, makes it start again more carefully; a table that does not fit parks the
// category.
func (a *apply) applyCategory(ctx context.Context, c *category) error {
	defer c.release()
	for {
		c.reset()
		if _, err := a.tx.Exec(ctx, "SAVEPOINT category"); err != nil {
			return err
		}
		err := c.applyRows(ctx)
		if err == nil {
			a.accept(c)
			_, err = a.tx.Exec(ctx, "RELEASE category")
			return err
		}
		class, meddled := Classify(err), meddled(err) && !c.stageAll
		if class != PutAside && class != Park && !meddled {
			return err
		}
		if _, err := a.tx.Exec(ctx, "ROLLBACK TO category; RELEASE category"); err != nil {
			return err
		}
		switch {
		case class == Park:
			a.park(c, err)
			return nil
		case meddled:
			c.stageAll = true
		case !c.careful:
			c.careful = true
		default:
			return err
		}
	}
}

// accept takes over what a category did once its savepoint is safe.
func (a *apply) accept(c *category) {
	a.result.Categories[c.table.Name()] = c.counts
	a.result.Bytes += c.bytes
	a.rejects = append(a.rejects, c.rejects...)
	a.done = append(a.done, c.done...)
	if c.counts.New+c.counts.Changed+c.counts.Gone > 0 {
		a.dirty = append(a.dirty, c.table.Name())
	}
}

// park keeps the records of a category whose table does not fit.
func (a *apply) park(c *category, why error) {
	if a.result.Parked == nil {
		a.result.Parked = map[string]error{}
	}
	a.result.Parked[c.table.Name()] = why
	a.loader.checks.forget(c.table.Name())
	keep := func(o Origin, s schema.Scope, run schema.RunID, part int) {
		if !a.leftOut(o) && o.Parked == 0 && o.Data != nil {
			a.parked = append(a.parked, recordReject(Reject{
				Reason: ReasonParked, Detail: why.Error(), Scope: s, Run: run, Part: part, Origin: o,
			}))
		}
	}
	if c.group != nil {
		for _, p := range c.group.Parts {
			keep(p.Origin, p.Scope, p.Run, p.Number)
		}
	}
	for _, e := range c.ends {
		keep(e.Origin, e.Scope, e.Run, -1)
	}
}

// markDirty notes the tables that changed. Rows are only ever inserted here, so
// that loaders do not wait for each other.
func (a *apply) markDirty(ctx context.Context) error {
	if len(a.dirty) == 0 {
		return nil
	}
	_, err := a.tx.Exec(ctx, `INSERT INTO hub.dirty (table_name) SELECT unnest($1::text[])`, a.dirty)
	return err
}

const advanceSQL = `
UPDATE hub.shard_progress p
SET sequence_number = greatest(p.sequence_number, k.sequence_number::numeric),
    ended = p.ended OR k.ended,
    arrived_at = greatest(p.arrived_at, k.arrived_at),
    updated_at = now()
FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::boolean[], $6::timestamptz[])
  AS k(stream, stream_created_at, shard, sequence_number, ended, arrived_at)
WHERE (p.stream, p.stream_created_at, p.shard) = (k.stream, k.stream_created_at, k.shard)`

// advance moves the shards that are where the batch expects them.
func (a *apply) advance(ctx context.Context) error {
	var order []int
	var sequences []string
	var ended []bool
	var arrived []*time.Time
	for i, advance := range a.batch.Advances {
		if a.moved[i] {
			continue
		}
		order = append(order, i)
		sequences = append(sequences, cmp.Or(advance.To.Sequence, "-1"))
		ended = append(ended, advance.To.Ended)
		if advance.Arrived.IsZero() {
			arrived = append(arrived, nil)
		} else {
			arrived = append(arrived, &a.batch.Advances[i].Arrived)
		}
	}
	if len(order) == 0 {
		return nil
	}
	_, err := a.tx.Exec(ctx, advanceSQL, append(shardColumns(a.batch.Advances, order), sequences, ended, arrived)...)
	return err
}

// compareParts orders parts by scope, run and number.
func compareParts(a, b *partWork) int {
	return cmp.Or(bytes.Compare(a.scope.id[:], b.scope.id[:]), a.Run.Compare(b.Run), a.Number-b.Number)
}
