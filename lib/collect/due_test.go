package collect_test

import (
	"context"
	"testing"
	"time"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// TestNothingIsMissedByAProcessThatKeepsNothing: whatever single invocation fails, the next one
// asks from before what that would have read.
func TestNothingIsMissedByAProcessThatKeepsNothing(t *testing.T) {
	const every, overlap = time.Hour, 15 * time.Minute
	due := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	var since time.Time
	cfg := config(collect.Collector[event]{
		Category: events, Reach: collect.PerRegion, Every: every, Calls: []string{"x:ListThings"},
		Incremental: &collect.Incremental{FullEvery: 6 * time.Hour, Overlap: overlap},
		Collect: func(_ context.Context, env *collect.Env, _ func(event) error) error {
			since = env.Since
			return nil
		},
	})
	cfg.Due = due
	for range 2 { // also the first run
		if _, err := newRunner(t, cfg).Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := due.Add(-2*every - overlap); !since.Equal(want) {
			t.Errorf("what changed since %v is asked for, want %v", since, want)
		}
	}
}

func TestOnceOfCollectsTheScopesThatAreGiven(t *testing.T) {
	cfg := config(emits(1, nil))
	cfg.Regions = []string{"eu-central-1", "us-east-1"}
	r := newRunner(t, cfg)
	results, err := r.OnceOf(t.Context(), []schema.Scope{r.Scopes()[1], {Category: "others"}})
	if err != nil || len(results) != 1 || results[0].Scope != r.Scopes()[1] {
		t.Errorf("%+v, %v", results, err)
	}
	if results, err := r.OnceOf(t.Context(), nil); err != nil || len(results) != 0 {
		t.Errorf("of no scopes: %+v, %v", results, err)
	}
}
