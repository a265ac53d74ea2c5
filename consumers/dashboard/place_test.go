package dashboard

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/pgtest"
)

// walk goes through the pages of a view from one end to the other, forwards by their next,
// or backwards by their previous ones, and returns the rows of each.
func walk(t *testing.T, tx pgx.Tx, rel relation, query string, back bool) (all [][]string) {
	t.Helper()
	for range 50 {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		b, err := browse(rel, values)
		if err != nil {
			t.Fatal(err)
		}
		set := ask(t.Context(), tx, b.query(pageRows+1))
		if set.err != nil {
			t.Fatalf("%v\n%s", set.err, set.sql)
		}
		var v rowsView
		v.turn(b, &set)
		rows := lines(set.rows)
		if len(rows) != v.Last-v.First+1 {
			t.Errorf("%s: %d rows, said to be %d to %d", query, len(rows), v.First, v.Last)
		}
		all = append(all, rows)
		next := v.Next
		if back {
			next = v.Prev
		}
		if next == "" {
			return all
		}
		if len(next) > maxAddress {
			t.Errorf("an address of %d bytes", len(next))
		}
		_, query, _ = strings.Cut(next, "?")
	}
	t.Fatalf("%s of %s has no end", query, rel.name)
	return nil
}

// lines are rows as text.
func lines(rows [][]any) (all []string) {
	for _, row := range rows {
		line := ""
		for _, value := range row {
			line += " " + text(value)
		}
		all = append(all, line)
	}
	return all
}

// TestPlaces: pages have each row once and in order, with the same values and nulls in the
// column that sorts, with rows that are wholly the same, and with values too long for an
// address. Going back shows the pages once more.
func TestPlaces(t *testing.T) {
	db := pgtest.New(t, empty)
	if _, err := db.Pool.Exec(t.Context(), `
		CREATE TABLE made AS SELECT lpad((i % 7)::text, 12, '0') AS account_id, 'r' || i % 3 AS region, md5(i::text)::uuid AS row_key,
			nullif(i % 4, 0) AS few, CASE WHEN i % 5 > 0 THEN i * 1.5 END AS many, repeat(chr(97 + i % 3), 5000) AS long,
			make_interval(hours => i % 30) AS span, now() - make_interval(hours => i % 30) AS seen_at,
			make_interval(hours => i % 30) AS age, i % 2 = 0 AS even, now() AS collected_at, jsonb_build_object('i', i) AS tags
			FROM generate_series(1, 450) i;
		CREATE VIEW keyed AS TABLE made;
		CREATE MATERIALIZED VIEW indexed AS SELECT few IS NULL AS none, row_key AS key, many, few FROM made;
		CREATE UNIQUE INDEX ON indexed (key, none);
		CREATE VIEW keyless AS SELECT few, long, even, many, tags FROM made;
		CREATE VIEW same AS SELECT few, even FROM made;
		CREATE VIEW long AS SELECT long, few FROM made`); err != nil {
		t.Fatal(err)
	}
	views, err := readRelations(t.Context(), db.Pool)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{
		"keyed": "account_id region row_key", "indexed": "key none", "keyless": "", "same": "", "long": "",
	}
	for name, key := range keys {
		rel, _ := find(views, name)
		var names []string
		for _, c := range rel.key {
			names = append(names, c.name)
		}
		if got := strings.Join(names, " "); got != key {
			t.Errorf("%s has the key %q, want %q", name, got, key)
		}
		queries := []string{""}
		for _, c := range rel.columns {
			queries = append(queries, "sort="+c.name, "sort=-"+c.name)
		}
		err := read(t.Context(), db.Pool, time.Minute, func(tx pgx.Tx) error {
			for _, query := range queries {
				checkPlaces(t, tx, rel, query)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func checkPlaces(t *testing.T, tx pgx.Tx, rel relation, query string) {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	b, err := browse(rel, values)
	if err != nil {
		t.Fatal(err)
	}
	set := ask(t.Context(), tx, b.query(1000))
	want := lines(set.rows)
	pages := walk(t, tx, rel, query, false)
	if got := slices.Concat(pages...); len(pages) != 5 || !slices.Equal(got, want) {
		t.Errorf("%s?%s: %d rows on %d pages, not the %d in order", rel.name, query, len(got), len(pages), len(want))
	}
	// The last page begins after row 400, and leads back to the first one.
	last := b.place(&rowSet{columns: set.columns, rows: set.rows[:400]}, 399, 400)
	separator := "&"
	if query == "" {
		separator = ""
	}
	back := walk(t, tx, rel, fmt.Sprintf("%s%safter=%s", query, separator, last), true)
	slices.Reverse(back)
	if got := slices.Concat(back...); !slices.Equal(got, want) {
		t.Errorf("%s?%s: %d rows on the way back, which are not the %d in order", rel.name, query, len(got), len(want))
	}
}

// TestPlacesStayTrue: what comes and goes before a place moves no row behind it.
func TestPlacesStayTrue(t *testing.T) {
	db := pgtest.New(t, empty)
	exec := func(sql string) {
		t.Helper()
		if _, err := db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE TABLE made AS SELECT '111122223333' AS account_id, 'r' AS region, lpad(to_hex(i), 32, '0')::uuid AS row_key, now() AS collected_at
		FROM generate_series(1, 300) i; CREATE VIEW keyed AS TABLE made`)
	views, err := readRelations(t.Context(), db.Pool)
	if err != nil {
		t.Fatal(err)
	}
	rel, _ := find(views, "keyed")
	second := func() []string {
		b := browsing{rel: rel, values: url.Values{}}
		values := []*string{new("111122223333"), new("r"), new("00000000-0000-0000-0000-000000000064")}
		var pages [][]string
		err := read(t.Context(), db.Pool, time.Minute, func(tx pgx.Tx) error {
			after := b.address("after", place{Number: 100, Values: values}.String())
			pages = walk(t, tx, rel, strings.TrimPrefix(after, "/rows/keyed?"), false)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return pages[0]
	}
	before := second()
	exec(`DELETE FROM made WHERE row_key <= '00000000-0000-0000-0000-000000000064';
		INSERT INTO made VALUES ('111122223333', 'a', '00000000-0000-0000-0000-000000000001', now())`)
	if after := second(); !slices.Equal(before, after) || len(after) != pageRows {
		t.Errorf("the page was %v and is %v", before, after)
	}
}

// TestKeys: what pages take for a key is one: no two rows have the same values, and none is
// null. No view has a column with a name that an address uses otherwise.
func TestKeys(t *testing.T) {
	db := pgtest.New(t, filled)
	views, err := readRelations(t.Context(), db.Pool)
	if err != nil {
		t.Fatal(err)
	}
	for _, rel := range views {
		for _, name := range []string{"sort", "after", "before"} {
			if _, ok := rel.column(name); ok {
				t.Errorf("%s has a column %s", rel.name, name)
			}
		}
		if rel.key == nil {
			continue
		}
		var names []string
		for _, c := range rel.key {
			names = append(names, pgx.Identifier{c.name}.Sanitize())
		}
		key := strings.Join(names, ", ")
		var twice, null int
		if err := db.Pool.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*) - count(DISTINCT (%s)), count(*) FILTER (WHERE NOT (%s))
			FROM %s`, key, strings.Join(names, " IS NOT NULL AND ")+" IS NOT NULL", pgx.Identifier{rel.name}.Sanitize())).
			Scan(&twice, &null); err != nil || twice > 0 || null > 0 {
			t.Errorf("%s (%s): %d rows twice, %d with nulls: %v", rel.name, key, twice, null, err)
		}
	}
}
