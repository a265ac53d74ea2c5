package collect_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

var thingsHint = collect.Hint{Source: "aws.things", Types: []string{"Thing Changed"}}

// changed is an event that thingsHint takes.
func changed(at time.Time) collect.Event {
	return collect.Event{Source: "aws.things", Type: "Thing Changed", Account: account, Region: "eu-central-1", Time: at}
}

// watched is a runner of one scope in virtual time, with what it did.
type watched struct {
	*collect.Runner
	begin time.Time

	mu      sync.Mutex
	starts  []time.Duration // since begin
	since   []time.Duration // of incremental collectors; -1: everything
	results []collect.Result
}

// watch runs f beside a runner of things, which take the time given to collect and end
// with the errors given, one after the other. Incremental ones are asked for changes.
func watch(t *testing.T, every, takes time.Duration, incremental bool, errs []error, change func(*collect.Config),
	f func(w *watched)) *watched {
	t.Helper()
	w := &watched{begin: time.Now()}
	reads := func(ctx context.Context, env *collect.Env) error {
		w.mu.Lock()
		n := len(w.starts)
		w.starts = append(w.starts, time.Since(w.begin))
		w.since = append(w.since, -1)
		if !env.Since.IsZero() {
			w.since[n] = env.Since.Sub(w.begin).Round(time.Second)
		}
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(takes):
		}
		if n < len(errs) {
			return errs[n]
		}
		return nil
	}
	var c collect.Any
	if incremental {
		c = collect.Collector[event]{
			Category: events, Reach: collect.PerRegion, Every: every, Calls: []string{"x:Y"},
			Hints:       []collect.Hint{thingsHint},
			Incremental: &collect.Incremental{FullEvery: 24 * time.Hour, Overlap: 15 * time.Minute},
			Collect:     func(ctx context.Context, env *collect.Env, _ func(event) error) error { return reads(ctx, env) },
		}
	} else {
		s := collector(func(ctx context.Context, env *collect.Env, _ func(thing) error) error { return reads(ctx, env) })
		s.Every, s.Hints = every, []collect.Hint{thingsHint}
		c = s
	}
	cfg := config(c)
	cfg.Hooks.Finished = func(r collect.Result) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.results = append(w.results, r)
	}
	if change != nil {
		change(&cfg)
	}
	w.Runner = newRunner(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { w.Run(ctx) })
	f(w)
	cancel()
	wg.Wait()
	return w
}

// at sleeps until the time given has passed since the begin.
func (w *watched) at(d time.Duration) { time.Sleep(d - time.Since(w.begin)) }

// hear hears of a change and checks what becomes of it.
func (w *watched) hear(t *testing.T, change time.Duration, want collect.Heard) {
	t.Helper()
	if heard := w.Hear(changed(w.begin.Add(change))); heard != want {
		t.Errorf("at %v a change of %v is %s, want %s", time.Since(w.begin), change, heard, want)
	}
}

// TestHints has a history for each rule of hints: without it the starts are others.
func TestHints(t *testing.T) {
	const s, m, h = time.Second, time.Minute, time.Hour
	throttled := code("ThrottlingException")
	for name, test := range map[string]struct {
		every, takes time.Duration
		incremental  bool
		errs         []error
		change       func(*collect.Config)
		f            func(t *testing.T, w *watched)
		starts       []time.Duration
		since        []time.Duration
	}{
		"a hint is waited for, and counts as the regular run": {every: h, takes: s,
			f: func(t *testing.T, w *watched) {
				w.at(10 * m)
				w.hear(t, 10*m, collect.Taken)
				w.at(71 * m)
			},
			starts: []time.Duration{0, 10*m + 2*s, 70*m + 2*s}},
		"what a run has read is covered": {every: h, takes: s,
			f: func(t *testing.T, w *watched) {
				w.at(10 * m)
				w.hear(t, -3*s, collect.Covered)
				w.hear(t, -1*s, collect.Taken)
				w.at(20 * m)
			},
			starts: []time.Duration{0, 10*m + 2*s}},
		"what a run that failed did not read is not covered": {every: h, takes: s, errs: []error{code("AccessDenied")},
			f: func(t *testing.T, w *watched) {
				w.at(10 * m)
				w.hear(t, -3*s, collect.Taken)
				w.at(20 * m)
			},
			starts: []time.Duration{0, 10*m + 2*s}},
		"a change of the future is one of now": {every: 6 * h, takes: s,
			f: func(t *testing.T, w *watched) {
				w.at(10 * m)
				w.hear(t, 1000*h, collect.Taken)
				w.at(h)
			},
			starts: []time.Duration{0, 10*m + 2*s}},
		"a minute lies between runs": {every: 6 * h, takes: s,
			f: func(t *testing.T, w *watched) {
				for i := range 5 {
					w.at(10*m + time.Duration(i)*20*s)
					w.hear(t, time.Since(w.begin), collect.Taken)
				}
				w.at(h)
			},
			starts: []time.Duration{0, 10*m + 2*s, 11*m + 3*s, 12*m + 4*s}},
		"a tenth of the time at most": {every: 6 * h, takes: m,
			f: func(t *testing.T, w *watched) {
				w.at(20 * m)
				for range 60 {
					w.hear(t, time.Since(w.begin), collect.Taken)
					time.Sleep(30 * s)
				}
			},
			starts: []time.Duration{0, 20*m + 2*s, 30*m + 2*s, 40*m + 2*s}},
		"the regular time is kept": {every: h, takes: 10 * m,
			f: func(t *testing.T, w *watched) {
				w.at(50 * m)
				w.hear(t, 50*m, collect.Taken)
				w.at(61 * m)
			},
			starts: []time.Duration{0, h}},
		"a young hint makes a trailing run": {every: 6 * h, takes: s,
			f: func(t *testing.T, w *watched) {
				w.at(10 * m)
				w.hear(t, 10*m, collect.Taken)
				w.at(10*m + s)
				w.hear(t, 10*m+s, collect.Taken) // one second old when the run starts
				w.at(h)
			},
			starts: []time.Duration{0, 10*m + 2*s, 11*m + 3*s}},
		"a hint during a run makes another one": {every: 6 * h, takes: 4 * m,
			f: func(t *testing.T, w *watched) {
				w.at(m)
				w.hear(t, m, collect.Taken)
				w.at(h + 30*m)
			},
			starts: []time.Duration{0, 40 * m}},
		"a late hint is covered by the run under way": {every: 6 * h, takes: 4 * m, errs: nil,
			f: func(t *testing.T, w *watched) {
				w.at(m)
				w.hear(t, -10*s, collect.Taken)
				w.at(2 * h)
			},
			starts: []time.Duration{0}},
		"two marks": {every: 15 * m, takes: s, incremental: true,
			f: func(t *testing.T, w *watched) {
				w.at(20 * m)
				w.hear(t, 20*m, collect.Taken)
				w.at(25 * m)
				w.hear(t, 25*m, collect.Taken)
				w.at(31 * m)
			},
			starts: []time.Duration{0, 15 * m, 20*m + 2*s, 25*m + 2*s, 30 * m},
			// Hinted runs go on from the run before, the regular one from the regular one before.
			since: []time.Duration{-1, -15 * m, 14 * m, 19*m + 2*s, 0}},
		"a failure is repeated as always": {every: 6 * h, takes: s, errs: []error{nil, errors.New("no route to host")},
			f: func(t *testing.T, w *watched) {
				w.at(10 * m)
				w.hear(t, 10*m, collect.Taken)
				w.at(h)
			},
			starts: []time.Duration{0, 10*m + 2*s, 25*m + 3*s}},
		"after a throttled run hints wait for the retry": {every: 6 * h, takes: s, errs: []error{throttled},
			f: func(t *testing.T, w *watched) {
				w.at(5 * m)
				w.hear(t, 5*m, collect.Taken)
				w.at(h)
			},
			starts: []time.Duration{0, 15*m + s}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t, test.every, test.takes, test.incremental, test.errs, test.change,
					func(w *watched) { test.f(t, w) })
				for i := range w.starts {
					w.starts[i] = w.starts[i].Round(time.Second)
				}
				if !slices.Equal(w.starts, test.starts) {
					t.Errorf("starts %v, want %v", w.starts, test.starts)
				}
				if test.since != nil && !slices.Equal(w.since, test.since) {
					t.Errorf("since %v, want %v", w.since, test.since)
				}
			})
		})
	}
}

// TestHintWaitsForAPlace: a run that a hint made due waits for a worker like any other.
func TestHintWaitsForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, 6*time.Hour, time.Second, false, nil, func(c *collect.Config) {
			slow := collect.Collector[cost]{
				Category: costs, Reach: collect.PerRegion, Every: 30 * time.Minute, Calls: []string{"x:Y"},
				Slices: func(time.Time) []string { return []string{"2026-03-01"} },
				Collect: func(ctx context.Context, _ *collect.Env, _ func(cost) error) error {
					select {
					case <-ctx.Done():
					case <-time.After(4 * time.Minute):
					}
					return nil
				},
			}
			c.Collectors = append(c.Collectors, slow)
			c.MaxConcurrentRuns = 1
		}, func(w *watched) {
			w.at(31 * time.Minute) // slow runs from 30 to 34 minutes
			w.hear(t, 31*time.Minute, collect.Taken)
			w.at(time.Hour)
		})
		last := w.starts[len(w.starts)-1]
		if len(w.starts) != 2 || last < 34*time.Minute || last > 35*time.Minute {
			t.Errorf("starts %v", w.starts)
		}
	})
}

// TestPaidHints: hints lead to requests that AWS charges for once an hour at most.
func TestPaidHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Duration
		begin := time.Now()
		c := collector(func(context.Context, *collect.Env, func(thing) error) error {
			starts = append(starts, time.Since(begin))
			return nil
		})
		c.Every, c.Hints, c.PaidRequests = 24*time.Hour, []collect.Hint{thingsHint}, 1
		r := newRunner(t, config(c))
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Hour-time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			for time.Sleep(10 * time.Minute); ctx.Err() == nil; time.Sleep(time.Minute) {
				r.Hear(changed(time.Now()))
			}
		})
		r.Run(ctx)
		wg.Wait()
		if len(starts) != 4 {
			t.Errorf("starts %v", starts)
		}
	})
}

func TestHintedResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, 6*time.Hour, time.Second, false, []error{nil, errors.New("no route to host")}, nil, func(w *watched) {
			w.at(10 * time.Minute)
			w.hear(t, 9*time.Minute, collect.Taken)
			w.hear(t, 10*time.Minute, collect.Taken)
			w.at(time.Hour)
		})
		var hinted []time.Duration
		for _, r := range w.results {
			if r.Hinted.IsZero() {
				hinted = append(hinted, 0)
			} else {
				hinted = append(hinted, r.Hinted.Sub(w.begin).Round(time.Second))
			}
		}
		// The run that repeats the failed one answers the same event.
		if want := []time.Duration{0, 9 * time.Minute, 9 * time.Minute}; !slices.Equal(hinted, want) {
			t.Errorf("hinted %v, want %v", hinted, want)
		}
	})
}

// TestHintLatency: from a change to the end of the first run that began a second after
// it, for as many changes as come in the hours given.
func TestHintLatency(t *testing.T) {
	direct := func(r *rand.Rand) time.Duration {
		return 300*time.Millisecond + time.Duration(r.ExpFloat64()*float64(400*time.Millisecond))
	}
	trail := func(r *rand.Rand) time.Duration {
		return 20*time.Second + time.Duration(r.ExpFloat64()*float64(40*time.Second))
	}
	mean := func(d time.Duration) func(*rand.Rand, int) time.Duration {
		return func(r *rand.Rand, _ int) time.Duration { return time.Duration(r.ExpFloat64() * float64(d)) }
	}
	bursts := func(r *rand.Rand, i int) time.Duration {
		if i%200 == 0 {
			return 29 * time.Minute
		}
		return time.Duration(r.ExpFloat64() * float64(300*time.Millisecond))
	}
	none := func(*rand.Rand) time.Duration { return -1 }
	const s, m, h = time.Second, time.Minute, time.Hour
	for _, c := range []struct {
		name        string
		takes       time.Duration
		every       time.Duration
		incremental bool
		transport   func(*rand.Rand) time.Duration
		changes     func(*rand.Rand, int) time.Duration
		hours       int
		perHour     float64 // at most
		median, max time.Duration
	}{
		{"small, every 6 h", s, 6 * h, false, direct, mean(6 * h), 400, 0.35, 4 * s, 66 * s},
		{"small, every 10 min", s, 6 * h, false, direct, mean(10 * m), 48, 6.5, 4 * s, 66 * s},
		{"small, 200 in a minute, every 30 min", s, 6 * h, false, direct, bursts, 12, 6, 40 * s, 66 * s},
		{"small, one a second", s, 6 * h, false, direct, mean(s), 2, 60, 36 * s, 66 * s},
		{"findings, 5 a second", 3 * s, 15 * m, true, direct, mean(200 * time.Millisecond), 1, 60, 39 * s, 70 * s},
		{"20,000 resources, every 30 s", m, 6 * h, false, direct, mean(30 * s), 12, 6.1, 400 * s, 680 * s},
		{"1,000 keys, every 10 min", 150 * s, 6 * h, false, trail, mean(10 * m), 48, 2.6, 950 * s, 1700 * s},
		{"5,000 users, every hour", 20 * m, 24 * h, false, trail, mean(h), 200, 0.35, 9000 * s, 13500 * s},
		{"a key of many", s, 6 * h, false, trail, mean(10 * m), 48, 6.5, 90 * s, 10 * m},
		{"polling, 6 h", s, 6 * h, false, none, mean(10 * m), 48, 0.2, 4 * h, 6*h + 2*s},
		{"polling, 1 h", s, h, false, none, mean(10 * m), 24, 1.1, 40 * m, h + 2*s},
		{"polling, 15 min", s, 15 * m, false, none, mean(m), 12, 4.2, 10 * m, 15*m + 2*s},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, 2))
				var changes []time.Duration
				var from, to time.Duration
				w := watch(t, c.every, c.takes, c.incremental, nil, nil, func(w *watched) {
					w.at(4 * h)
					from = time.Since(w.begin)
					to = from + time.Duration(c.hours)*h
					for i := 0; time.Since(w.begin) < to; i++ {
						time.Sleep(c.changes(r, i))
						at := time.Since(w.begin)
						changes = append(changes, at)
						if late := c.transport(r); late >= 0 {
							time.AfterFunc(late, func() { w.Hear(changed(w.begin.Add(at))) })
						}
					}
					time.Sleep(2*c.every + h)
				})
				var late []time.Duration
				var runs float64
				for _, start := range w.starts {
					if start > from && start < to {
						runs++
					}
				}
				for _, at := range changes {
					i, _ := slices.BinarySearch(w.starts, at+s) // the API shows it
					if i == len(w.starts) {
						t.Fatalf("the change at %v was never read", at)
					}
					late = append(late, w.starts[i]+c.takes-at)
				}
				slices.Sort(late)
				median, most := late[len(late)/2], late[len(late)-1]
				if perHour := runs / float64(c.hours); perHour > c.perHour || median > c.median || most > c.max {
					t.Errorf("%d changes: %.2f runs an hour, median %v, most %v; want at most %v, %v, %v",
						len(changes), perHour, median, most, c.perHour, c.median, c.max)
				}
			})
		})
	}
}

// TestStormOfHints: 10,000 events make a run a minute, and no more.
func TestStormOfHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var worst time.Duration
		w := watch(t, 6*time.Hour, time.Second, false, nil, nil, func(w *watched) {
			w.at(10 * time.Minute)
			for range 10_000 {
				w.Hear(changed(time.Now()))
				time.Sleep(60 * time.Millisecond)
			}
			w.at(30 * time.Minute)
		})
		if len(w.starts) < 10 || len(w.starts) > 13 {
			t.Errorf("%d runs in 10 minutes of storm: %v", len(w.starts)-1, w.starts)
		}
		for i := 2; i < len(w.starts); i++ {
			worst = max(worst, w.starts[i]-w.starts[i-1])
		}
		if worst > 62*time.Second {
			t.Errorf("a change waited for %v", worst)
		}
	})
}

func TestHearAllocatesNothing(t *testing.T) {
	c := emits(0, nil)
	c.Hints = []collect.Hint{{Source: "aws.things", Calls: []string{"Create*", "DeleteThing"}}, thingsHint}
	r := newRunner(t, config(c))
	e := changed(time.Now())
	call := e
	call.Type, call.Call = "AWS API Call via CloudTrail", "DeleteThing"
	r.Hear(e)
	if n := testing.AllocsPerRun(1000, func() { r.Hear(e); r.Hear(call) }); n != 0 {
		t.Errorf("%v allocations for two hints", n)
	}
}

func BenchmarkHear(b *testing.B) {
	c := emits(0, nil)
	c.Hints = []collect.Hint{thingsHint}
	r, err := collect.New(config(c))
	if err != nil {
		b.Fatal(err)
	}
	e := changed(time.Now())
	b.ReportAllocs()
	for b.Loop() {
		r.Hear(e)
	}
}

// TestEventsAreNoRows: events that are lost, repeated or out of order leave the same
// rows, only at another time, and runs are bounded.
func TestEventsAreNoRows(t *testing.T) {
	const changes = 40
	world := func(t *testing.T, send func(r *rand.Rand, hear func(i int))) (int, []string) {
		var runs int
		var seen []string
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var items []string
			c := collector(func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
				mu.Lock()
				defer mu.Unlock()
				runs++
				seen = slices.Clone(items)
				for _, id := range items {
					if err := emit(thing{ID: id}); err != nil {
						return err
					}
				}
				return nil
			})
			c.Hints = []collect.Hint{thingsHint}
			r := newRunner(t, config(c))
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Hour-time.Minute)
			defer cancel()
			begin := time.Now()
			for i := range changes {
				time.AfterFunc(time.Duration(i)*time.Minute, func() {
					mu.Lock()
					defer mu.Unlock()
					items = append(items, fmt.Sprint("thing-", i))
				})
			}
			random := rand.New(rand.NewPCG(3, 4))
			send(random, func(i int) {
				at := begin.Add(time.Duration(i) * time.Minute)
				time.AfterFunc(time.Until(at)+time.Duration(random.IntN(100))*time.Minute/2, func() { r.Hear(changed(at)) })
			})
			r.Run(ctx)
		})
		return runs, seen
	}
	var want []string
	for i := range changes {
		want = append(want, fmt.Sprint("thing-", i))
	}
	for name, send := range map[string]func(*rand.Rand, func(int)){
		"lost": func(*rand.Rand, func(int)) {},
		"once": func(_ *rand.Rand, hear func(int)) {
			for i := range changes {
				hear(i)
			}
		},
		"50 times in any order": func(r *rand.Rand, hear func(int)) {
			for range 50 {
				for _, i := range r.Perm(changes) {
					hear(i)
				}
			}
		},
	} {
		runs, seen := world(t, send)
		if !slices.Equal(seen, want) {
			t.Errorf("%s: the last run saw %q", name, seen)
		}
		if runs > 3*60 || name == "lost" && runs != 4 {
			t.Errorf("%s: %d runs in 4 hours", name, runs)
		}
	}
}

func TestHearConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watch(t, time.Hour, time.Second, false, nil, nil, func(w *watched) {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for range 200 {
						w.Hear(changed(time.Now()))
						time.Sleep(time.Second)
					}
				})
			}
			wg.Wait()
		})
	})
}

func TestEventsOfOtherPlaces(t *testing.T) {
	of := func(name string, reach collect.Reach, hints ...collect.Hint) collect.Any {
		c := emits(0, nil)
		c.Category, c.Reach, c.Hints = schema.Of[thing](schema.Spec{Name: name, Mode: schema.Snapshot}), reach, hints
		return c
	}
	event := func(source, kind string) collect.Hint { return collect.Hint{Source: source, Types: []string{kind}} }
	only := func(h collect.Hint, region string) collect.Hint { h.Only = region; return h }
	cfg := config(
		of("regional", collect.PerRegion, event("aws.a", "A")),
		of("global", collect.Global, event("aws.a", "A"), only(event("aws.b", "B"), "us-east-1")),
		of("twofold", collect.PerRegionAndGlobal, event("aws.c", "C")),
		of("elsewhere", collect.PerRegion, only(event("aws.d", "D"), "us-west-2")),
	)
	cfg.Regions = []string{"eu-central-1", "us-east-1"}
	r := newRunner(t, cfg)
	cfg.Partition, cfg.Regions = "aws-us-gov", []string{"us-gov-east-1"}
	gov := newRunner(t, cfg)
	for _, test := range []struct {
		runner               *collect.Runner
		account, kind, where string
		want                 collect.Heard
		scopes               string
	}{
		{r, account, "a", "eu-central-1", collect.Taken, "regional/eu-central-1 global/global"},
		{r, account, "a", "ap-south-1", collect.Taken, "global/global"},
		{r, account, "b", "us-east-1", collect.Taken, "global/global"},
		{r, account, "b", "eu-central-1", collect.OtherRegion, ""},
		{r, account, "c", "eu-central-1", collect.Taken, "twofold/eu-central-1"},
		{r, account, "c", "us-east-1", collect.Taken, "twofold/us-east-1 twofold/global"},
		{r, account, "c", "ap-south-1", collect.OtherRegion, ""},
		{r, account, "d", "us-west-2", collect.Taken, "elsewhere/eu-central-1 elsewhere/us-east-1"},
		{r, account, "d", "us-east-1", collect.OtherRegion, ""},
		{r, account, "e", "us-east-1", collect.Unknown, ""},
		{r, "444455556666", "a", "us-east-1", collect.OtherAccount, ""},
		{gov, account, "b", "us-gov-west-1", collect.Taken, "global/global"},
		{gov, account, "b", "us-east-1", collect.OtherRegion, ""},
	} {
		e := collect.Event{Source: "aws." + test.kind, Type: strings.ToUpper(test.kind), Account: test.account,
			Region: test.where, Time: time.Now()}
		var scopes []string
		for _, s := range test.runner.ScopesOf(e) {
			scopes = append(scopes, s.Category+"/"+s.Region)
		}
		if got := strings.Join(scopes, " "); got != test.scopes {
			t.Errorf("%+v is for %q, want %q", e, got, test.scopes)
		}
		if heard := test.runner.Hear(e); heard != test.want {
			t.Errorf("%+v is %s, want %s", e, heard, test.want)
		}
	}
}

func TestHintsAreValidated(t *testing.T) {
	for want, change := range map[string]func(*collect.Collector[thing]){
		"source is malformed": func(c *collect.Collector[thing]) { c.Hints[0].Source = "AWS things" },
		"both or neither":     func(c *collect.Collector[thing]) { c.Hints[0].Calls = []string{"X"} },
		"neither of Types":    func(c *collect.Collector[thing]) { c.Hints[0].Types = nil },
		"a type is empty":     func(c *collect.Collector[thing]) { c.Hints[0].Types = []string{""} },
		"declared by Calls": func(c *collect.Collector[thing]) {
			c.Hints[0].Types = []string{"AWS API Call via CloudTrail"}
		},
		`call "a*b"`: func(c *collect.Collector[thing]) {
			c.Hints[0] = collect.Hint{Source: "a", Calls: []string{"a*b"}}
		},
		"is no region":     func(c *collect.Collector[thing]) { c.Hints[0].Only = "Ohio" },
		"Match is no JSON": func(c *collect.Collector[thing]) { c.Hints[0].Match = "[]" },
		"more than 4096": func(c *collect.Collector[thing]) {
			c.Hints[0].Types = []string{strings.Repeat("x", 4096)}
		},
		"one type of event": func(c *collect.Collector[thing]) {
			c.PaidRequests, c.Hints = 1, append(c.Hints, c.Hints[0])
		},
		"requests are paid, so ": func(c *collect.Collector[thing]) {
			c.PaidRequests, c.Hints[0].Types = 1, []string{"A", "B"}
		},
	} {
		c := emits(0, nil)
		c.Hints = []collect.Hint{thingsHint}
		if err := collect.Validate(c); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if err := collect.Validate(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	c := emits(0, nil)
	c.Hints = []collect.Hint{{Source: "aws.things", Types: []string{"Thing Changed"}}}
	c.Declaration().Hints[0].Types[0] = "another"
	if c.Hints[0].Types[0] != "Thing Changed" {
		t.Error("the declaration shares its hints with the collector")
	}
}

func TestPattern(t *testing.T) {
	got, err := collect.Pattern(thingsHint, collect.Hint{Source: "aws.things", Calls: []string{"Create*", "DeleteThing"}})
	want := `{"source":["aws.things"],"$or":[{"detail-type":["Thing Changed"]},{"detail-type":` +
		`["AWS API Call via CloudTrail","AWS Service Event via CloudTrail"],"detail":{"errorCode":[{"exists":false}],` +
		`"eventName":[{"prefix":"Create"},"DeleteThing"]}}]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, error %v; want %s", got, err, want)
	}
	if _, err := collect.Pattern(thingsHint, collect.Hint{Source: "aws.other", Types: []string{"x"}}); err == nil {
		t.Error("a pattern of two sources")
	}
}

const whole = `{"version":"0","source":"aws.kms","detail-type":"AWS API Call via CloudTrail","account":"111122223333",
	"region":"eu-central-1","time":"2026-03-01T10:00:00Z","detail":{"eventName":"DisableKey","eventname":"x"}}`

func TestParseEvent(t *testing.T) {
	e, err := collect.ParseEvent([]byte(whole))
	want := collect.Event{Source: "aws.kms", Type: "AWS API Call via CloudTrail", Call: "DisableKey", Account: account,
		Region: "eu-central-1", Time: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)}
	if err != nil || e != want {
		t.Errorf("%+v, error %v", e, err)
	}
	for part, say := range map[string]string{
		`{"version"`:            "JSON object",
		`"aws.kms"`:             `"source"`,
		`"111122223333"`:        `"account"`,
		`"eu-central-1"`:        `"region"`,
		`"2026-03-01T10:00:00Z`: `"time"`,
		`"DisableKey"`:          `"eventName"`,
	} {
		_, err := collect.ParseEvent([]byte(strings.Replace(whole, part, `"secret":1`, 1)))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("without %s: error %v, want %s", part, err, say)
		}
		if _, err = collect.ParseEvent([]byte(strings.Replace(whole, part, `""`, 1))); err == nil {
			t.Errorf("with an empty %s: no error", part)
		}
	}
}

// FuzzParseEvent compares with what encoding/json makes of a message as a whole.
func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"source":"a","SOURCE":"b","detail-type":"t","account":"1","region":"r","time":"2026-03-01T10:00:00Z"}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		e, err := collect.ParseEvent(message)
		var all map[string]any
		_ = json.Unmarshal(message, &all)
		get := func(m map[string]any, name string) string { s, _ := m[name].(string); return s }
		want := collect.Event{Source: get(all, "source"), Type: get(all, "detail-type"), Account: get(all, "account"),
			Region: get(all, "region")}
		at, timeErr := time.Parse(time.RFC3339, get(all, "time"))
		want.Time = at
		good := timeErr == nil && want.Source != "" && want.Type != "" && want.Account != "" && want.Region != ""
		if strings.HasSuffix(want.Type, " via CloudTrail") && strings.HasPrefix(want.Type, "AWS ") &&
			slices.Contains([]string{"AWS API Call", "AWS Service Event"}, strings.TrimSuffix(want.Type, " via CloudTrail")) {
			detail, _ := all["detail"].(map[string]any)
			want.Call = get(detail, "eventName")
			good = good && want.Call != ""
		}
		same := e.Time.Equal(want.Time)
		e.Time, want.Time = time.Time{}, time.Time{} // == would compare their locations, too
		if good != (err == nil) || good && (!same || e != want) {
			t.Errorf("%q: %+v, error %v; want %+v", message, e, err, want)
		}
	})
}
