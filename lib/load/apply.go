package load

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// apply is one attempt to apply a batch.
type apply struct {
	tx     *tx
	loader *Loader
	batch  *Batch

	moved  map[*Advance]bool // by advance: left out
	scopes map[schema.Scope]*scopeState
	result Result

	rejects rejectList
	parked  []storedReject
	done    []int64 // parked rejects that are applied now
	dirty   map[mark]bool
	// refused are the scopes of parts that are kept as rejects since, or no longer.
	refused []schema.Scope
}

// mark says what changed, for the views.
type mark struct{ table, account, region string }

// scopesTable is what a mark calls hub.scope: a scope has its first complete run, or the
// first of these that is full.
const scopesTable = "hub.scope"

// scopeState is what the database knows of a scope, under its lock.
type scopeState struct {
	id       id
	name     schema.Scope
	refused  bool          // one too many of its account
	complete *schema.RunID // newest complete run
	full     *schema.RunID // newest complete run that read everything
	pruned   *schema.RunID // newest run that was pruned
	oldest   *schema.RunID // oldest run that is known at all
	newest   *schema.RunID // newest run that is known at all
	live     int64         // -1: not known
	liveXor  int64
	changed  bool // complete or live
}

// firstRun reports whether no other run of the scope was ever known: then all its
// rows are of this run.
func (s *scopeState) firstRun(run schema.RunID) bool {
	if s.complete != nil || s.pruned != nil {
		return false
	}
	return s.newest == nil || *s.oldest == run && *s.newest == run
}

// hasNewer reports whether a newer run than this one was known when the scope was
// locked.
func (s *scopeState) hasNewer(run schema.RunID) bool {
	return s.newest != nil && s.newest.Compare(run) > 0
}

// isPast reports whether a run is older than the newest complete full one, or than one
// with forgotten keys: so old a snapshot says nothing any more.
func (s *scopeState) isPast(run schema.RunID) bool {
	return s.full != nil && run.Compare(*s.full) < 0 || s.pruned != nil && run.Compare(*s.pruned) <= 0
}

func (a *apply) run(ctx context.Context) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	if err := a.applyCategories(ctx); err != nil {
		return err
	}
	for _, r := range a.batch.Rejects {
		if a.leftOut(r.Origin) {
			continue
		}
		a.rejects.record(r)
		if r.Origin.Parked != 0 {
			a.done = append(a.done, r.Origin.Parked)
		}
	}
	if err := a.storeRejects(ctx); err != nil {
		return fmt.Errorf("store rejects: %w", err)
	}
	a.markDirty()
	a.advance()
	a.storeUnknown()
	a.storeSources()
	return a.tx.send(ctx)
}

// begin begins the transaction and takes its locks: first its shards, then its
// scopes, both in a fixed order. What else is locked is so at the end, also in an order.
func (a *apply) begin(ctx context.Context) error {
	a.tx.add("begin", "BEGIN ISOLATION LEVEL READ COMMITTED", nil)
	a.tx.add("begin", fmt.Sprintf("SET LOCAL statement_timeout = %d", max(a.tx.timeout.Milliseconds(), 1)), nil)
	locked := a.lockShards()
	scopes, fresh := a.lockScopes()
	if err := a.tx.send(ctx); err != nil {
		return err
	}
	if *scopes != len(a.scopes) {
		return errScopePruned
	}
	if err := a.limitScopes(ctx, *fresh); err != nil {
		return fmt.Errorf("limit scopes: %w", err)
	}
	if n := len(a.batch.Advances); *locked != n {
		return fmt.Errorf("%d of %d shards found", *locked, n)
	}
	for i, advance := range a.batch.Advances {
		if a.moved[advance] {
			a.result.Moved = append(a.result.Moved, i)
		}
	}
	return nil
}

// leftOut reports whether the shard that o was read from has moved.
func (a *apply) leftOut(o Origin) bool { return o.Advance != nil && a.moved[o.Advance] }

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

// lockShards locks the shards of the batch and finds those that are not where the
// batch expects them. What it returns will say how many are locked.
func (a *apply) lockShards() (locked *int) {
	n := len(a.batch.Advances)
	a.moved, locked = map[*Advance]bool{}, new(int)
	if n == 0 {
		return locked
	}
	order := slices.Clone(a.batch.Advances)
	slices.SortFunc(order, func(x, y *Advance) int {
		s, t := x.Shard, y.Shard
		return cmp.Or(strings.Compare(s.Stream, t.Stream), s.Created.Compare(t.Created), strings.Compare(s.ID, t.ID))
	})
	shards := a.shardColumns(order)
	a.tx.add("insert shards", insertShardsSQL, nil, shards...)
	a.tx.add("lock shards", lockShardsSQL, func(v [][]byte) error {
		advance, sequence, ended := order[*locked], string(v[0]), v[1][0] != 0
		elsewhere := ended || stream.CompareSequences(sequence, advance.From.Sequence) != 0
		a.moved[advance] = advance.Withdrawn || !advance.Unordered && elsewhere
		*locked++
		return nil
	}, shards...)
	return locked
}

// shardColumns returns the identities of shards as three arrays.
func (a *apply) shardColumns(of []*Advance) []param {
	streams, shards := make([]string, len(of)), make([]string, len(of))
	created := make([]time.Time, len(of))
	for i, advance := range of {
		s := advance.Shard
		streams[i], created[i], shards[i] = s.Stream, s.Created, s.ID
	}
	return []param{
		a.tx.array(pgtype.TextArrayOID, streams), a.tx.array(pgtype.TimestamptzArrayOID, created),
		a.tx.array(pgtype.TextArrayOID, shards),
	}
}

const insertScopesSQL = `
INSERT INTO hub.scope (scope, category, account_id, region, slice)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) ORDER BY 1
ON CONFLICT DO NOTHING
RETURNING scope`

const lockScopesSQL = `SELECT FROM hub.scope WHERE scope = ANY($1::uuid[]) ORDER BY scope FOR UPDATE`

// The state is read by a statement of its own: one that waits for a lock keeps
// the snapshot from before the wait.
const readScopesSQL = `
SELECT s.scope, s.complete_run, s.full_run, s.pruned_run, s.live_rows, s.live_xor,
       (SELECT r.run FROM hub.run r WHERE r.scope = s.scope ORDER BY r.run LIMIT 1),
       (SELECT r.run FROM hub.run r WHERE r.scope = s.scope ORDER BY r.run DESC LIMIT 1)
FROM hub.scope s WHERE s.scope = ANY($1::uuid[])`

// lockScopes locks every scope of the batch and reads its state. What it returns will
// say how many are locked, and which of them are new.
func (a *apply) lockScopes() (locked *int, fresh *[]*scopeState) {
	locked, fresh = new(int), new([]*scopeState)
	a.scopes = map[schema.Scope]*scopeState{}
	known := func(s schema.Scope) {
		if a.scopes[s] == nil {
			a.scopes[s] = &scopeState{id: s.ID(), name: s}
		}
	}
	for _, g := range a.batch.Groups {
		for _, p := range g.Parts {
			known(p.Scope)
		}
	}
	for _, e := range a.batch.Ends {
		known(e.Scope)
	}
	if len(a.scopes) == 0 {
		return locked, fresh
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
	scopes := uuidList(ids)
	a.tx.add("insert scopes", insertScopesSQL, func(v [][]byte) error {
		*fresh = append(*fresh, byID[id(v[0])])
		return nil
	}, scopes, a.tx.array(pgtype.TextArrayOID, categories),
		a.tx.array(pgtype.TextArrayOID, accounts), a.tx.array(pgtype.TextArrayOID, regions),
		a.tx.array(pgtype.TextArrayOID, slicesOf))
	a.tx.add("lock scopes", lockScopesSQL, func([][]byte) error { *locked++; return nil }, scopes)
	a.tx.add("read scopes", readScopesSQL, func(v [][]byte) error {
		state := byID[id(v[0])]
		state.complete, state.full, state.pruned = runID(v[1]), runID(v[2]), runID(v[3])
		state.live, state.liveXor = bigint(v[4]), bigint(v[5])
		state.oldest, state.newest = runID(v[6]), runID(v[7])
		return nil
	}, scopes)
	return locked, fresh
}

func runID(v []byte) *schema.RunID {
	if v == nil {
		return nil
	}
	r := schema.RunID(v)
	return &r
}

// park keeps the records of a category because its table does not fit.
func (a *apply) park(c *category, why error) {
	if a.result.Parked == nil {
		a.result.Parked = map[string]error{}
	}
	a.result.Parked[c.table.Name()] = why
	a.loader.checks.forget(c.table.Name())
	keep := func(o Origin, s schema.Scope, run schema.RunID, part *int) {
		if !a.leftOut(o) && !a.scopes[s].refused && o.Parked == 0 && o.Data != nil {
			a.parked = append(a.parked, parkedRecord(Reject{
				Reason: ReasonParked, Detail: why.Error(), Scope: s, Run: run, Part: part, Origin: o,
			}))
		}
	}
	if c.group != nil {
		for _, p := range c.group.Parts {
			keep(p.Origin, p.Scope, p.Run, &p.Number)
		}
	}
	for _, e := range c.ends {
		keep(e.Origin, e.Scope, e.Run, nil)
	}
}

// markDirty notes what changed. Rows are only ever inserted here, so that loaders do not
// wait for each other.
func (a *apply) markDirty() {
	if len(a.dirty) == 0 {
		return
	}
	var tables, accounts, regions []string
	for m := range a.dirty {
		tables, accounts, regions = append(tables, m.table), append(accounts, m.account), append(regions, m.region)
	}
	a.tx.add("mark scopes dirty",
		`INSERT INTO hub.dirty (table_name, account_id, region) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])`,
		nil,
		a.tx.array(pgtype.TextArrayOID, tables), a.tx.array(pgtype.TextArrayOID, accounts),
		a.tx.array(pgtype.TextArrayOID, regions))
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
func (a *apply) advance() {
	if a.batch.stay {
		return
	}
	var order []*Advance
	var sequences []string
	var ended []bool
	var arrived []*time.Time
	for _, advance := range a.batch.Advances {
		if a.moved[advance] {
			continue
		}
		order = append(order, advance)
		sequences = append(sequences, cmp.Or(advance.To.Sequence, "-1"))
		ended = append(ended, advance.To.Ended)
		if advance.Arrived.IsZero() {
			arrived = append(arrived, nil)
		} else {
			arrived = append(arrived, &advance.Arrived)
		}
	}
	if len(order) > 0 {
		a.tx.add("advance shards", advanceSQL, nil, append(a.shardColumns(order), a.tx.array(pgtype.TextArrayOID, sequences),
			a.tx.array(pgtype.BoolArrayOID, ended), a.tx.array(pgtype.TimestamptzArrayOID, arrived))...)
	}
}

// compareParts orders parts by scope, run and number.
func compareParts(a, b *partWork) int {
	return cmp.Or(bytes.Compare(a.scope.id[:], b.scope.id[:]), a.Run.Compare(b.Run), a.Number-b.Number)
}
