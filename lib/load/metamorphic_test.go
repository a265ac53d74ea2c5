package load_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// sentRun is one run as a spoke sends it: its parts, each naming keys, and its end.
type sentRun struct {
	run     int
	parts   []map[string]string // content by key
	outcome schema.Outcome
	rows    int
}

// randomHistory returns a few runs of one scope over a few keys.
func randomHistory(r *rand.Rand) []sentRun {
	var history []sentRun
	for run := range 1 + r.IntN(4) {
		sent := sentRun{run: run, outcome: []schema.Outcome{schema.OK, schema.OK, schema.OK, schema.Partial, schema.Failed}[r.IntN(5)]}
		parts := r.IntN(4)
		for range parts {
			sent.parts = append(sent.parts, map[string]string{})
		}
		for _, key := range []string{"a", "b", "c", "d"} {
			if parts > 0 && r.IntN(3) > 0 {
				sent.parts[r.IntN(parts)][key] = fmt.Sprint(r.IntN(2))
				sent.rows++
			}
		}
		history = append(history, sent)
	}
	return history
}

// newestWord is what the history says about every key, whatever the order it
// arrives in: the newest run that names the key decides, unless a newer complete
// snapshot does not name it.
func newestWord(history []sentRun, snapshot bool) []string {
	complete := -1
	for _, sent := range history {
		if snapshot && sent.outcome.Complete() {
			complete = max(complete, sent.run)
		}
	}
	word := map[string]string{}
	for _, sent := range history { // ascending
		for _, part := range sent.parts {
			for key, content := range part {
				delete(word, key)
				if sent.run >= complete {
					word[key] = content
				}
			}
		}
	}
	var live []string
	for key, content := range word {
		live = append(live, key+"="+content)
	}
	slices.Sort(live)
	return live
}

// piece is a part, or an end (part -1), of a history.
type piece struct{ run, part int }

// pieces returns everything a history sends, in random order and some of it twice.
func pieces(r *rand.Rand, history []sentRun) []piece {
	var all []piece
	for run, sent := range history {
		for part := -1; part < len(sent.parts); part++ {
			for range 1 + r.IntN(2) {
				all = append(all, piece{run, part})
			}
		}
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (b *builder) piece(table *schema.Table, account string, history []sentRun, p piece) {
	sent := history[p.run]
	if p.part < 0 {
		b.end(table, "", sent.run, sent.outcome, len(sent.parts), sent.rows)
		b.batch.Ends[len(b.batch.Ends)-1].Scope.Account = account
		return
	}
	var rows []string
	for _, key := range []string{"a", "b", "c", "d"} {
		if content, named := sent.parts[p.part][key]; named {
			rows = append(rows, thing(key, content))
		}
	}
	b.part(table, "", sent.run, p.part, rows...)
	parts := b.parts[table.Name()]
	parts[len(parts)-1].Scope.Account = account
}

// TestMetamorphic applies random histories in random orders, cut into batches at
// random, with repetitions, some of them by two loaders at once: the state is
// always the newest word on every key. Every history has an account of its own.
func TestMetamorphic(t *testing.T) {
	const histories, orders = 60, 3
	for _, table := range []*schema.Table{things.Table, sightings.Table} {
		t.Run(table.Name(), func(t *testing.T) {
			db := newDatabase(t, load.Config{})
			r := rand.New(rand.NewPCG(7, uint64(len(table.Name()))))
			want := map[string][]string{}
			var loaders [2][]*load.Batch
			next := 0
			for range histories {
				history := randomHistory(r)
				for order := range orders {
					account := fmt.Sprintf("%012d", next)
					next++
					want[account] = newestWord(history, table.Mode() == schema.Snapshot)
					b := build(t)
					loader := order % 2
					for i, p := range pieces(r, history) {
						if i > 0 && r.IntN(3) == 0 {
							loaders[loader] = append(loaders[loader], b.done())
							b = build(t)
							loader = r.IntN(2)
						}
						b.piece(table, account, history, p)
					}
					loaders[loader] = append(loaders[loader], b.done())
				}
			}
			var group sync.WaitGroup
			for _, batches := range loaders {
				group.Go(func() {
					for _, b := range batches {
						if _, err := db.loader.Apply(t.Context(), b); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
			for account, live := range want {
				got := db.query("SELECT id || '=' || value FROM obs."+table.Name()+" WHERE deleted_at IS NULL AND account_id = $1", account)
				if !slices.Equal(got, live) {
					t.Errorf("account %s: %q, want %q", account, got, live)
				}
			}
			if bad := db.query(`SELECT account_id FROM hub.run JOIN hub.scope USING (scope)
				WHERE outcome IN ('ok','empty') AND completed_at IS NULL OR rows <> end_rows OR parts <> end_parts`); len(bad) > 0 {
				t.Errorf("runs that miss something, of accounts %q", bad)
			}
			if bad := db.query(fmt.Sprintf(`SELECT s.account_id FROM hub.scope s WHERE live_rows >= 0 AND live_rows <>
				(SELECT count(*) FROM obs.%s t WHERE t.account_id = s.account_id AND deleted_at IS NULL)`, table.Name())); len(bad) > 0 {
				t.Errorf("the number of live rows is wrong for accounts %q", bad)
			}
		})
	}
}
