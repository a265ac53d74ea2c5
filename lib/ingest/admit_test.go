package ingest_test

import (
	"testing"
	"time"

	"github.com/hubspoke/observability/lib/ingest"
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
		_, refusal := ingest.Admit(loader, scope, schema.NewRunID(now), now, time.Minute)
		if ok != (refusal == nil) || !ok && refusal.Reason != schema.ReasonSlice {
			t.Errorf("slice %q: %v", slice, refusal)
		}
	}
}
