package load

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hubspoke/observability/lib/schema"
)

// askForRows finds which rows of the claimed parts are new and which are changed, so that
// only those are written. A connection plans the question once for each category: with the
// settings of its session, every plan is a loop over the primary key.
func (t *attempt) askForRows(ctx context.Context) error {
	hidden, err := t.namedByNewer(ctx)
	if err != nil {
		return err
	}
	const step = "plan once"
	t.tx.add(step, "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)", nil)
	for _, w := range t.work {
		if w.group == nil {
			continue
		}
		w.effectiveRows(hidden)
		for _, row := range w.rows {
			r := w.partOf[row].run
			r.keys++
			r.keysXor ^= fingerprint(w.group.key(row))
		}
		first, others := w.firstRows()
		w.answer.fresh = first
		if len(others) > 0 {
			if err := w.ask(ctx, others); err != nil {
				return w.explain(err)
			}
		}
	}
	t.tx.add(step, "SELECT set_config('plan_cache_mode', 'auto', true)", nil)
	return t.tx.send(ctx)
}

// writeRows writes the new and the changed rows.
func (w *work) writeRows(ctx context.Context) error {
	if len(w.rows) == 0 {
		return nil
	}
	w.newerThanStored()
	fresh, staged, stage := w.answer.fresh, w.change.rows, w.updateRows
	if w.attempt.manner.viaStage {
		fresh, staged, stage = nil, slices.Concat(fresh, staged), w.upsertRows
	}
	if err := w.write(ctx, fresh, w.copyRows); err != nil {
		return fmt.Errorf("copy new rows: %w", err)
	}
	if err := w.write(ctx, staged, stage); err != nil {
		return fmt.Errorf("merge changed rows: %w", err)
	}
	w.countWritten()
	w.counts.Unchanged += int64(len(w.rows) - len(w.answer.fresh) - len(w.answer.changed))
	if !w.snapshot() {
		return w.touch(ctx, without(w.rows, w.answer.fresh, w.answer.changed))
	}
	return nil
}

// firstRows divides rows into those of their scopes' first runs, and the others.
// The first ones are new, since a run names a key once, and need not be asked for.
// If it does not, or somebody else wrote rows, the primary key refuses the COPY, and
// then everything is asked for.
func (w *work) firstRows() (first, others []int32) {
	if w.attempt.manner.viaStage {
		return nil, w.rows
	}
	for _, row := range w.rows {
		if p := w.partOf[row]; p.scope.firstRun(p.Run) {
			first = append(first, row)
		} else {
			others = append(others, row)
		}
	}
	return first, others
}

// effectiveRows sets the rows that may have an effect, about in the order of their keys and
// each key once, and the part of every row of the record. hidden rows have none.
func (w *work) effectiveRows(hidden map[rowOf]bool) {
	w.partOf = make([]*partWork, w.group.Record.NumRows())
	for _, p := range w.parts {
		if p.superseded {
			w.counts.Superseded += int64(p.Rows)
			continue
		}
		for row := int32(p.First); row < int32(p.First+p.Rows); row++ {
			if hidden[rowOf{w, row}] {
				// The key still counts as named by this run.
				p.run.keys++
				p.run.keysXor ^= fingerprint(w.group.key(row))
				w.counts.Superseded++
				continue
			}
			w.partOf[row] = p
		}
	}
	rows := make([]int32, 0, len(w.partOf))
	for _, row := range w.group.sorted {
		if w.partOf[row] != nil {
			rows = append(rows, row)
		}
	}
	w.rows = w.dropRepeated(rows)
}

// Each key of the newer runs is read once, with the newest run that names it. A key is
// of one scope.
const namedByNewerSQL = `
WITH named AS MATERIALIZED (
    SELECT DISTINCT ON (key) key, p.run
    FROM unnest($1::uuid[], $2::uuid[]) AS s(scope, oldest)
    JOIN hub.run_part p ON p.scope = s.scope AND p.run > s.oldest, unnest(p.row_keys) AS key
    ORDER BY key, p.run DESC
)
SELECT k.ord::integer - 1
FROM unnest($3::uuid[], $4::uuid[]) WITH ORDINALITY AS k(key, run, ord)
JOIN named n ON n.key = k.key AND n.run > k.run`

// rowOf is a row of a category.
type rowOf struct {
	work *work
	row  int32
}

// namedByNewer returns the rows with keys that a newer run of their scope has named:
// that run decides, also where it wrote nothing. It asks for all parts at once, so that
// the keys of a run are read once and not for every part.
func (t *attempt) namedByNewer(ctx context.Context) (map[rowOf]bool, error) {
	oldest := oldestRuns{}
	var rows []rowOf
	var keys [][]byte
	var runs []schema.RunID
	for _, w := range t.work {
		if !w.snapshot() {
			continue
		}
		for _, p := range w.parts {
			if p.superseded || p.Rows == 0 || !p.scope.hasNewer(p.Run) {
				continue
			}
			oldest.add(p.scope, p.Run)
			for row := int32(p.First); row < int32(p.First+p.Rows); row++ {
				rows, runs = append(rows, rowOf{w, row}), append(runs, p.Run)
				keys = append(keys, w.group.key(row))
			}
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	hidden := map[rowOf]bool{}
	scopes, since := oldest.params()
	hashJoins(t.tx, func() {
		t.tx.add("find keys of newer runs", namedByNewerSQL, func(v [][]byte) error {
			hidden[rows[integer(v[0])]] = true
			return nil
		}, scopes, since, uuids(keys...), uuidList(runs))
	})
	return hidden, t.tx.send(ctx)
}

// hashJoins is for statements, which add queues, that compare two large sets of keys: the
// settings of the connection would do that by a loop inside a loop. So would, with any
// settings, a planner that takes the table for small, as that of a new database.
func hashJoins(tx *tx, add func()) {
	const step = "plan hash joins"
	tx.add(step, "SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_nestloop', 'off', true)", nil)
	add()
	tx.add(step, "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_nestloop', 'on', true)", nil)
}

// dropRepeated keeps one row of each key. Of two runs the newer one has the word;
// a run that names a key twice contradicts itself, and its later row is rejected.
func (w *work) dropRepeated(rows []int32) []int32 {
	once := rows[:0]
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && bytes.Equal(w.group.key(rows[0]), w.group.key(rows[n])) {
			n++
		}
		once = append(once, w.newestOf(rows[:n]))
		rows = rows[n:]
	}
	return once
}

// newestOf returns which of the rows with one key has the word.
func (w *work) newestOf(rows []int32) int32 {
	partOf := w.partOf
	if len(rows) > 1 {
		slices.SortStableFunc(rows, func(a, b int32) int { return compareParts(partOf[a], partOf[b]) })
	}
	newest := rows[0]
	for _, row := range rows[1:] {
		before, p := partOf[newest], partOf[row]
		if before.run == p.run {
			w.rejectRow(p, w.refusal(row, p, ReasonRepeatedRow, "the run named this key before"))
			continue
		}
		before.run.keys++
		before.run.keysXor ^= fingerprint(w.group.key(row))
		w.counts.Superseded++
		newest = row
	}
	return newest
}

// refusal describes a row that was decoded but cannot be applied.
func (w *work) refusal(row int32, p *partWork, reason schema.Reason, detail string) RowReject {
	return RowReject{
		Row: p.number(row), Reason: reason, Detail: detail,
		Excerpt: rowText(w.table, w.group.Record, int(row)),
	}
}

// answer is what the table says about the rows of a batch. Rows that it does not
// name are there, live, with the same content.
type answer struct {
	fresh   []int32
	changed []storedRow
}

// storedRow is a row that is stored with other content, or gone, or under a key that
// a row of another account or region has.
type storedRow struct {
	row           int32
	run           schema.RunID
	gone, foreign bool
}

// The answer has a row per section. The section is a parameter of the inner query: joined
// to its rows it would cost a quarter more.
const askSQL = `
SELECT a.*
FROM unnest($3::text[], $4::text[], $5::integer[], $6::integer[]) AS s(account, region, first, last)
CROSS JOIN LATERAL (
    SELECT array_agg(s.first + k.ord::integer - 2) FILTER (WHERE t.row_key IS NULL),
           array_agg(s.first + k.ord::integer - 2) FILTER (WHERE t.row_key IS NOT NULL),
           array_agg(t.run_id) FILTER (WHERE t.row_key IS NOT NULL),
           array_agg(t.deleted_at IS NOT NULL) FILTER (WHERE t.row_key IS NOT NULL),
           array_agg(t.account_id <> s.account OR t.region <> s.region) FILTER (WHERE t.row_key IS NOT NULL)
    FROM unnest(($1::uuid[])[s.first:s.last], ($2::uuid[])[s.first:s.last]) WITH ORDINALITY AS k(key, hash, ord)
    LEFT JOIN %[1]s t ON t.row_key = k.key
    WHERE t.row_key IS NULL OR t.row_hash <> k.hash OR t.deleted_at IS NOT NULL
       OR t.account_id <> s.account OR t.region <> s.region
) a`

// askOneSQL is askSQL for rows of one account and region, which is quicker to plan.
const askOneSQL = `
SELECT array_agg(k.ord::integer - 1) FILTER (WHERE t.row_key IS NULL),
       array_agg(k.ord::integer - 1) FILTER (WHERE t.row_key IS NOT NULL),
       array_agg(t.run_id) FILTER (WHERE t.row_key IS NOT NULL),
       array_agg(t.deleted_at IS NOT NULL) FILTER (WHERE t.row_key IS NOT NULL),
       array_agg(t.account_id <> $3 OR t.region <> $4) FILTER (WHERE t.row_key IS NOT NULL)
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k(key, hash, ord)
LEFT JOIN %[1]s t ON t.row_key = k.key
WHERE t.row_key IS NULL OR t.row_hash <> k.hash OR t.deleted_at IS NOT NULL OR t.account_id <> $3 OR t.region <> $4`

// ask queues the question which of the rows are new and which are changed. It is prepared:
// to plan it takes longer than to answer it for a hundred rows, and a batch may have few
// rows of many categories.
func (w *work) ask(ctx context.Context, rows []int32) error {
	s, tx, a := sectionsOf(rows, w.partOf), w.attempt.tx, &w.answer
	name, sql := "ask_", askSQL
	places := []param{
		tx.array(pgtype.TextArrayOID, s.accounts), tx.array(pgtype.TextArrayOID, s.regions), ints(s.first), ints(s.last),
	}
	if len(s.accounts) == 1 {
		name, sql, places = "ask_one_", askOneSQL, []param{text(s.accounts[0]), text(s.regions[0])}
	}
	params := append([]param{uuidsOf(rows, w.group.keys), uuidsOf(rows, w.group.hashes)}, places...)
	name += w.table.Name()
	if _, err := tx.conn.Prepare(ctx, name, fmt.Sprintf(sql, tableName(w.table))); err != nil {
		return err
	}
	tx.addPrepared("compare with the table", name, func(v [][]byte) error {
		i := len(a.changed)
		if err := elements(v[0], func(v []byte) { a.fresh = append(a.fresh, rows[integer(v)]) }); err != nil {
			return err
		}
		if err := elements(v[1], func(v []byte) {
			a.changed = append(a.changed, storedRow{row: rows[integer(v)]})
		}); err != nil {
			return err
		}
		changed := a.changed[i:]
		i = 0
		if err := elements(v[2], func(v []byte) { changed[i].run = schema.RunID(v); i++ }); err != nil {
			return err
		}
		i = 0
		if err := elements(v[3], func(v []byte) { changed[i].gone = v[0] != 0; i++ }); err != nil {
			return err
		}
		i = 0
		return elements(v[4], func(v []byte) { changed[i].foreign = v[0] != 0; i++ })
	}, params...)
	return nil
}

// sections are stretches of rows that belong to one account and region, numbered
// from 1. They carry to the server once what all their rows share.
type sections struct {
	accounts, regions []string
	first, last       []int32
}

func sectionsOf(rows []int32, partOf []*partWork) (s sections) {
	for i, row := range rows {
		scope, n := &partOf[row].Scope, len(s.accounts)
		if n == 0 || s.accounts[n-1] != scope.Account || s.regions[n-1] != scope.Region {
			s.accounts, s.regions = append(s.accounts, scope.Account), append(s.regions, scope.Region)
			s.first, s.last = append(s.first, int32(i+1)), append(s.last, 0)
			n++
		}
		s.last[n-1] = int32(i + 1)
	}
	return s
}

// changedRows are rows to be written over stored ones.
type changedRows struct {
	rows []int32
	gone map[int32]bool
}

// newerThanStored keeps the changed rows that come from a newer run than the stored
// ones. It rejects those that would overwrite a row of another account or region.
func (w *work) newerThanStored() {
	changed := changedRows{gone: map[int32]bool{}}
	for _, s := range w.answer.changed {
		p := w.partOf[s.row]
		switch order := p.Run.Compare(s.run); {
		case s.foreign:
			w.rejectRow(p, w.refusal(s.row, p, ReasonForeignRow, "a row of another account or region has this key"))
			w.forgetKey(s.row, p)
		case order > 0:
			changed.rows = append(changed.rows, s.row)
			if s.gone {
				changed.gone[s.row] = true
			}
		case order == 0 && !s.gone:
			p.run.keys--
			p.run.keysXor ^= fingerprint(w.group.key(s.row))
			w.rejectRow(p, w.refusal(s.row, p, ReasonRepeatedRow, "the run named this key before, with other content"))
		default:
			w.counts.Superseded++
		}
	}
	w.change = changed
}

// countWritten counts new and changed rows, and what they mean for the live rows
// of their scopes.
func (w *work) countWritten() {
	for _, row := range w.answer.fresh {
		p := w.partOf[row]
		if p == nil {
			continue // rejected meanwhile
		}
		p.run.newRows++
		w.counts.New++
		w.addLive(row, p)
	}
	for _, row := range w.change.rows {
		p := w.partOf[row]
		if p == nil {
			continue
		}
		p.run.changedRows++
		w.counts.Changed++
		if w.change.gone[row] {
			w.addLive(row, p)
		}
	}
}

func (w *work) addLive(row int32, p *partWork) {
	w.attempt.runs.addLive(p.scope, w.group.key(row))
}
