package sql_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"golang.org/x/tools/txtar"

	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/schemas"
)

// TestCases runs the cases of views, testdata/<view>/<case>.txtar: what it is about,
// sections named like categories with rows, sections "sql" with a statement for what is no
// category, and pairs of sections "query" and "want". Rows are a table, with lines
// "column = value" above it for what all of them have:
//
//	-- secrets --
//	rotation_enabled = true
//
//	name   | next_rotation_at | rotation_enabled
//	fine   | +10d
//	off    | +10d             | false
//
// An empty cell is what all rows have. NULL is null, and +10d is the time in ten days and
// an hour. A section "runs" has the columns category, account_id, region, slice and outcome
// of runs that have ended, the newest last. -update writes what the queries answer.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d cases, error %v", len(files), err)
	}
	for _, file := range files {
		name, _ := filepath.Rel("testdata", file)
		t.Run(strings.TrimSuffix(filepath.ToSlash(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			db := newDatabase(t)
			if err := db.answer(c); err != nil {
				t.Fatal(err)
			}
			goldentest.Equal(t, filepath.ToSlash(name), txtar.Format(c))
		})
	}
}

// answer inserts the rows of a case, and replaces what is wanted by what the queries answer.
func (db *database) answer(c *txtar.Archive) error {
	refreshed := false
	for i, section := range c.Files {
		switch {
		case section.Name == "query":
			if i+1 == len(c.Files) || c.Files[i+1].Name != "want" {
				return fmt.Errorf("section %d: no want behind the query", i+1)
			}
			if !refreshed {
				db.refresh()
				refreshed = true
			}
			c.Files[i+1].Data = []byte(db.table(string(section.Data)))
		case section.Name == "want":
			if i == 0 || c.Files[i-1].Name != "query" {
				return fmt.Errorf("section %d: no query before what is wanted", i+1)
			}
		case section.Name == "runs":
			rows, err := parseRows(string(section.Data))
			if err != nil {
				return fmt.Errorf("section %d (runs): %w", i+1, err)
			}
			for n, r := range rows {
				db.run(r["category"], r["account_id"], r["region"], r["slice"], len(rows)-n, r["outcome"], 0)
			}
		case section.Name == "sql":
			if _, err := db.Pool.Exec(db.Context(), string(section.Data)); err != nil {
				return fmt.Errorf("section %d (sql): %w", i+1, err)
			}
			refreshed = false
		case isCategory(section.Name):
			rows, err := parseRows(string(section.Data))
			if err != nil {
				return fmt.Errorf("section %d (%s): %w", i+1, section.Name, err)
			}
			for _, row := range rows {
				if err := insert(db.T, db.DB, section.Name, row); err != nil {
					return fmt.Errorf("section %d (%s): %w", i+1, section.Name, err)
				}
			}
		default:
			return fmt.Errorf("section %d (%s) is no category, sql, runs, query or want", i+1, section.Name)
		}
	}
	if !refreshed {
		return fmt.Errorf("no query")
	}
	return nil
}

func isCategory(name string) bool {
	for _, table := range schemas.All() {
		if table.Name() == name {
			return true
		}
	}
	return false
}

// parseRows parses the rows of a section.
func parseRows(text string) ([]map[string]string, error) {
	all := map[string]string{}
	var columns []string
	var rows []map[string]string
	for number, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if column, value, ok := strings.Cut(line, " = "); ok && columns == nil {
			all[strings.TrimSpace(column)] = cell(value)
			continue
		}
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if columns == nil {
			columns = cells
			continue
		}
		if len(cells) > len(columns) {
			return nil, fmt.Errorf("line %d has %d cells, and there are %d columns", number+1, len(cells), len(columns))
		}
		row := map[string]string{}
		for column, value := range all {
			row[column] = value
		}
		for i, value := range cells {
			if value != "" {
				row[columns[i]] = cell(value)
			}
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("no rows")
	}
	return rows, nil
}

var inDays = regexp.MustCompile(`^[+-][0-9]+d$`)

// cell returns the value of a cell.
func cell(text string) string {
	text = strings.TrimSpace(text)
	if inDays.MatchString(text) {
		days, _ := strconv.Atoi(strings.TrimSuffix(text, "d"))
		return in(days)
	}
	return text
}

// shortNumber leaves out zeros at the end of decimals.
func shortNumber(digits string) string {
	if !strings.Contains(digits, ".") {
		return digits
	}
	return strings.TrimSuffix(strings.TrimRight(digits, "0"), ".")
}

// table returns the answer to a query as a table.
func (db *database) table(query string) string {
	db.Helper()
	rows, err := db.Pool.Query(db.Context(), query)
	if err != nil {
		db.Fatalf("%s: %v", query, err)
	}
	var lines [][]string
	var header []string
	for _, field := range rows.FieldDescriptions() {
		header = append(header, field.Name)
	}
	lines, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]string, error) {
		values, err := row.Values()
		texts := make([]string, len(values))
		for i, v := range values {
			switch v := v.(type) {
			case nil:
				texts[i] = "NULL"
			case pgtype.Numeric:
				digits, err := v.MarshalJSON()
				if err != nil {
					return nil, err
				}
				texts[i] = shortNumber(string(digits))
			default:
				texts[i] = fmt.Sprint(v)
			}
		}
		return texts, err
	})
	if err != nil {
		db.Fatalf("%s: %v", query, err)
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	for _, line := range slices.Insert(lines, 0, header) {
		fmt.Fprintln(w, strings.Join(line, "\t| "))
	}
	w.Flush()
	return b.String()
}

func TestCasesThatAreWrong(t *testing.T) {
	db := newDatabase(t)
	for text, want := range map[string]string{
		"-- query --\nSELECT 1\n":    "no want behind the query",
		"-- want --\na\n":            "no query before",
		"-- sql --\nSELEC\n":         "(sql): ERROR: syntax error",
		"-- secret --\nname\na\n":    "(secret) is no category",
		"-- secrets --\nname\n":      "no rows",
		"-- secrets --\nname\na|b\n": "line 2 has 2 cells, and there are 1 columns",
		"-- secrets --\nnames\na\n":  `column "names" of relation "secrets" does not exist`,
		"-- secrets --\nname\na\n":   "no query",
		"-- secrets --\nname\na\n-- query --\nSELECT 1\n-- want --\n1": "",
	} {
		err := db.answer(txtar.Parse([]byte(text)))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	rows, err := parseRows("a = 1\nb = x = y\n\na | c\n | +1d\n2 | NULL |\n")
	if err == nil {
		t.Errorf("a row with too many cells: %v", rows)
	}
	rows, err = parseRows("a = 1\nb = x = y\n\na | c\n  | +1d\n2 | NULL\n")
	if err != nil || len(rows) != 2 || rows[0]["a"] != "1" || rows[0]["b"] != "x = y" || rows[0]["c"] != in(1) ||
		rows[1]["a"] != "2" || rows[1]["c"] != "NULL" {
		t.Errorf("rows %v, error %v", rows, err)
	}
}
