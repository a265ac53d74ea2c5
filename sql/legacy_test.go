package sql_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// legacyColumns are the columns of the predecessor's relations, as its PostgreSQL reports
// them: testdata/legacy/relations.csv has relation, kind, position, column, type and
// whether it may be null.
func legacyColumns(t *testing.T) [][]string {
	t.Helper()
	f, err := os.Open("testdata/legacy/relations.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// typeFamily is what programs that read columns tell apart.
func typeFamily(postgresType string) string {
	kind, _, _ := strings.Cut(postgresType, "(")
	switch kind {
	case "character varying", "text", "period_granularity_type":
		return "text"
	case "integer", "bigint":
		return "integer"
	}
	return kind
}

// TestEveryRelationOfThePredecessor compares the schema legacy with the predecessor's
// tables and views: each is there, with every column, of a compatible type.
func TestEveryRelationOfThePredecessor(t *testing.T) {
	db := newDatabase(t)
	rows, err := db.Pool.Query(t.Context(), `
		SELECT c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'legacy'::regnamespace AND a.attnum > 0`)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	var column, kind string
	if _, err := pgx.ForEachRow(rows, []any{&column, &kind}, func() error { types[column] = kind; return nil }); err != nil {
		t.Fatal(err)
	}
	notYet := []string{"compute_optimizer", "view_compute_optimizer", "view_compute_optimizer_summary",
		"ri_sp_daily_savings", "view_ri_sp_daily_savings"} // their categories are not collected yet
	relations, columns := map[string]bool{}, 0
	for _, c := range legacyColumns(t) {
		relations[c[0]] = true
		columns++
		name := c[0] + "." + c[3]
		switch got := types[name]; {
		case slices.Contains(notYet, c[0]):
		case got == "":
			t.Errorf("%s is missing", name)
		case typeFamily(got) != typeFamily(c[4]):
			t.Errorf("%s is %s, there it is %s", name, got, c[4])
		}
	}
	if len(relations) != 78 || columns != 1470 {
		t.Errorf("%d relations with %d columns, want 78 with 1470", len(relations), columns)
	}
}

// TestRelationsOfThePredecessorAreFull fills every table, and asks for a value in every
// column but in those of which it is known that there is none.
func TestRelationsOfThePredecessorAreFull(t *testing.T) {
	db := newDatabase(t)
	db.fillForLegacy()
	db.refresh()
	empty := []string{"resilience_hub_apps.last_drill", "view_resilience_hub_apps.last_drill"}
	for _, column := range []string{"", "_region", "_name", "_type", "_category", "_status", "_partner", "_customer", "_full"} {
		empty = append(empty, "view_products.account"+column)
	}
	columns := map[string][]string{}
	for _, c := range legacyColumns(t) {
		if !strings.Contains(c[0], "compute_optimizer") && !strings.Contains(c[0], "ri_sp") {
			columns[c[0]] = append(columns[c[0]], c[3])
		}
	}
	for relation, names := range columns {
		counts := make([]string, len(names))
		for i, name := range names {
			counts[i] = fmt.Sprintf("count(%q)", name)
		}
		row := db.rows(fmt.Sprintf("SELECT %s FROM legacy.%s", strings.Join(counts, ", "), relation))
		for i, count := range strings.Fields(row[0]) {
			name := relation + "." + names[i]
			if (count == "0") != slices.Contains(empty, name) {
				t.Errorf("%s has %s values", name, count)
			}
		}
		if slices.Contains(names, "id") && !strings.HasPrefix(relation, "view_") {
			db.want(fmt.Sprintf("SELECT id FROM legacy.%s GROUP BY id HAVING count(*) > 1", relation))
		}
	}
}
