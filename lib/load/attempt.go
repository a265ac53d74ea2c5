package load

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/hubspoke/observability/lib/schema"
)

// category is what a batch has of one category.
type category struct {
	table *schema.Table
	group *Group // nil: only ends
	ends  []*End

	extended arrow.Record // see extendedRecord
}

func (c *category) snapshot() bool { return c.table.Mode() == schema.Snapshot }

// extendedRecord returns the group's record with the system columns before its
// own. It is made when the first row is written.
func (c *category) extendedRecord() arrow.Record {
	if c.extended == nil {
		c.extended = withSystemColumns(c.group)
	}
	return c.extended
}

// release gives back what the attempts made.
func (c *category) release() {
	if c.extended != nil {
		c.extended.Release()
		c.extended = nil
	}
}

// manner is how an attempt writes rows: in the usual one it trusts the answer to its
// question which rows there are, and that PostgreSQL takes them.
type manner struct {
	// viaStage merges new and changed rows whatever is there, after somebody else has
	// written to the table meanwhile.
	viaStage bool
	// bisect finds the row that PostgreSQL refuses by halving every write.
	bisect bool
}

// attempt applies the rows and ends of some categories once: of all in the batch
// together, since each question to the server costs time, or of one that has trouble.
type attempt struct {
	tx      *tx
	loader  *Loader
	manner  manner
	leftOut func(Origin) bool
	scopes  map[schema.Scope]*scopeState // as this attempt changes them
	work    []*work
	runs    runs
	outcome outcome
}

// outcome is what an attempt did. It counts when the transaction keeps it.
type outcome struct {
	counts  map[string]Counts // by category
	bytes   int64             // that were copied
	rejects rejectList
	done    []int64 // parked rejects that are applied now
	dirty   map[mark]bool
}

// work is what an attempt does with one category.
type work struct {
	*category
	attempt *attempt

	counts Counts
	parts  []*partWork // that take effect, sorted
	rows   []int32     // that may have an effect, about in the order of their keys
	partOf []*partWork // of each row of the record
	answer answer
	change changedRows
	staged bool // its stage is there
}

// partWork is a part that takes effect.
type partWork struct {
	*Part
	scope *scopeState
	run   *runWork
	// superseded parts are counted and have no other effect.
	superseded bool
}

func newAttempt(a *apply, categories []*category, how manner) *attempt {
	t := &attempt{
		tx: a.tx, loader: a.loader, manner: how, leftOut: a.leftOut,
		scopes: map[schema.Scope]*scopeState{},
		outcome: outcome{
			counts: map[string]Counts{}, rejects: rejectList{limit: a.loader.config.RejectLimit}, dirty: map[mark]bool{},
		},
	}
	names := map[string]bool{}
	for _, c := range categories {
		t.work = append(t.work, &work{category: c, attempt: t})
		names[c.table.Name()] = true
	}
	for scope, locked := range a.scopes {
		if names[scope.Category] {
			state := *locked
			t.scopes[scope] = &state
		}
	}
	t.runs = runs{attempt: t, byKey: map[runKey]*runWork{}, live: map[*scopeState]*liveChange{}, locked: a.scopes}
	return t
}

// run claims the parts, asks which of their rows are new or changed, writes those, and
// completes runs.
func (t *attempt) run(ctx context.Context) (outcome, error) {
	if err := t.limitKeys(ctx); err != nil {
		return outcome{}, fmt.Errorf("limit keys: %w", err)
	}
	if err := t.claimParts(ctx); err != nil {
		return outcome{}, err
	}
	if err := t.askForRows(ctx); err != nil {
		return outcome{}, err
	}
	for _, w := range t.work {
		if err := w.writeRows(ctx); err != nil {
			return outcome{}, w.explain(err)
		}
	}
	if err := t.tx.send(ctx); err != nil { // a run is complete with the rows that were written
		return outcome{}, err
	}
	var unchanged []*End
	for _, w := range t.work {
		for _, e := range w.ends {
			if e.Outcome == schema.Unchanged {
				w.counts.UnchangedRuns++
				unchanged = append(unchanged, e)
				t.finished(e.Origin)
				continue
			}
			if r := t.runs.of(w, e.Scope, e.Run); r.end == nil || e.Outcome.Complete() && !r.end.Outcome.Complete() {
				r.end = e
			}
			t.finished(e.Origin)
		}
	}
	t.storeUnchanged(unchanged)
	if err := t.runs.store(ctx); err != nil {
		return outcome{}, fmt.Errorf("complete runs: %w", err)
	}
	for _, w := range t.work {
		t.outcome.counts[w.table.Name()] = w.counts
	}
	return t.outcome, nil
}

// explain names the category in an error.
func (w *work) explain(err error) error { return fmt.Errorf("category %s: %w", w.table, err) }

// finished notes that a parked record, if o is one, need not be kept.
func (t *attempt) finished(o Origin) {
	if o.Parked != 0 {
		t.outcome.done = append(t.outcome.done, o.Parked)
	}
}

// changed notes that rows of the scope were written.
func (t *attempt) changed(s schema.Scope) {
	t.outcome.dirty[mark{s.Category, s.Account, s.Region}] = true
}

func (w *work) rejectRow(p *partWork, r RowReject) {
	p.run.rejects++
	w.counts.Rejected++
	w.attempt.outcome.rejects.add(rejectKey{storable(p.Scope.Account), string(r.Reason)},
		func() storedReject { return rowReject(p.Part, r) })
}

// applyCategories applies the rows and ends of all categories together. Where a row or a
// table makes trouble, it applies one after the other, so that the others go on.
func (a *apply) applyCategories(ctx context.Context) error {
	all := a.categories()
	defer func() {
		for _, c := range all {
			c.release()
		}
	}()
	together, alone := a.loader.trouble.separate(all)
	if len(together) > 1 {
		undone, err := a.attempt(ctx, together, manner{})
		if err != nil && !undone {
			return err
		}
		if err == nil {
			together = nil
		}
	}
	for _, c := range slices.Concat(together, alone) {
		if err := a.applyCategory(ctx, c); err != nil {
			return fmt.Errorf("category %s: %w", c.table, err)
		}
	}
	return nil
}

// categories returns what the batch has of each category, in the order of their names.
func (a *apply) categories() []*category {
	byName := map[string]*category{}
	get := func(name string) *category {
		if byName[name] == nil {
			byName[name] = &category{table: a.loader.tables[name]}
		}
		return byName[name]
	}
	for i := range a.batch.Groups {
		c := get(a.batch.Groups[i].Table.Name())
		c.group = &a.batch.Groups[i]
		for _, p := range c.group.Parts {
			if !a.leftOut(p.Origin) {
				a.refuse(p.Origin, p.Scope, p.Run, &p.Number)
			}
		}
	}
	for i := range a.batch.Ends {
		if e := &a.batch.Ends[i]; !a.leftOut(e.Origin) && !a.refuse(e.Origin, e.Scope, e.Run, nil) {
			c := get(e.Scope.Category)
			c.ends = append(c.ends, e)
		}
	}
	var categories []*category
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		categories = append(categories, byName[name])
	}
	return categories
}

// applyCategory applies one category. A data error, or somebody else's hand in the
// table, makes it start again in another manner; a table that does not fit parks the
// category.
func (a *apply) applyCategory(ctx context.Context, c *category) error {
	var how manner
	for {
		undone, err := a.attempt(ctx, []*category{c}, how)
		switch {
		case err == nil:
			a.loader.trouble.over(c)
			return nil
		case !undone:
			return err
		case changedByOthers(err) && !how.viaStage:
			how.viaStage = true
		case Classify(err) == PutAside && !how.bisect:
			how.bisect = true
		default: // the table does not fit, or refuses what is not a row
			a.loader.trouble.begin(c)
			a.park(c, err)
			return nil
		}
	}
}

// attempt applies categories once, behind a savepoint. After an error that concerns rows
// or tables everything is as it was before; undone says so.
func (a *apply) attempt(ctx context.Context, categories []*category, how manner) (undone bool, err error) {
	a.tx.add("savepoint", "SAVEPOINT categories", nil)
	did, err := newAttempt(a, categories, how).run(ctx)
	if err == nil {
		a.accept(did)
		a.tx.add("release savepoint", "RELEASE categories", nil)
		return false, nil
	}
	class := Classify(err)
	if class != PutAside && class != Park && (!changedByOthers(err) || how.viaStage) {
		return false, err
	}
	a.tx.drop()
	if _, failed := a.tx.conn.Exec(ctx, "ROLLBACK TO categories; RELEASE categories"); failed != nil {
		return false, failed
	}
	return true, err
}

// accept takes over what an attempt did.
func (a *apply) accept(did outcome) {
	maps.Copy(a.result.Categories, did.counts)
	a.result.Bytes += did.bytes
	a.rejects.join(&did.rejects)
	a.done = append(a.done, did.done...)
	maps.Copy(a.dirty, did.dirty)
}
