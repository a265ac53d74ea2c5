package load_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

func (db *database) content(t *schema.Table) load.ContentResult {
	db.Helper()
	tx, err := db.pool.Begin(db.Context())
	if err != nil {
		db.Fatal(err)
	}
	defer func() { _ = tx.Rollback(db.Context()) }()
	result, err := load.CheckContent(db.Context(), tx, t, 3)
	if err != nil {
		db.Fatal(err)
	}
	return result
}

// randomNumber returns a JSON number, written in any way that a sender may choose.
func randomNumber(r *rand.Rand) string {
	digits := func(n int) string {
		text := ""
		for range n {
			text += strconv.Itoa(r.IntN(10) * r.IntN(2))
		}
		return text
	}
	text := strconv.Itoa(r.IntN(10))
	if r.IntN(2) == 0 {
		text = strconv.Itoa(1+r.IntN(9)) + digits(r.IntN(15))
	}
	if r.IntN(3) > 0 {
		text += "." + digits(1+r.IntN(8))
	}
	if r.IntN(2) == 0 {
		text = "-" + text
	}
	switch r.IntN(3) {
	case 0:
		text += fmt.Sprintf("e%d", r.IntN(60)-30)
	case 1:
		text += fmt.Sprintf("E+%d", r.IntN(280))
	}
	return text
}

func randomJSON(r *rand.Rand, depth int) string {
	switch r.IntN(7 - min(depth, 2)) {
	case 0, 1, 2:
		return randomNumber(r)
	case 3:
		return []string{"true", "false", "null", `"é\u0041\/\n\u001F\ud83d\ude00<>"`, `""`}[r.IntN(5)]
	case 4:
		return `"` + strings.Repeat("x", r.IntN(40)) + `"`
	case 5:
		var members []string
		for i := range r.IntN(5) {
			members = append(members, fmt.Sprintf(`"%s%d": %s`, strings.Repeat("k", r.IntN(4)), i, randomJSON(r, depth+1)))
		}
		return "{" + strings.Join(members, ", ") + " }"
	}
	var elements []string
	for range r.IntN(4) {
		elements = append(elements, randomJSON(r, depth+1))
	}
	return "[" + strings.Join(elements, " ,") + "]"
}

// What comes back from the database has the hash of what was sent, however it was
// written: no row is found that nobody has changed.
func TestContentOfRandomRowsFits(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.exec(load.DDL(everything.Table))
	r := rand.New(rand.NewPCG(7, 15))
	const n = 2000
	var rows []string
	for i := range n {
		row := fmt.Sprintf(
			`{"id":"row %d","text":"%s","count":%d,"ratio":%s,"price":"%d.%d","active":%v,"seen_at":"%04d-0%d-1%dT0%d:00:00.%06dZ","day":"%04d-1%d-0%d"`,
			i, strings.Repeat("ä", r.IntN(5)), r.Int64()-r.Int64(), strconv.FormatFloat(r.NormFloat64(), 'g', -1, 64),
			r.IntN(1e9)-5e8, r.IntN(1e9), r.IntN(2) == 0, 1+r.IntN(9999), 1+r.IntN(9), r.IntN(10), r.IntN(10), r.IntN(1e6),
			1+r.IntN(9999), r.IntN(3), 1+r.IntN(9))
		if r.IntN(4) > 0 {
			row += `,"tags":` + randomJSON(r, 0) + `,"more":` + randomJSON(r, 0)
		}
		rows = append(rows, row+"}")
	}
	db.apply(build(t).part(everything.Table, "", 1, 0, rows...).end(everything.Table, "", 1, schema.OK, 1, n))
	if got := db.content(everything.Table); got.Rows != n || got.Differ() || got.Waiting > 0 {
		t.Errorf("%+v", got)
	}
}

func TestContentFindsWhatWasEdited(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.exec(load.DDL(everything.Table))
	// Like a table of an earlier version: nothing checks its numbers.
	db.exec("ALTER TABLE obs.everything DROP CONSTRAINT everything_ratio_check")
	const row = `{"id":%q,"text":"x","count":1,"ratio":0.5,"price":"1.50","active":true,"seen_at":"2026-08-01T00:00:00Z","day":"2026-08-01","tags":{"a":[1e2,"b"]}}`
	db.apply(build(t).part(everything.Table, "", 1, 0, fmt.Sprintf(row, "a"), fmt.Sprintf(row, "b")).end(everything.Table,
		"", 1, schema.OK, 1, 2))
	for _, test := range []struct {
		edit string
		want load.ContentResult
	}{
		{"id = 'c'", load.ContentResult{Keys: 1}},
		{"account_id = '999999999999'", load.ContentResult{Keys: 1}},
		{"region = 'global'", load.ContentResult{Keys: 1}},
		{"text = NULL", load.ContentResult{Hashes: 1}},
		{"text = 'X'", load.ContentResult{Hashes: 1}},
		{"count = 2", load.ContentResult{Hashes: 1}},
		{"ratio = 0.5000001", load.ContentResult{Hashes: 1}},
		{"ratio = 'NaN'", load.ContentResult{Unreadable: 1}},
		{"price = 1.5000000001", load.ContentResult{Hashes: 1}},
		{"active = false", load.ContentResult{Hashes: 1}},
		{"seen_at = seen_at + interval '1 microsecond'", load.ContentResult{Hashes: 1}},
		{"seen_at = 'infinity'", load.ContentResult{Unreadable: 1}},
		{"seen_at = '-infinity'", load.ContentResult{Unreadable: 1}},
		{"day = day + 1", load.ContentResult{Hashes: 1}},
		{"day = 'infinity'", load.ContentResult{Unreadable: 1}},
		{"day = '4000-01-01 BC'", load.ContentResult{Unreadable: 1}},
		{`tags = '{"a":[100,"c"]}'`, load.ContentResult{Hashes: 1}},
		{`more = '1'`, load.ContentResult{Hashes: 1}},
		{"row_hash = gen_random_uuid()", load.ContentResult{Hashes: 1}},
		{"row_key = gen_random_uuid()", load.ContentResult{Keys: 1}},
		{"row_hash = '00000000-0000-0000-0000-000000000000'", load.ContentResult{Waiting: 1}},
		{"deleted_at = now(), count = 2", load.ContentResult{Rows: -1}},
		{"count = 1", load.ContentResult{}},
	} {
		err := pgx.BeginFunc(t.Context(), db.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "UPDATE obs.everything SET "+test.edit+" WHERE id = 'a'"); err != nil {
				return err
			}
			got, err := load.CheckContent(t.Context(), tx, everything.Table, 3)
			examples := 0
			if test.want.Differ() {
				examples = 1
			}
			if len(got.Examples) != examples {
				t.Errorf("%s: examples %x", test.edit, got.Examples)
			}
			test.want.Rows += 2
			if got.Examples = nil; fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("%s: %+v, want %+v", test.edit, got, test.want)
			}
			if err == nil {
				err = errUndo
			}
			return err
		})
		if !errors.Is(err, errUndo) {
			t.Fatal(err)
		}
	}
}

// Rows that are larger than those that are taken today are looked at, too, and not all
// at once.
func TestContentOfLargeRows(t *testing.T) {
	db := newDatabase(t, load.Config{})
	const n = 6
	for i := range n {
		db.apply(build(t).part(things.Table, "", 1, i, thing(strconv.Itoa(i), "1")))
	}
	db.exec("UPDATE obs.things SET value = repeat('x', 12000000)")
	if got := db.content(things.Table); got.Rows != n || got.Hashes != n || got.Unreadable != 0 {
		t.Errorf("%+v", got)
	}
}

var errUndo = fmt.Errorf("undo")
