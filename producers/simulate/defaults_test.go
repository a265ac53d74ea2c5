package simulate

import (
	"testing"
	"time"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

type lamp struct {
	Room  string `col:"room,key"`
	Watts *int64 `col:"watts"`
}

// lampKind says nothing but what is required.
func lampKind(mode schema.Mode, reach collect.Reach) kind[lamp] {
	return kind[lamp]{
		of: collect.Collector[lamp]{
			Category: schema.Of[lamp](schema.Spec{Name: "lamps", Mode: mode}),
			Reach:    reach,
		},
		size: 200,
		make: func(g *gen) lamp { return lamp{Room: g.app() + g.hex(2), Watts: new(g.Int64N(1 << 40))} },
	}
}

// TestDefaults: without a story things appear, change and, in a snapshot, disappear, and
// no two have the same key.
func TestDefaults(t *testing.T) {
	for _, mode := range []schema.Mode{schema.Snapshot, schema.Event} {
		w, err := New(Config{Accounts: 1, Start: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		k := lampKind(mode, collect.PerRegionAndGlobal)
		k.populate(w, w.Accounts()[0])
		for _, region := range append([]string{schema.GlobalRegion}, w.Regions()...) {
			c, ok := w.cells[schema.Scope{Category: "lamps", Account: w.Accounts()[0].ID, Region: region}].(*cell[lamp])
			if !ok {
				t.Fatalf("there are no lamps in %s", region)
			}
			before := map[string]int64{}
			for _, row := range c.rows {
				before[row.Room] = *row.Watts
			}
			if len(before) != len(c.rows) || len(before) < 20 {
				t.Errorf("%s: %d lamps in %d rooms", region, len(c.rows), len(before))
			}
			appeared, other, seen := 0, 0, map[string]bool{}
			for range 500 {
				c.advance(w.now())
			}
			for _, row := range c.rows {
				if seen[row.Room] {
					t.Errorf("%s: two lamps in %s", region, row.Room)
				}
				seen[row.Room] = true
				switch watts, was := before[row.Room]; {
				case !was:
					appeared++
				case watts != *row.Watts:
					other++
				}
			}
			lost := 0
			for room := range before {
				if !seen[room] {
					lost++
				}
			}
			if appeared == 0 || other == 0 || (lost > 0) != (mode == schema.Snapshot) {
				t.Errorf("%v, %s: %d appeared, %d changed, %d disappeared", mode, region, appeared, other, lost)
			}
		}
	}
}
