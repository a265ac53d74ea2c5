package collect_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// ends returns the ends in the stream in their order, and how many records there are.
func (p *publisher) ends(t *testing.T) (ends []*envelope.EndHeader, records int) {
	t.Helper()
	for _, m := range p.stored {
		r, err := envelope.Parse(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if r.End != nil {
			ends = append(ends, r.End)
		}
	}
	return ends, len(p.stored)
}

// compressOnce makes the compressor of the archive's files, which has channels, outside of
// any bubble of synctest.
func compressOnce(t *testing.T) {
	t.Helper()
	cfg := config(emits(1, nil))
	cfg.Archive = newArchive(t, &bucket{})
	if _, err := newRunner(t, cfg).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestUnchangedScope: what is as it was sends its end alone, and that for a day.
func TestUnchangedScope(t *testing.T) {
	name := func(s string) *string { return &s }
	rows := []thing{{"a", name("1")}, {"b", nil}, {"c", name("2")}}
	steps := []struct {
		what  string
		after time.Duration
		emit  []thing
		err   error
		want  schema.Outcome
		base  int // step that it equals
	}{
		{what: "first", emit: rows, want: schema.OK},
		{what: "same", after: time.Hour, emit: rows, want: schema.Unchanged, base: 0},
		{what: "other order", after: time.Hour, emit: []thing{rows[2], rows[0], rows[1]}, want: schema.Unchanged, base: 0},
		{what: "a day is over", after: 22 * time.Hour, emit: rows, want: schema.OK},
		{what: "one byte", after: time.Hour, emit: []thing{rows[0], rows[1], {"c", name("3")}}, want: schema.OK},
		{what: "as before", after: time.Hour, emit: rows, want: schema.OK},
		{what: "one more", after: time.Hour, emit: append(slices.Clone(rows), thing{ID: "d"}), want: schema.OK},
		{what: "one fewer", after: time.Hour, emit: rows, want: schema.OK},
		{what: "denied", after: time.Hour, err: code("AccessDenied"), want: schema.Denied},
		{what: "allowed again", after: time.Hour, emit: rows, want: schema.OK},
		{what: "half of it", after: time.Hour, emit: rows, err: errors.New("no answer"), want: schema.Partial},
		{what: "all again", after: time.Hour, emit: rows, want: schema.OK},
		{what: "a row twice", after: time.Hour, emit: append(slices.Clone(rows), rows[0]), want: schema.OK},
		{what: "once", after: time.Hour, emit: rows, want: schema.Unchanged, base: 12},
		{what: "a row twice again", after: time.Hour, emit: append(slices.Clone(rows), rows[0]), want: schema.OK},
		{what: "one thing", after: time.Hour, emit: []thing{{ID: "x"}}, want: schema.OK},
		{what: "nothing", after: time.Hour, want: schema.Empty},
		{what: "nothing still", after: time.Hour, want: schema.Unchanged, base: 16},
	}
	compressOnce(t)
	synctest.Test(t, func(t *testing.T) {
		step := 0
		p, b := &publisher{}, &bucket{}
		cfg := config(collector(func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
			for _, row := range steps[step].emit {
				if err := emit(row); err != nil {
					return err
				}
			}
			return steps[step].err
		}))
		cfg.Publisher, cfg.Archive = p, newArchive(t, b)
		runner := newRunner(t, cfg)
		var runs []schema.RunID
		for ; step < len(steps); step++ {
			test := steps[step]
			time.Sleep(test.after)
			_, records := p.ends(t)
			objects := len(b.objects)
			results, _ := runner.Once(t.Context())
			runs = append(runs, results[0].Run)
			ends, now := p.ends(t)
			end := ends[len(ends)-1]
			if end.Outcome != test.want || results[0].Outcome != test.want {
				t.Errorf("%s: the end says %s, the result %s; want %s", test.what, end.Outcome, results[0].Outcome, test.want)
			}
			if test.want != schema.Unchanged {
				continue
			}
			if end.SameAs != runs[test.base] || results[0].SameAs != end.SameAs || results[0].Fault() != nil {
				t.Errorf("%s: %+v equals %v, want the run of step %d", test.what, results[0], end.SameAs, test.base)
			}
			if now != records+1 || len(b.objects) != objects || end.Extent != schema.Full {
				t.Errorf("%s: %d records and %d objects more; the end is %+v", test.what, now-records, len(b.objects)-objects, end)
			}
		}
	})
}

// TestUnchangedIsTurnedOff: by a FullEvery that is over at once, and where there is no stream.
func TestUnchangedIsTurnedOff(t *testing.T) {
	for name, configure := range map[string]func(*collect.Config){
		"a nanosecond":             func(c *collect.Config) { c.Publisher, c.FullEvery = &publisher{}, time.Nanosecond },
		"no stream":                func(*collect.Config) {},
		"all at once does not fit": func(c *collect.Config) { c.Publisher, c.ChunkRows = &publisher{}, 2 },
	} {
		cfg := config(emits(3, nil))
		cfg.Archive = newArchive(t, &bucket{})
		configure(&cfg)
		runner := newRunner(t, cfg)
		for range 2 {
			if results, err := runner.Once(t.Context()); err != nil || results[0].Outcome != schema.OK || results[0].Rows != 3 {
				t.Errorf("%s: %+v, %v", name, results, err)
			}
		}
	}
}

// TestUnchangedSlices: each slice is judged for itself, and another one's fault is no
// matter.
func TestUnchangedSlices(t *testing.T) {
	synctest.Test(t, testUnchangedSlices)
}

func testUnchangedSlices(t *testing.T) {
	days := []string{"2026-07-01", "2026-07-02", "2026-07-03"}
	service, fault := "EC2", error(nil)
	p := &publisher{}
	cfg := config(collect.Collector[cost]{
		Category: costs, Reach: collect.Global, Every: time.Hour, Calls: []string{"ce:GetCostAndUsage"},
		Slices: func(time.Time) []string { return days },
		Collect: func(_ context.Context, _ *collect.Env, emit func(cost) error) error {
			for _, d := range days {
				row := cost{Day: day(d), Service: "S3"}
				if d == "2026-07-02" {
					row.Service = service
				}
				if err := emit(row); err != nil {
					return err
				}
			}
			return fault
		},
	})
	cfg.Publisher = p
	runner := newRunner(t, cfg)
	once := func() string {
		time.Sleep(time.Minute)
		results, _ := runner.Once(t.Context())
		outcomes := make([]string, len(results))
		for i, r := range results {
			outcomes[i] = string(r.Outcome)
		}
		return strings.Join(outcomes, " ")
	}
	want := func(what, want string) {
		t.Helper()
		if got := once(); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	want("first", "ok ok ok")
	want("same", "unchanged unchanged unchanged")
	service = "RDS"
	want("one changed", "unchanged ok unchanged")
	fault = collect.SliceErrors{days[0]: errors.New("no answer")}
	want("one failed", "partial unchanged unchanged")
	fault = nil
	want("all again", "ok unchanged unchanged")
	days = days[1:]
	want("one is not collected any more", "unchanged unchanged")
	days = append([]string{"2026-07-01"}, days...)
	service = "S3"
	want("and is again", "ok ok unchanged")
}

// TestUnchangedIsTrue: whatever faults stream and archive have, an unchanged run equals
// one that both have all of, and nothing else came between. After any fault all rows are
// sent. Without one they are not sent twice.
func TestUnchangedIsTrue(t *testing.T) {
	const chunk = 5
	compressOnce(t)
	unchanged := 0
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			world := map[string]string{}
			var broken error
			p, b := &publisher{}, &bucket{}
			faults := 0.0
			p.fail = func(context.Context, []stream.Message) error {
				if r.Float64() < faults {
					return errors.New("the stream refuses")
				}
				return nil
			}
			b.fail = func(string) error {
				if r.Float64() < faults {
					return errors.New("S3 refuses")
				}
				return nil
			}
			cfg := config(collector(func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
				for id, name := range world { // in any order
					if err := emit(thing{ID: id, Name: &name}); err != nil {
						return err
					}
				}
				return broken
			}))
			cfg.Publisher, cfg.Archive, cfg.ChunkRows = p, newArchive(t, b), chunk
			runner := newRunner(t, cfg)
			saw := map[schema.RunID]map[string]string{}
			good := map[schema.RunID]bool{} // stream and archive have all of it
			var last collect.Result         // that was sent whole, nothing but unchanged ones after it
			var before collect.Result
			for step := range 40 {
				time.Sleep(time.Duration(r.IntN(5*60)) * time.Minute)
				faults = []float64{0, 0, 0, 0.3}[r.IntN(4)]
				broken = nil
				if r.IntN(8) == 0 {
					broken = errors.New("AWS is away")
				}
				if r.IntN(3) == 0 {
					id := fmt.Sprint("thing-", r.IntN(8))
					if _, there := world[id]; there && r.IntN(2) == 0 {
						delete(world, id)
					} else {
						world[id] = fmt.Sprint(r.IntN(3))
					}
				}
				results, _ := runner.Once(t.Context())
				result := results[0]
				saw[result.Run] = maps.Clone(world)
				fits := len(world) < chunk
				recent := !last.Run.Time().IsZero() && result.Run.Time().Sub(last.Run.Time()) < 24*time.Hour
				switch {
				case result.Outcome == schema.Unchanged:
					unchanged++
					if result.SameAs != last.Run || !good[last.Run] || !recent || before.Fault() != nil ||
						!maps.Equal(saw[last.Run], world) {
						t.Fatalf("seed %d, step %d: %+v equals %+v; before it came %+v", seed, step, result, last, before)
					}
				case fits && recent && last.Run != (schema.RunID{}) && broken == nil && faults == 0 &&
					maps.Equal(saw[last.Run], world):
					t.Fatalf("seed %d, step %d: %+v is as %v was, and sent", seed, step, result, last.Run)
				default:
					last = collect.Result{}
					if good[result.Run] = result.Fault() == nil && result.Outcome.Complete(); good[result.Run] {
						last = result
					}
				}
				if result.Fault() != nil {
					last = collect.Result{}
				}
				before = result
			}
		})
	}
	if unchanged < 100 {
		t.Errorf("%d runs were unchanged", unchanged)
	}
}
