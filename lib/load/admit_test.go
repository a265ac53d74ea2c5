package load_test

import (
	"testing"
	"time"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// A slice is a value of its column, written in one way: the database would read
// "20260101" as the same day, in another scope.
func TestAdmitReadsSlices(t *testing.T) {
	days := schema.Of[struct {
		Day  schema.Date `col:"day,key,slice"`
		Name string      `col:"name,key"`
	}](schema.Spec{Name: "days", Mode: schema.Snapshot})
	loader, err := load.New(nil, load.Config{Tables: []*schema.Table{days.Table}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for slice, ok := range map[string]bool{"2026-01-01": true, "20260101": false, "infinity": false, "0000-01-01": false,
		"": false} {
		scope := schema.Scope{Category: "days", Account: "123456789012", Region: "us-east-1", Slice: slice}
		_, refusal := loader.Admit(scope, schema.NewRunID(now), now)
		if ok != (refusal == nil) || !ok && refusal.Reason != schema.ReasonSlice {
			t.Errorf("slice %q: %v", slice, refusal)
		}
	}
}

// A run may start a little later than it arrived, if it is known when that was.
func TestAdmitComparesClocks(t *testing.T) {
	start := time.Now()
	for _, c := range []struct {
		ahead   time.Duration
		arrived time.Time
		refused bool
	}{
		{0, start.Add(-4 * time.Minute), false},
		{0, start.Add(-6 * time.Minute), true},
		{time.Minute, start.Add(-2 * time.Minute), true},
		{time.Hour, start.Add(-6 * time.Minute), false},
		{0, time.Time{}, false},
	} {
		loader, err := load.New(nil, load.Config{Tables: []*schema.Table{things.Table}, ClockAhead: c.ahead})
		if err != nil {
			t.Fatal(err)
		}
		_, refusal := loader.Admit(scopeOf(things.Table, ""), schema.NewRunID(start), c.arrived)
		if (refusal != nil) != c.refused || refusal != nil && refusal.Reason != load.ReasonClockAhead {
			t.Errorf("%v ahead of %v: %+v", c.ahead, c.arrived, refusal)
		}
	}
}
