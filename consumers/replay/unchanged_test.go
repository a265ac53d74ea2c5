package replay_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream/memstream"
)

// Runs that found nothing changed are in the stream and not in the archive, which has the
// runs that they name.

// unchangedHistory sends runs of two accounts. In the second one a run of another spoke comes
// in between. It returns the rows that each run saw, by account and time.
func (s *spokes) unchangedHistory() map[string][]string {
	s.Helper()
	saw := map[string][]string{}
	for _, a := range []string{account, other} {
		var now []thing
		c := collector(things, nil).(collect.Collector[thing])
		c.Collect = func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
			for _, row := range now {
				if err := emit(row); err != nil {
					return err
				}
			}
			return nil
		}
		spoke := s.spoke(a, c)
		collects := func(rows []thing, want schema.Outcome) {
			s.Helper()
			awaitNextMoment()
			now = rows
			result := s.collect(spoke)[0]
			if result.Outcome != want {
				s.Fatalf("%+v, want %s", result, want)
			}
			var texts []string
			for _, row := range rows {
				texts = append(texts, row.ID+"="+row.Value)
			}
			saw[fmt.Sprint(a, result.Run.Time().UnixMilli())] = texts
		}
		collects(numbered(0, 5, "old"), schema.OK)
		collects(numbered(0, 5, "old"), schema.Unchanged)
		collects(numbered(2, 8, "new"), schema.OK)
		collects(numbered(2, 8, "new"), schema.Unchanged)
		if a == other {
			awaitNextMoment()
			s.send(a, collector(things, errors.New("no answer"), numbered(0, 1, "partial")...))
		}
		collects(numbered(2, 8, "new"), schema.Unchanged)
	}
	return saw
}

// awaitNextMoment lets the clock of run ids go on: runs of one moment have no order.
func awaitNextMoment() {
	for start := time.Now(); time.Since(start) < 2*time.Millisecond; {
	}
}

// unchangedEnds returns the ends in the stream of runs that found nothing changed.
func (s *spokes) unchangedEnds() (ends []load.End) {
	for _, shard := range s.stream.Shards() {
		for _, r := range s.stream.Records(shard.Name) {
			if end := must(envelope.Parse(r.Data)).End; end != nil && end.Outcome == schema.Unchanged {
				ends = append(ends, load.End{Scope: end.Scope, Run: end.Run, Outcome: end.Outcome, Every: end.Every,
					Extent: end.Extent, Requests: end.Requests, Took: end.Took, SameAs: end.SameAs,
					Origin: load.Origin{Arrived: r.Arrived}})
			}
		}
	}
	return ends
}

// seen is what two databases have in common that have the same rows and runs.
func (d *database) seen() []string {
	d.Helper()
	return append(d.state(), d.query(
		`SELECT concat_ws(' ', account_id, seen_at, complete_run_at, last_run_at) FROM scope_status ORDER BY 1`)...)
}

func (d *database) wantSeen(what string, want []string) {
	d.Helper()
	if got := d.seen(); !slices.Equal(got, want) {
		d.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const laterThanComplete = `SELECT account_id || ' ' || coalesce(seen_at > complete_run_at, false)
	FROM scope_status ORDER BY 1`

// TestReplayOfUnchangedRuns: the rows are those of the stream, and are as fresh once the ends
// have come from there, whichever come first.
func TestReplayOfUnchangedRuns(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.stream = memstream.New(2)
	s.unchangedHistory()
	live, replayed := newDatabase(t), newDatabase(t)
	s.live(live, 2*4+1)
	live.want(laterThanComplete, account+" true", other+" false")
	want, rows := live.seen(), live.state()
	if len(rows) < 14 {
		t.Fatalf("only %q", rows)
	}

	s.replay(live)
	live.wantSeen("after a replay over it", want)

	if summary := s.replay(replayed); !summary.Complete() || summary.Runs != 5 {
		t.Errorf("%+v", summary)
	}
	if got := replayed.state(); !slices.Equal(got, rows) {
		t.Errorf("replayed %q, want %q", got, rows)
	}
	replayed.want(laterThanComplete, account+" false", other+" false")
	must(replayed.loader.Apply(t.Context(), &load.Batch{Ends: s.unchangedEnds()}))
	replayed.wantSeen("with the ends of the stream", want)
}

// TestReplayOfUnchangedRunsInAnyOrder: ends and runs of the archive come one by one. Rows are
// never said to have been seen at a time at which they were not as they are.
func TestReplayOfUnchangedRunsInAnyOrder(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.stream = memstream.New(2)
	saw := s.unchangedHistory()
	whole := newDatabase(t)
	s.replay(whole)
	ends := s.unchangedEnds()
	must(whole.loader.Apply(t.Context(), &load.Batch{Ends: ends}))
	want := whole.seen()
	manifests := map[string][]byte{}
	for _, key := range s.keys(".manifest.json") {
		manifests[key] = s.get(key)
	}
	credited := 0
	for seed := range uint64(12) {
		d := newDatabase(t)
		var steps []func()
		for _, end := range ends {
			steps = append(steps, func() { must(d.loader.Apply(t.Context(), &load.Batch{Ends: []load.End{end}})) })
		}
		keys := s.keys(".manifest.json")
		for _, key := range keys {
			s.delete(key)
			steps = append(steps, func() {
				s.put(key, manifests[key])
				s.replay(d)
			})
		}
		r := rand.New(rand.NewPCG(seed, 1))
		r.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		for _, step := range steps {
			step()
			// Where a newer run came, the rows are those that it saw, as far as it came.
			for _, at := range d.query("SELECT concat(account_id, floor(extract(epoch FROM seen_at) * 1000)::bigint) " +
				"FROM scope_status WHERE seen_at > complete_run_at AND seen_at = last_run_at") {
				credited++
				there := d.query("SELECT id || '=' || value FROM obs.things WHERE deleted_at IS NULL AND account_id = '" +
					at[:len(account)] + "' ORDER BY id")
				if !slices.Equal(there, saw[at]) {
					t.Errorf("seed %d: %q are said to have been seen by a run that saw %q", seed, there, saw[at])
				}
			}
		}
		d.wantSeen(fmt.Sprintf("seed %d", seed), want)
	}
	if credited < 30 {
		t.Errorf("only %d times rows were said to have been seen again", credited)
	}
}

// TestUnchangedRunsOfAMissingRun are worth nothing until it is there.
func TestUnchangedRunsOfAMissingRun(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.stream = memstream.New(2)
	s.unchangedHistory()
	live, d := newDatabase(t), newDatabase(t)
	s.live(live, 2*4+1)
	key := s.keys(account, ".manifest.json")[1] // the names begin with the time
	manifest := s.get(key)
	s.delete(key)
	must(d.loader.Apply(t.Context(), &load.Batch{Ends: s.unchangedEnds()}))
	s.replay(d)
	d.want(laterThanComplete, account+" false", other+" false")
	d.want("SELECT DISTINCT value FROM obs.things WHERE deleted_at IS NULL AND account_id = '"+account+"'", "old")
	s.put(key, manifest)
	s.replay(d)
	d.wantSeen("once it is there", live.seen())
}
