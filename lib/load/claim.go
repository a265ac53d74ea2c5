package load

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hubspoke/observability/lib/schema"
)

const claimSQL = `
INSERT INTO hub.run_part (scope, run, part, body_sha256, rows, row_keys)
SELECT p.scope, p.run, p.part, p.sha256, p.rows, CASE WHEN p.first < p.last THEN ($6::uuid[])[p.first + 1 : p.last] END
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::bytea[], $5::integer[], $7::integer[], $8::integer[])
  AS p(scope, run, part, sha256, rows, first, last)
ON CONFLICT DO NOTHING
RETURNING scope, run, part`

// claimParts inserts the parts into hub.run_part. Those that were there before
// have taken effect and are dropped. It locks the tables and looks at their columns in
// the same round trip.
func (t *attempt) claimParts(ctx context.Context) error {
	var scopes, runs []id
	var numbers, rows, first, last []int32
	var hashes, keys [][]byte
	offset := int32(0) // of the keys of a category among all
	candidates := map[*work][]*partWork{}
	for _, w := range t.work {
		if w.group == nil {
			continue
		}
		candidates[w] = w.candidates()
		for _, p := range candidates[w] {
			scopes, runs = append(scopes, p.scope.id), append(runs, id(p.Run))
			numbers, rows = append(numbers, int32(p.Number)), append(rows, int32(p.arrived()))
			hashes = append(hashes, p.SHA256[:])
			from, to := offset+int32(p.First), offset+int32(p.First+p.Rows)
			if p.superseded || !w.snapshot() {
				from, to = 0, 0 // nobody will ask which keys it named
			}
			first, last = append(first, from), append(last, to)
		}
		keys = append(keys, w.group.keys)
		offset += int32(w.group.Record.NumRows())
	}
	claimed := map[partKey]bool{}
	if len(scopes) > 0 {
		t.tx.add("claim parts", claimSQL, func(v [][]byte) error {
			claimed[partKey{id(v[0]), schema.RunID(v[1]), integer(v[2])}] = true
			return nil
		}, uuidList(scopes), uuidList(runs), ints(numbers), byteas(hashes), ints(rows), uuids(keys...), ints(first),
			ints(last))
	}
	attributes := t.lockTables()
	if err := t.tx.send(ctx); err != nil {
		return err
	}
	for _, w := range t.work {
		if w.group == nil {
			continue
		}
		if err := t.loader.checks.verify(ctx, t.tx.conn, w.table, attributes[w.table.Name()]); err != nil {
			return w.explain(err)
		}
	}
	repeated := map[*partWork]*work{}
	for _, w := range t.work {
		for _, p := range candidates[w] {
			t.finished(p.Origin)
			if !claimed[p.key()] {
				repeated[p] = w
				continue
			}
			w.parts = append(w.parts, p)
			w.addPart(p)
		}
	}
	return t.checkRepeated(ctx, repeated)
}

// A change to a column writes its row of pg_attribute anew, with the greater number of
// its own transaction.
const attributesSQL = `
SELECT k.name, to_regclass('pg_temp.' || k.stage) IS NOT NULL, (
    SELECT format('%s %s %s', min(attrelid), count(*), sum(xmin::text::bigint))
    FROM pg_attribute WHERE attrelid = ('obs.' || k.name)::regclass AND attnum > 0 AND NOT attisdropped)
FROM unnest($1::text[], $2::text[]) AS k(name, stage)`

// lockTables makes sure that the tables stay as they are until the end of the
// transaction, asks how they are, and which stages there are. What it returns will say
// how they are, by category.
func (t *attempt) lockTables() (attributes map[string]string) {
	attributes = map[string]string{}
	var names, tables, stages []string
	works := map[string]*work{}
	for _, w := range t.work {
		if w.group == nil {
			continue
		}
		names, tables = append(names, w.table.Name()), append(tables, tableName(w.table))
		stages = append(stages, stageName(w.table))
		works[w.table.Name()] = w
	}
	if len(names) == 0 {
		return attributes
	}
	t.tx.add("lock tables", "LOCK TABLE "+strings.Join(tables, ", ")+" IN ROW EXCLUSIVE MODE", nil)
	t.tx.add("look at tables", attributesSQL, func(v [][]byte) error {
		name := string(v[0])
		works[name].staged, attributes[name] = v[1][0] != 0, string(v[2])
		return nil
	}, t.tx.array(pgtype.TextArrayOID, names), t.tx.array(pgtype.TextArrayOID, stages))
	return attributes
}

type partKey struct {
	scope id
	run   schema.RunID
	part  int32
}

func (p *partWork) key() partKey { return partKey{p.scope.id, p.Run, int32(p.Number)} }

// candidates returns the parts of the group, sorted and each once.
func (w *work) candidates() []*partWork {
	var all []*partWork
	for i := range w.group.Parts {
		p := &w.group.Parts[i]
		state := w.attempt.scopes[p.Scope]
		if w.attempt.leftOut(p.Origin) || state.refused {
			continue
		}
		all = append(all, &partWork{Part: p, scope: state, superseded: w.snapshot() && state.isPast(p.Run)})
	}
	slices.SortStableFunc(all, compareParts)
	once := all[:0]
	for _, p := range all {
		if n := len(once); n > 0 && compareParts(once[n-1], p) == 0 {
			w.repeatedPart(p, once[n-1].SHA256[:])
			w.attempt.finished(p.Origin)
			continue
		}
		once = append(once, p)
	}
	return once
}

// addPart counts a part that takes effect.
func (w *work) addPart(p *partWork) {
	p.run = w.attempt.runs.of(w, p.Scope, p.Run)
	p.run.parts++
	p.run.lastPart = max(p.run.lastPart, int32(p.Number))
	n := int64(p.arrived())
	p.run.rows += n
	w.counts.Parts++
	w.counts.Rows += n
	for _, r := range p.Rejects {
		w.rejectRow(p, r)
	}
	p.run.rejects += int64(p.MoreRejects)
	w.counts.Rejected += int64(p.MoreRejects)
}

// repeatedPart counts a part that took effect before, and rejects it if its bytes
// were others then.
func (w *work) repeatedPart(p *partWork, before []byte) {
	w.counts.Repeated++
	if !bytes.Equal(before, p.SHA256[:]) {
		w.attempt.outcome.rejects.record(Reject{
			Reason: ReasonPartConflict,
			Detail: fmt.Sprintf("part %d of run %v was applied with body SHA-256 %x, not %x", p.Number, p.Run, before, p.SHA256),
			Scope:  p.Scope, Run: p.Run, Part: &p.Number, Origin: p.Origin,
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
func (t *attempt) checkRepeated(ctx context.Context, parts map[*partWork]*work) error {
	if len(parts) == 0 {
		return nil
	}
	ordered := slices.SortedFunc(maps.Keys(parts), compareParts)
	var scopes, runs []id
	var numbers []int32
	for _, p := range ordered {
		scopes, runs, numbers = append(scopes, p.scope.id), append(runs, id(p.Run)), append(numbers, int32(p.Number))
	}
	before := make([][]byte, len(ordered))
	err := t.tx.do(ctx, "compare repeated parts", repeatedSQL, func(v [][]byte) error {
		before[integer(v[0])] = bytes.Clone(v[1])
		return nil
	}, uuidList(scopes), uuidList(runs), ints(numbers))
	if err != nil {
		return err
	}
	for i, p := range ordered {
		if before[i] == nil {
			before[i] = p.SHA256[:]
		}
		parts[p].repeatedPart(p, before[i])
	}
	return nil
}
