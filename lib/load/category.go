package load

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/hubspoke/observability/lib/schema"
)

// category applies the rows and ends of one category of a batch.
type category struct {
	*apply
	table *schema.Table
	group *Group // nil: only ends
	ends  []*End

	// stageAll merges new and changed rows whatever is there, after somebody else
	// has written to the table meanwhile. careful bisects every write to the row that PostgreSQL refuses.
	stageAll, careful bool

	extended arrow.Record               // see extendedRecord
	locked   map[*scopeState]scopeState // the scopes as they were locked

	// What follows is made anew by each attempt.
	parts   []*partWork // that take effect, sorted
	runs    map[runKey]*runWork
	counts  Counts
	bytes   int64
	rejects rejectList
	done    []int64
	live    map[*scopeState]*liveChange
	dirty   map[mark]bool
}

// partWork is a part that takes effect.
type partWork struct {
	*Part
	scope *scopeState
	run   *runWork
	// superseded parts are counted and have no other effect.
	superseded bool
}

type runKey struct {
	scope id
	run   schema.RunID
}

// runWork is what a batch adds to a run.
type runWork struct {
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

func (c *category) reset() {
	if c.locked == nil {
		c.locked = map[*scopeState]scopeState{}
		for _, s := range c.scopeStates() {
			c.locked[s] = *s
		}
	}
	for s, locked := range c.locked {
		*s = locked
	}
	*c = category{
		apply: c.apply, table: c.table, group: c.group, ends: c.ends,
		stageAll: c.stageAll, careful: c.careful, extended: c.extended, locked: c.locked,
		rejects: rejectList{limit: c.loader.config.RejectLimit},
		runs:    map[runKey]*runWork{}, live: map[*scopeState]*liveChange{}, dirty: map[mark]bool{},
	}
}

func (c *category) applyRows(ctx context.Context) error {
	if err := c.limitKeys(ctx); err != nil {
		return fmt.Errorf("limit keys: %w", err)
	}
	if c.group != nil {
		if err := c.claimParts(ctx); err != nil {
			return err
		}
		if err := c.mergeRows(ctx); err != nil {
			return err
		}
	}
	for _, e := range c.ends {
		if r := c.runOf(e.Scope, e.Run); r.end == nil || e.Outcome.Complete() && !r.end.Outcome.Complete() {
			r.end = e
		}
		c.finished(e.Origin)
	}
	if err := c.storeRuns(ctx); err != nil {
		return fmt.Errorf("complete runs: %w", err)
	}
	return nil
}

// finished notes that a parked record, if o is one, need not be kept.
func (c *category) finished(o Origin) {
	if o.Parked != 0 {
		c.done = append(c.done, o.Parked)
	}
}

func (c *category) runOf(s schema.Scope, run schema.RunID) *runWork {
	state := c.scopes[s]
	key := runKey{state.id, run}
	r := c.runs[key]
	if r == nil {
		r = &runWork{scope: s, state: state, run: run, lastPart: -1}
		c.runs[key] = r
	}
	return r
}

func (c *category) liveOf(s *scopeState) *liveChange {
	l := c.live[s]
	if l == nil {
		l = &liveChange{}
		c.live[s] = l
	}
	return l
}

// changed notes that rows of the scope were written.
func (c *category) changed(s schema.Scope) { c.dirty[mark{c.table.Name(), s.Account, s.Region}] = true }

func (c *category) snapshot() bool { return c.table.Mode() == schema.Snapshot }

const claimSQL = `
INSERT INTO hub.run_part (scope, run, part, body_sha256, rows, row_keys)
SELECT p.scope, p.run, p.part, p.sha256, p.rows, CASE WHEN p.first < p.last THEN ($6::uuid[])[p.first + 1 : p.last] END
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::bytea[], $5::integer[], $7::integer[], $8::integer[])
  AS p(scope, run, part, sha256, rows, first, last)
ON CONFLICT DO NOTHING
RETURNING scope, run, part`

// claimParts inserts the parts into hub.run_part. Those that were there before
// have taken effect and are dropped.
func (c *category) claimParts(ctx context.Context) error {
	candidates := c.candidates()
	if len(candidates) == 0 {
		return nil
	}
	var scopes, runs []id
	var numbers, rows, first, last []int32
	var hashes [][]byte
	for _, p := range candidates {
		scopes, runs = append(scopes, p.scope.id), append(runs, id(p.Run))
		numbers, rows = append(numbers, int32(p.Number)), append(rows, int32(p.arrived()))
		hashes = append(hashes, p.SHA256[:])
		from, to := int32(p.First), int32(p.First+p.Rows)
		if p.superseded || !c.snapshot() {
			from, to = 0, 0 // nobody will ask which keys it named
		}
		first, last = append(first, from), append(last, to)
	}
	claimed := map[partKey]bool{}
	err := c.do(ctx, "claim parts", claimSQL, func(v [][]byte) error {
		claimed[partKey{id(v[0]), schema.RunID(v[1]), integer(v[2])}] = true
		return nil
	}, uuidList(scopes), uuidList(runs), ints(numbers), byteas(hashes), ints(rows), uuids(c.group.keys), ints(first), ints(last))
	if err != nil {
		return err
	}
	var repeated []*partWork
	for _, p := range candidates {
		c.finished(p.Origin)
		if !claimed[p.key()] {
			repeated = append(repeated, p)
			continue
		}
		c.parts = append(c.parts, p)
		c.addPart(p)
	}
	return c.checkRepeated(ctx, repeated)
}

type partKey struct {
	scope id
	run   schema.RunID
	part  int32
}

func (p *partWork) key() partKey { return partKey{p.scope.id, p.Run, int32(p.Number)} }

// candidates returns the parts of the group, sorted and each once.
func (c *category) candidates() []*partWork {
	var all []*partWork
	for i := range c.group.Parts {
		p := &c.group.Parts[i]
		if c.leftOut(p.Origin) || c.scopes[p.Scope].refused {
			continue
		}
		state := c.scopes[p.Scope]
		all = append(all, &partWork{Part: p, scope: state, superseded: c.snapshot() && state.isPast(p.Run)})
	}
	slices.SortStableFunc(all, compareParts)
	once := all[:0]
	for _, p := range all {
		if n := len(once); n > 0 && compareParts(once[n-1], p) == 0 {
			c.repeatedPart(p, once[n-1].SHA256[:])
			c.finished(p.Origin)
			continue
		}
		once = append(once, p)
	}
	return once
}

// addPart counts a part that takes effect.
func (c *category) addPart(p *partWork) {
	p.run = c.runOf(p.Scope, p.Run)
	p.run.parts++
	p.run.lastPart = max(p.run.lastPart, int32(p.Number))
	n := int64(p.arrived())
	p.run.rows += n
	c.counts.Parts++
	c.counts.Rows += n
	for _, r := range p.Rejects {
		c.rejectRow(p, r)
	}
	p.run.rejects += int64(p.MoreRejects)
	c.counts.Rejected += int64(p.MoreRejects)
}

func (c *category) rejectRow(p *partWork, r RowReject) {
	p.run.rejects++
	c.counts.Rejected++
	c.rejects.add(rejectKey{storable(p.Scope.Account), string(r.Reason)}, func() storedReject { return rowReject(p.Part, r) })
}

// repeatedPart counts a part that took effect before, and rejects it if its bytes
// were others then.
func (c *category) repeatedPart(p *partWork, before []byte) {
	c.counts.Repeated++
	if !bytes.Equal(before, p.SHA256[:]) {
		c.rejects.record(Reject{
			Reason: ReasonPartConflict,
			Detail: fmt.Sprintf("part %d of run %v was applied with body SHA-256 %x, not %x", p.Number, p.Run, before, p.SHA256),
			Scope:  p.Scope, Run: p.Run, Part: p.Number, Origin: p.Origin,
		})
	}
}

const repeatedSQL = `
SELECT k.ord::integer - 1, p.body_sha256
FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) WITH ORDINALITY AS k(scope, run, part, ord)
JOIN hub.run_part p ON (p.scope, p.run, p.part) = (k.scope, k.run, k.part)
ORDER BY k.ord`

// checkRepeated compares parts that were applied by an earlier transaction. One
// that was pruned meanwhile is only counted.
func (c *category) checkRepeated(ctx context.Context, parts []*partWork) error {
	if len(parts) == 0 {
		return nil
	}
	var scopes, runs []id
	var numbers []int32
	for _, p := range parts {
		scopes, runs, numbers = append(scopes, p.scope.id), append(runs, id(p.Run)), append(numbers, int32(p.Number))
	}
	before := make([][]byte, len(parts))
	err := c.do(ctx, "compare repeated parts", repeatedSQL, func(v [][]byte) error {
		before[integer(v[0])] = bytes.Clone(v[1])
		return nil
	}, uuidList(scopes), uuidList(runs), ints(numbers))
	if err != nil {
		return err
	}
	for i, p := range parts {
		if before[i] == nil {
			before[i] = p.SHA256[:]
		}
		c.repeatedPart(p, before[i])
	}
	return nil
}

// release gives back what the attempts made.
func (c *category) release() {
	if c.extended != nil {
		c.extended.Release()
		c.extended = nil
	}
}
