package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/schemas"
)

// TestEveryPanelIsText: each panel has a form that a terminal can show, and the same rows as
// in the browser.
func TestEveryPanelIsText(t *testing.T) {
	for _, template := range []pgtest.Template{empty, filled} {
		s := serve(t, template, pages.All())
		for _, p := range pages.All() {
			chosen := url.Values{}
			if fixed := FixedFilter(p); fixed != "" {
				chosen.Set(fixed, "100000000000")
			}
			answers, err := ReadPage(t.Context(), s.db.Pool, p, p.Panels, chosen)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range answers.Panels {
				checkText(t, p.Name, a)
				file, _ := s.get(address("/data/"+p.Name+"/"+a.Name+".json", chosen), http.StatusOK)
				var inBrowser []map[string]any
				if err := json.Unmarshal([]byte(file), &inBrowser); err != nil || len(inBrowser) != len(a.Records()) {
					t.Errorf("%s, %s: %d rows, %d in the browser: %v", p.Name, a.Name, len(a.Records()), len(inBrowser), err)
				}
			}
		}
	}
}

func checkText(t *testing.T, where string, a Answer) {
	t.Helper()
	if a.Err != nil {
		t.Errorf("%s, %s: %v", where, a.Name, a.Err)
	}
	table, err := a.Table(80)
	if err != nil {
		t.Errorf("%s: %v", where, err)
	}
	if len(table.Rows) == 0 && table.Empty == "" {
		t.Errorf("%s, %s does not say that there are no rows", where, a.Name)
	}
	for _, row := range table.Rows {
		if len(row) != len(table.Columns) {
			t.Fatalf("%s, %s: %d cells in %d columns: %v", where, a.Name, len(row), len(table.Columns), row)
		}
	}
}

// TestEveryCategoryAnswers: the queries of categories keep their limit, or get one.
func TestEveryCategoryAnswers(t *testing.T) {
	db := pgtest.New(t, filled)
	rows := 0
	for _, category := range schemas.All() {
		queries, err := schemas.Queries(category.Name())
		if err != nil {
			t.Fatal(err)
		}
		answers, err := ReadQueries(t.Context(), db.Pool, category.Name(), queries, 2)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range answers.Panels {
			checkText(t, category.Name(), a)
			rows += len(a.Records())
			if n := len(a.Records()); limitOf(strings.TrimSuffix(queries[i].SQL, ";")) < 0 && (n > 2 || n == 2 && a.First != 2) {
				t.Errorf("%s, %s: %d rows, the limit is 2, and it says %d", category, a.Name, n, a.First)
			}
		}
	}
	if rows < 20 {
		t.Errorf("only %d rows were read", rows)
	}
}

// TestGoldenText compares every form as text with a file that a person has read.
func TestGoldenText(t *testing.T) {
	db := pgtest.New(t, empty)
	answers, err := ReadPage(t.Context(), db.Pool, allForms, allForms.Panels, url.Values{"kind": {"a"}})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, a := range answers.Panels {
		a.show.now = noon
		table, err := a.Table(80)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s, first %d\n%+v\n", a.Name, a.First, table.Columns)
		for _, row := range table.Rows {
			fmt.Fprintf(&b, "%q\n", row)
		}
		if len(table.Rows) == 0 {
			fmt.Fprintln(&b, table.Empty)
		}
		records, err := json.Marshal(a.Records())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", records)
		if err := a.WriteCSV(&b); err != nil {
			t.Fatal(err)
		}
	}
	goldentest.Equal(t, "text.txt", b.String())
}

type foreign struct{ page.Form }

func TestUnknownFormsAreErrors(t *testing.T) {
	if _, err := (Answer{Name: "map", as: foreign{}}).Table(80); err == nil || !strings.Contains(err.Error(), "foreign") {
		t.Errorf("got %v", err)
	}
}

func TestAnswersSayWhatToDo(t *testing.T) {
	db := pgtest.New(t, empty)
	if _, err := db.Pool.Exec(t.Context(), "ALTER MATERIALIZED VIEW account_cost_daily RENAME TO gone"); err != nil {
		t.Fatal(err)
	}
	p := pages.All()[0]
	answers, err := ReadPage(t.Context(), db.Pool, p, p.Panels, nil)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, a := range answers.Panels {
		if a.Err != nil {
			failed++
			if !strings.Contains(a.Err.Error(), `"account_cost_daily" does not exist. The views are of another version`) {
				t.Errorf("%s: %v", a.Name, a.Err)
			}
		}
	}
	if failed != 2 {
		t.Errorf("%d panels of %s failed, want 2", failed, p.Name)
	}
	if _, err := ReadPage(t.Context(), db.Pool, p, p.Panels, url.Values{"acount": {"1"}}); err == nil {
		t.Error("an unknown filter is ignored")
	}
}

func TestBlocks(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		values []float64
		width  int
		want   string
	}{
		{nil, 8, ""}, {[]float64{0}, 8, "▁"}, {[]float64{5}, 8, "█"}, {[]float64{0, 0, 0}, 8, "▁▁▁"},
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, 8, "▁▂▃▄▅▆▇█"}, {[]float64{100, 80, 100}, 8, "█▅█"},
		{[]float64{-7, 0, 7}, 8, "▁▅█"}, {[]float64{1, nan, math.Inf(1), 4}, 8, "▁  █"},
		{[]float64{0, 0, 4, 4, 8, 8}, 3, "▁▅█"}, {[]float64{nan, nan}, 1, " "}, {[]float64{0, 6, 9}, 2, "▁█"},
		{[]float64{-7, 0, -1}, 8, "█▁▂"},
	} {
		if got := blocks(test.values, test.width); got != test.want {
			t.Errorf("%v in %d: %q, want %q", test.values, test.width, got, test.want)
		}
	}
}

func TestBar(t *testing.T) {
	for share, want := range map[float64]string{0: "", -1: "", math.NaN(): "", 1: "████", 2: "████", .5: "██", .001: "▏",
		.3: "█▎"} {
		if got := bar(share, 4); got != want {
			t.Errorf("%v: %q, want %q", share, got, want)
		}
	}
}

// A formula is none in CSV, and a number stays one.
func TestAnswersAsCSV(t *testing.T) {
	db := pgtest.New(t, empty)
	p := page.Page{Name: "x", Path: "/x", Panels: []page.Panel{{Title: "X", As: page.Table{},
		SQL: `SELECT '=1+1' AS "+a", -1 AS b, NULL AS c, 'x, "y"' AS d`}}}
	answers, err := ReadPage(t.Context(), db.Pool, p, p.Panels, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := answers.Panels[0].WriteCSV(&b); err != nil || b.String() != "+a,b,c,d\n'=1+1,-1,,\"x, \"\"y\"\"\"\n" {
		t.Errorf("%v: %q", err, b.String())
	}
}

// TestSettings: what is asked sees one moment of UTC and changes nothing, whatever the
// database is set to, and files and terminals have more time than pages.
func TestSettings(t *testing.T) {
	p := page.Page{Name: "x", Path: "/", Panels: []page.Panel{{Title: "X", As: page.Table{}, SQL: `
		SELECT concat_ws(', ', current_setting('transaction_isolation'), current_setting('transaction_read_only'),
		    current_setting('timezone'), current_setting('jit'), current_setting('statement_timeout')) AS settings`}}}
	s := serve(t, empty, []page.Page{p})
	database := pgx.Identifier{s.db.Pool.Config().ConnConfig.Database}.Sanitize()
	if _, err := s.db.Pool.Exec(t.Context(), "ALTER DATABASE "+database+" SET timezone = 'Asia/Tokyo'"); err != nil {
		t.Fatal(err)
	}
	s.db.Pool.Reset()
	const settings = "repeatable read, on, UTC, off, "
	s.says("/", http.StatusOK, ">"+settings+"3s<")
	s.says("/data/x/x.json", http.StatusOK, `"`+settings+`1min"`)
	answers, err := ReadPage(t.Context(), s.db.Pool, p, p.Panels, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := answers.Panels[0].Records()[0]["settings"]; got != settings+"1min" {
		t.Errorf("a terminal has %v", got)
	}
}

// TestFreshnessOfAnswers: a terminal says the same of freshness as the page, of the same
// sources and accounts.
func TestFreshnessOfAnswers(t *testing.T) {
	s := serve(t, filled, pages.All())
	p := pageNamed("costs")
	var stale, other string
	if err := s.db.Pool.QueryRow(t.Context(), `SELECT min(account_id) FILTER (WHERE red), max(account_id) FROM freshness
		WHERE category = ANY ($1)`, p.Sources).Scan(&stale, &other); err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, chosen := range []url.Values{nil, {"account": {stale}}, {"account": {stale, other}}} {
		answers, err := ReadPage(t.Context(), s.db.Pool, p, p.Panels, chosen)
		if err != nil {
			t.Fatal(err)
		}
		s.says(address(p.Path, chosen), http.StatusOK, "</i>"+answers.Fresh.Text+"</a>")
		said[answers.Fresh.Text] = true
	}
	if len(said) < 2 {
		t.Errorf("%v is said of any sources", said)
	}
}
