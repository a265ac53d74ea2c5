package load_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/load"
)

func TestUnknownKeysAreStored(t *testing.T) {
	db := newDatabase(t, load.Config{})
	apply := func(part int, unknown map[string]int64) {
		t.Helper()
		b := build(t).part(things.Table, "", 1, part, thing(fmt.Sprint(part), "1"))
		batch := b.done()
		batch.Groups[0].UnknownKeys = unknown
		defer batch.Groups[0].Record.Release()
		if _, err := db.loader.Apply(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	stored := "SELECT key || '=' || count FROM hub.unknown_key WHERE category = 'things' ORDER BY key COLLATE \"C\""
	apply(0, nil)
	db.want(stored)
	apply(1, map[string]int64{"new": 2, "": 3, "nul\x00": 1})
	apply(2, map[string]int64{"new": 5})
	db.want(stored, "=3", "new=7", "nul\uFFFD=1")
	// A sender may name as many as it likes.
	for part := range 3 {
		many := map[string]int64{}
		for n := range 40 {
			many[fmt.Sprintf("%d-%d", part, n)] = 1
		}
		many["new"] = 1
		apply(3+part, many)
	}
	db.want("SELECT (count(*) < 100)::text FROM hub.unknown_key", "true")
	db.want("SELECT sum(count)::text FROM hub.unknown_key", fmt.Sprint(3+7+1+3*41))
	db.want("SELECT count::text FROM hub.unknown_key WHERE key = 'new'", "10")
	if got := db.query("SELECT key FROM hub.unknown_key WHERE key LIKE '2-%'"); len(got) > 0 {
		t.Errorf("%s are stored", strings.Join(got, " "))
	}
}
