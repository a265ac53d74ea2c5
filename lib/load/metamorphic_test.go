package load_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// sentRun is one run as a spoke sends it: its parts, each naming keys, and its end.
type sentRun struct {
	run     int
	parts   []map[string]string // content by key
	outcome schema.Outcome
	extent  schema.Extent
	rows    int
	// sameAs is the run that this one equals, if its outcome is unchanged.
	sameAs int
	// refused is the part in which one more row does not fit; -1 for none.
	refused int
}

// complete reports whether everything arrived that the run has asked for.
func (s sentRun) complete() bool { return s.outcome.Complete() && s.refused < 0 }

// full reports whether what the run does not name is gone, in a category of snapshots.
func (s sentRun) full(t *schema.Table) bool {
	return s.complete() && (s.extent == schema.Full || s.extent == "" && !t.Incremental())
}

// keys that runs name.
var keys = []string{"a", "b", "c", "d"}

// randomHistory returns a few runs of one scope over a few keys.
func randomHistory(r *rand.Rand) []sentRun {
	var history []sentRun
	for run := range 1 + r.IntN(5) {
		sent := sentRun{run: run, refused: -1}
		sent.outcome = []schema.Outcome{schema.OK, schema.OK, schema.OK, schema.Partial, schema.Failed}[r.IntN(5)]
		sent.extent = []schema.Extent{"", schema.Full, schema.Full, schema.Incremental, schema.Incremental}[r.IntN(5)]
		if run > 0 && r.IntN(4) == 0 { // of this spoke or another, with any base
			sent.outcome, sent.sameAs = schema.Unchanged, r.IntN(run)
			history = append(history, sent)
			continue
		}
		parts := r.IntN(4)
		for range parts {
			sent.parts = append(sent.parts, map[string]string{})
		}
		for _, key := range keys {
			if parts > 0 && r.IntN(3) > 0 {
				sent.parts[r.IntN(parts)][key] = fmt.Sprint(r.IntN(2))
				sent.rows++
			}
		}
		if parts > 0 && r.IntN(8) == 0 {
			sent.refused = r.IntN(parts)
			sent.rows++
		}
		history = append(history, sent)
	}
	return history
}

// newestWord is what the history says about every key, whatever the order it
// arrives in: the newest run that names the key decides, unless a newer complete full run
// of a snapshot category does not name it.
func newestWord(history []sentRun, t *schema.Table) map[string]string {
	full := -1
	for _, sent := range history {
		if t.Mode() == schema.Snapshot && sent.full(t) {
			full = max(full, sent.run)
		}
	}
	word := map[string]string{}
	for _, sent := range history { // ascending
		for _, part := range sent.parts {
			for key, content := range part {
				delete(word, key)
				if sent.run >= full {
					word[key] = content
				}
			}
		}
	}
	return word
}

// shape is a category as TestMetamorphic uses it.
type shape struct {
	table  *schema.Table
	slices []string
	// row as JSON, and the columns of live as "slice key=content".
	row  func(slice, key, content string) string
	live string
}

var shapes = []shape{
	{things.Table, []string{""}, func(_, key, content string) string { return thing(key, content) },
		"' ' || id || '=' || value"},
	{sightings.Table, []string{""}, func(_, key, content string) string { return thing(key, content) },
		"' ' || id || '=' || value"},
	{inventory.Table, []string{""}, func(_, key, content string) string { return thing(key, content) },
		"' ' || id || '=' || value"},
	{daily.Table, []string{"2026-07-30", "2026-07-31"}, func(slice, key, content string) string {
		return fmt.Sprintf(`{"day":%q,"name":%q,"amount":%q}`, slice, key, content)
	}, "day || ' ' || name || '=' || trim_scale(amount)"},
}

// piece is a part, or an end (part -1), of a history.
type piece struct {
	slice     string
	run, part int
}

// pieces returns everything that the histories of an account send, by slice, in
// random order and some of it twice.
func pieces(r *rand.Rand, histories map[string][]sentRun) []piece {
	var all []piece
	for _, slice := range slices.Sorted(maps.Keys(histories)) {
		for run, sent := range histories[slice] {
			for part := -1; part < len(sent.parts); part++ {
				for range 1 + r.IntN(2) {
					all = append(all, piece{slice, run, part})
				}
			}
		}
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (b *builder) piece(s shape, account string, histories map[string][]sentRun, p piece) {
	sent := histories[p.slice][p.run]
	if p.part < 0 {
		b.end(s.table, p.slice, sent.run, sent.outcome, len(sent.parts), sent.rows)
		e := &b.extent(sent.extent).batch.Ends[len(b.batch.Ends)-1]
		e.Scope.Account = account
		if sent.outcome == schema.Unchanged {
			e.SameAs, e.Requests = runAt(sent.sameAs), 1
		}
		return
	}
	var rows []string
	for _, key := range keys {
		if content, named := sent.parts[p.part][key]; named {
			rows = append(rows, s.row(p.slice, key, content))
		}
	}
	b.part(s.table, p.slice, sent.run, p.part, rows...)
	parts := b.parts[s.table.Name()]
	part := &parts[len(parts)-1]
	part.Scope.Account = account
	if sent.refused == p.part {
		part.Rejects = []load.RowReject{{Row: len(rows), Reason: schema.ReasonType, Excerpt: load.ExcerptOf([]byte("{}"), 2)}}
	}
}

// TestMetamorphic applies random histories in random orders, cut into batches at
// random, with repetitions, some of them by two loaders at once: the state is
// always the newest word on every key. Every history has an account of its own.
func TestMetamorphic(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.table.Name(), func(t *testing.T) { testMetamorphic(t, s, load.Config{}, randomHistory) })
	}
}

// TestMetamorphicWithFewKeys is the same where older runs are superseded as soon as a
// newer one has named a key. That loses nothing for good: a newer complete full run
// comes, in whatever order.
func TestMetamorphicWithFewKeys(t *testing.T) {
	thenComplete := func(r *rand.Rand) []sentRun {
		history := randomHistory(r)
		last := sentRun{run: len(history), outcome: schema.OK, extent: schema.Full, refused: -1,
			parts: []map[string]string{{}, {}}}
		for _, key := range keys {
			if r.IntN(3) > 0 {
				last.parts[r.IntN(2)][key] = fmt.Sprint(r.IntN(2))
				last.rows++
			}
		}
		return append(history, last)
	}
	for _, s := range shapes {
		if s.table.Mode() == schema.Snapshot {
			t.Run(s.table.Name(), func(t *testing.T) { testMetamorphic(t, s, load.Config{KeyLimit: 1}, thenComplete) })
		}
	}
}

func testMetamorphic(t *testing.T, s shape, config load.Config, history func(*rand.Rand) []sentRun) {
	const accounts, orders = 40, 3
	db := newDatabase(t, config)
	if !slices.Contains(categories, s.table) {
		db.exec(load.DDL(s.table))
	}
	r := rand.New(rand.NewPCG(7, uint64(len(s.table.Name()))))
	var want, complete, unchanged []string
	var loaders [2][]*load.Batch
	refused := 0
	for i := range accounts {
		histories := map[string][]sentRun{}
		for _, slice := range s.slices {
			histories[slice] = history(r)
			for _, sent := range histories[slice] {
				if sent.refused >= 0 {
					refused += orders
				}
			}
		}
		for order := range orders {
			account := fmt.Sprintf("%012d", i*orders+order)
			for slice, history := range histories {
				complete = append(complete, newestComplete(s.table, account, slice, history))
				if u := newestUnchanged(history); u != nil {
					unchanged = append(unchanged, fmt.Sprintf("%s %s %v %v", account, slice, runAt(u.run), runAt(u.sameAs)))
				}
				for key, content := range newestWord(history, s.table) {
					want = append(want, fmt.Sprintf("%s %s %s=%s", account, slice, key, content))
				}
			}
			b := build(t)
			loader := order % 2
			for i, p := range pieces(r, histories) {
				if i > 0 && r.IntN(3) == 0 {
					loaders[loader] = append(loaders[loader], b.done())
					b = build(t)
					loader = r.IntN(2)
				}
				b.piece(s, account, histories, p)
			}
			loaders[loader] = append(loaders[loader], b.done())
		}
	}
	var feeds []func() error
	for _, batches := range loaders {
		feeds = append(feeds, func() error {
			for _, b := range batches {
				if _, err := db.loader.Apply(t.Context(), b); err != nil {
					return err
				}
			}
			return nil
		})
	}
	eachFeeds(t, feeds...)
	slices.Sort(want)
	if got := db.query("SELECT account_id || ' ' || " + s.live + " FROM obs." + s.table.Name() +
		" WHERE deleted_at IS NULL"); !slices.Equal(got, want) {
		t.Errorf("%d live rows, want %d other ones:\n%s", len(got), len(want), difference(got, want))
	}
	slices.Sort(complete)
	db.want(`SELECT concat_ws(' ', account_id, slice, complete.run, coalesce(complete.extent, 'no'), full_run) FROM hub.scope s
		LEFT JOIN hub.run complete ON complete.scope = s.scope AND complete.run = complete_run`, complete...)
	slices.Sort(unchanged)
	db.want(`SELECT concat_ws(' ', account_id, slice, unchanged_run, unchanged_base) FROM hub.scope
		WHERE unchanged_run IS NOT NULL AND unchanged_runs > 0 AND unchanged_requests = unchanged_runs`, unchanged...)
	db.want("SELECT run::text FROM hub.run WHERE outcome = 'unchanged'")
	db.want("SELECT count(*)::text FROM hub.reject", fmt.Sprint(refused))
	db.want(`SELECT account_id FROM hub.run JOIN hub.scope USING (scope)
		WHERE outcome IN ('ok','empty') AND (completed_at IS NULL) = (rejects = 0) OR rows <> end_rows OR parts <> end_parts`)
	inSlice := ""
	if i := s.table.SliceColumn(); i >= 0 {
		inSlice = "AND t." + s.table.Columns()[i].Name + "::text = s.slice"
	}
	db.want(fmt.Sprintf(`SELECT s.account_id FROM hub.scope s WHERE live_rows >= 0 AND live_rows <>
		(SELECT count(*) FROM obs.%s t WHERE t.account_id = s.account_id AND deleted_at IS NULL %s)`, s.table.Name(), inSlice))
}

// newestComplete is what hub.scope says of a scope: its newest complete run with its
// extent, and its newest complete full run.
func newestComplete(t *schema.Table, account, slice string, history []sentRun) string {
	text := account + " " + slice
	newest, full := -1, -1
	for i, sent := range history {
		if sent.complete() {
			newest = i
		}
		if sent.full(t) {
			full = i
		}
	}
	if newest < 0 {
		return text + " no"
	}
	text += fmt.Sprintf(" %v %s", runAt(history[newest].run), cmp.Or(history[newest].extent, "no"))
	if full >= 0 {
		text += " " + runAt(history[full].run).String()
	}
	return text
}

// newestUnchanged is the unchanged run that is kept: with the newest base, and of those
// the newest.
func newestUnchanged(history []sentRun) (newest *sentRun) {
	for i, sent := range history {
		if sent.outcome == schema.Unchanged && (newest == nil || sent.sameAs >= newest.sameAs) {
			newest = &history[i]
		}
	}
	return newest
}

// difference lists what only one of two sorted lists has.
func difference(got, want []string) string {
	var b strings.Builder
	for _, x := range got {
		if _, found := slices.BinarySearch(want, x); !found {
			b.WriteString("  only got  " + x + "\n")
		}
	}
	for _, x := range want {
		if _, found := slices.BinarySearch(got, x); !found {
			b.WriteString("  only want " + x + "\n")
		}
	}
	return b.String()
}
