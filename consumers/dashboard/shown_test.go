package dashboard

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"golang.org/x/net/html"

	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
)

// TestPagesShowWhatSQLSays compares each panel of each page, with no filter, with each, and
// with all of them, with the rows of its query before the page was made. Where they differ,
// time may have passed: with the rows after it.
func TestPagesShowWhatSQLSays(t *testing.T) {
	s := serve(t, filled, pages.All())
	values := 0
	for _, p := range pages.All() {
		t.Run(p.Name, func(t *testing.T) {
			var chosen []choice
			s.reads(func(tx pgx.Tx) { chosen = choices(t, tx, p) })
			for _, c := range chosen {
				c.path = strings.Replace(p.Path, "{"+c.fixed+"}", c.to, 1)
				path := address(c.path, c.values)
				before := s.rowsOf(c)
				body, _ := s.get(path, http.StatusOK)
				document, err := html.Parse(strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				for i, panel := range p.Panels {
					shown := nodes(document, func(n *html.Node) bool { return attribute(n, "id") == slug(panel.Title) })
					if len(shown) != 1 {
						t.Errorf("%s has %d panels %s", path, len(shown), panel.Title)
						continue
					}
					n, faults := compare(shown[0], panel, &before[i])
					if len(faults) > 0 {
						n, faults = compare(shown[0], panel, &s.rowsOf(c)[i])
					}
					values += n
					for _, fault := range faults {
						t.Errorf("%s, %s: %s", path, panel.Title, fault)
					}
				}
			}
		})
	}
	if values < 1000 {
		t.Errorf("compared %d values, which are not those of all pages", values)
	}
	t.Logf("%d values", values)
}

// TestHiddenColumns: what links alone need is in files, and not shown.
func TestHiddenColumns(t *testing.T) {
	s := serve(t, filled, pages.All())
	body, _ := s.get("/costs", http.StatusOK)
	document, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	panel := nodes(document, func(n *html.Node) bool { return attribute(n, "id") == "anomalies" })[0]
	var head []string
	for _, th := range tagged(panel, "th") {
		head = append(head, content(th))
	}
	if want := []string{"Day", "Cost above", "Service", "Account"}; !slices.Equal(head, want) {
		t.Errorf("the head is %q, want %q", head, want)
	}
	if first := tagged(panel, "tbody"); !strings.Contains(attribute(tagged(first[0], "a")[0], "href"), "anomaly_id=") {
		t.Error("the link does not name the anomaly")
	}
	file, _ := s.get("/data/costs/anomalies.csv", http.StatusOK)
	if head, _, _ := strings.Cut(file, "\r\n"); !strings.HasSuffix(head, ",anomaly_id") {
		t.Errorf("the file has the columns %s", head)
	}
	p := pageNamed("costs")
	answers, err := ReadPage(t.Context(), s.db.Pool, p, p.Panels, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range answers.Panels {
		if a.Name != "anomalies" {
			continue
		}
		table, err := a.Table(0)
		if err != nil || len(table.Columns) != 4 || len(table.Rows) == 0 || len(table.Rows[0]) != 4 {
			t.Errorf("as text: %+v: %v", table, err)
		}
	}
}

// TestEmptyHistory: where no day is written down yet, a page says so.
func TestEmptyHistory(t *testing.T) {
	s := serve(t, filled, pages.All())
	if _, err := s.db.Pool.Exec(t.Context(), "DELETE FROM history.daily_measures"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/inventory", "/compliance"} {
		s.says(path, http.StatusOK, "No day is written down for this choice.")
	}
	p := pageNamed("inventory")
	answers, err := ReadPage(t.Context(), s.db.Pool, p, p.Panels, nil)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(answers.Panels, func(a Answer) bool { return a.Name == "by-day" })
	if table, err := answers.Panels[i].Table(0); err != nil || !strings.HasPrefix(table.Empty, "No day is written down") {
		t.Errorf("as text it says %q: %v", table.Empty, err)
	}
}

// reads runs do in a transaction like that of a page.
func (s *site) reads(do func(pgx.Tx)) {
	s.Helper()
	err := read(s.Context(), s.db.Pool, time.Minute, func(tx pgx.Tx) error {
		do(tx)
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
}

// rowsOf returns the rows of each panel of a page.
func (s *site) rowsOf(c choice) (sets []rowSet) {
	s.Helper()
	s.reads(func(tx pgx.Tx) {
		for _, panel := range c.page.Panels {
			set := ask(s.Context(), tx, c.query(string(panel.SQL)))
			if set.err != nil {
				s.Fatalf("%s, %s: %v", c.page.Name, panel.Title, set.err)
			}
			sets = append(sets, set)
		}
	})
	return sets
}

// compare counts the values that a panel shows, and says which are not those of the rows.
func compare(shown *html.Node, panel page.Panel, set *rowSet) (values int, faults []string) {
	switch panel.As.(type) {
	case page.Tiles:
		tiles := classed(shown, "tile")
		if len(tiles) != len(set.rows) {
			return 0, []string{fmt.Sprintf("%d tiles of %d rows", len(tiles), len(set.rows))}
		}
		for i, tile := range tiles {
			label, value := content(classed(tile, "label")[0]), attribute(classed(tile, "value")[0], "title")
			if want := text(set.value(i, "label")); label != want {
				faults = append(faults, fmt.Sprintf("the label %q, want %q", label, want))
			}
			if !sameNumber(strings.Replace(value, "not known", "–", 1), number(set.value(i, "value"))) {
				faults = append(faults, fmt.Sprintf("%s is %s, want %v", label, value, set.value(i, "value")))
			}
		}
		return len(tiles), faults
	case page.Matrix:
		return compareMatrix(shown, set)
	case page.Columns, page.Lines:
		faults = append(faults, compareChart(shown, set)...)
	case page.Shares:
		faults = append(faults, compareShares(shown, set)...)
	}
	if table, ok := panel.As.(page.Table); ok {
		set = set.without(table.Hidden)
	}
	rows := tagged(shown, "tbody")
	if len(rows) == 0 {
		if drawable(panel, set) {
			faults = append(faults, fmt.Sprintf("no table of %d rows", len(set.rows)))
		}
		return 0, faults
	}
	rows = tagged(rows[0], "tr")
	if len(rows) != len(set.rows) {
		return 0, append(faults, fmt.Sprintf("%d rows are shown of %d", len(rows), len(set.rows)))
	}
	for i, row := range rows {
		for k, cell := range tagged(row, "td") {
			values++
			if !sameCell(cell, set.rows[i][k]) {
				faults = append(faults, fmt.Sprintf("%s of row %d is %q, want %v",
					set.columns[k].Name, i+1, content(cell), set.rows[i][k]))
			}
		}
	}
	return values, faults
}

// drawable reports whether a panel has something to show. Parts that are all zero are nothing.
func drawable(panel page.Panel, set *rowSet) bool {
	if _, ok := panel.As.(page.Shares); !ok {
		return len(set.rows) > 0
	}
	for i := range set.rows {
		if number(set.value(i, "value")) > 0 {
			return true
		}
	}
	return false
}

// compareMatrix reads what each cell says of itself.
func compareMatrix(shown *html.Node, set *rowSet) (values int, faults []string) {
	said := map[string]int{}
	for _, cell := range tagged(shown, "td") {
		title := attribute(cell, "title")
		if title == "" {
			continue
		}
		values++
		said[title[strings.LastIndex(title, ": ")+2:]]++
	}
	want := map[string]int{}
	for _, row := range set.rows {
		switch f := number(row[2]); {
		case row[2] == nil:
		case math.IsNaN(f):
			want[text(row[2])]++
		default:
			want[strconv.FormatFloat(f, 'f', -1, 64)]++
		}
	}
	if !maps.Equal(said, want) {
		faults = append(faults, fmt.Sprintf("the cells say %v, want %v", said, want))
	}
	return values, faults
}

// compareChart reads a chart by what it says of each place.
func compareChart(shown *html.Node, set *rowSet) (faults []string) {
	value := len(set.columns) - 1
	for slices.Contains([]string{"soft", "mark"}, set.columns[value].Name) {
		value--
	}
	want := map[string]float64{} // by place; the sum of its series
	for _, row := range set.rows {
		if f := number(row[value]); !math.IsNaN(f) {
			want[text(row[0])] += f
		}
	}
	places := map[string]bool{}
	for _, column := range classed(shown, "col") {
		lines := strings.Split(attribute(column, "data-tip"), "\n")
		places[lines[0]] = true
		sum, digits := 0.0, 0.0
		for _, line := range lines[1:] {
			fields := strings.Split(line, "\t")
			if fields[0] == "mark" {
				continue
			}
			f, tolerance, ok := parseNumber(fields[2])
			switch {
			case !ok:
				faults = append(faults, fmt.Sprintf("%s says %q", lines[0], line))
			case fields[1] == "Total":
				if math.Abs(f-sum) > digits+tolerance {
					faults = append(faults, fmt.Sprintf("the parts of %s sum up to %v, its total is %v", lines[0], sum, f))
				}
			default:
				sum, digits = sum+f, digits+tolerance
			}
		}
		if math.Abs(sum-want[lines[0]]) > digits+1e-6 {
			faults = append(faults, fmt.Sprintf("%s is %v, want %v", lines[0], sum, want[lines[0]]))
		}
	}
	for _, row := range set.rows {
		if place := text(row[0]); !places[place] {
			faults = append(faults, "nothing is drawn for "+place)
		}
	}
	return faults
}

func compareShares(shown *html.Node, set *rowSet) (faults []string) {
	legend := classed(shown, "legend")
	if len(legend) == 0 {
		return nil
	}
	parts := tagged(legend[0], "li")
	for i := range set.rows {
		value := number(set.value(i, "value"))
		if math.IsNaN(value) {
			continue
		}
		if len(parts) == 0 {
			return append(faults, fmt.Sprintf("%v is no part", set.rows[i]))
		}
		name, number := content(tagged(parts[0], "span")[0]), content(tagged(parts[0], "b")[0])
		if !strings.EqualFold(name, text(set.value(i, "label"))) || !sameNumber(number, value) {
			faults = append(faults, fmt.Sprintf("%s %s, want %v", name, number, set.rows[i]))
		}
		parts = parts[1:]
	}
	return faults
}

// sameCell reports whether a cell of a table shows a value.
func sameCell(cell *html.Node, value any) bool {
	shown, title := content(cell), attribute(cell, "title")
	if value == nil || value == "" {
		return shown == "–"
	}
	switch v := value.(type) {
	case bool:
		return shown == map[bool]string{true: "yes", false: "no"}[v]
	case time.Time:
		switch title {
		case "":
			return shown == v.Format(time.DateOnly)
		case v.Format(time.DateOnly):
			return shown == v.Format("Jan 2006")
		}
		return title == v.UTC().Format("2006-01-02 15:04:05 UTC")
	case pgtype.Interval:
		d, err := time.ParseDuration(title)
		return err == nil && (d-interval(v)).Abs() < 10*time.Minute // it grows while the test runs
	case []any:
		return len(tagged(cell, "svg")) == 1 || shown == "–" || strings.HasPrefix(shown, "[")
	case string:
		if id := tagged(cell, "small"); len(id) > 0 {
			return content(id[0]) == v
		}
		if strings.HasPrefix(v, "arn:") && title == v {
			return shown != "" && strings.HasSuffix(v, strings.TrimSuffix(shown[strings.Index(shown, ":")+1:], "…"))
		}
		if head, isCut := strings.CutSuffix(shown, "…"); isCut {
			return strings.HasPrefix(v, head)
		}
		return strings.EqualFold(shown, v) || shown == strings.ReplaceAll(v, "_", " ")
	}
	return sameNumber(shown, number(value))
}

// sameNumber reports whether a text shows a number as exactly as it can.
func sameNumber(shown string, want float64) bool {
	if math.IsNaN(want) {
		return shown == "–"
	}
	got, tolerance, ok := parseNumber(shown)
	return ok && math.Abs(got-want) <= tolerance+1e-9*math.Abs(want)
}

// parseNumber reads a number as people write it, and how far it may be from the one meant.
func parseNumber(shown string) (f, tolerance float64, ok bool) {
	plain := strings.NewReplacer(",", "", "−", "-", "+", "").Replace(shown)
	_, fraction, _ := strings.Cut(plain, ".")
	f, err := strconv.ParseFloat(plain, 64)
	return f, .5001 * math.Pow(10, -float64(len(fraction))), err == nil
}

// part is a column of a panel, of all rows or of those with a label.
type part struct{ page, panel, column, label string }

// TestPartsSumUp: what stands on a page as a total is the sum of its parts there, and the
// same number on other pages, with an account chosen and without.
func TestPartsSumUp(t *testing.T) {
	s := serve(t, filled, pages.All())
	var account string
	if err := s.db.Pool.QueryRow(t.Context(), `SELECT min(account_id) FROM account_overview`).Scan(&account); err != nil {
		t.Fatal(err)
	}
	for _, chosen := range []url.Values{nil, {"account": {account}}} {
		for _, same := range [][]part{
			{{"overview", "now", "value", "Critical findings open"}, {"overview", "open-findings", "value", "CRITICAL"},
				{"findings", "open", "value", "Critical"}, {"findings", "by-product", "critical", ""},
				{"findings", "accounts-with-most", "critical", ""}, {"accounts", "all-accounts", "critical", ""}},
			{{"findings", "open", "value", ""}, {"findings", "by-product", "findings", ""},
				{"findings", "how-fast-they-are-closed", "open", ""}, {"overview", "open-findings", "value", ""},
				{"accounts", "all-accounts", "findings", ""}},
			{{"overview", "now", "value", "Rules violated"}, {"accounts", "all-accounts", "rules_violated", ""},
				{"compliance", "accounts-that-violate-most", "rules", ""}, {"compliance", "rules", "value", "Non Compliant"}},
			{{"compliance", "rules", "value", "Resources that do not comply"},
				{"compliance", "accounts-that-violate-most", "resources", ""}},
			{{"inventory", "resources", "value", ""}, {"inventory", "by-region", "value", ""},
				{"accounts", "all-accounts", "resources", ""}},
			{{"savings", "in-a-month", "value", "Could be saved"}, {"savings", "accounts", "monthly_savings", ""},
				{"accounts", "all-accounts", "savings", ""}},
			{{"overview", "cost-by-day", "cost", ""}, {"costs", "by-day-and-service", "cost", ""}},
			{{"costs", "services", "cost", ""}, {"costs", "accounts", "cost", ""}},
			{{"overview", "now", "value", "Sources stale"}, {"freshness", "by-category", "stale", ""},
				{"freshness", "by-account", "stale", ""}},
		} {
			first := s.sum(t, same[0], chosen)
			for _, other := range same[1:] {
				if got := s.sum(t, other, chosen); math.Abs(got-first) > 1e-6*math.Abs(first) {
					t.Errorf("%v: %v is %v, but %v is %v", chosen, same[0], first, other, got)
				}
			}
			t.Logf("%v: %v is %v", chosen, same[0], first)
		}
	}
}

// pageNamed returns a page of all.
func pageNamed(name string) page.Page {
	return pages.All()[slices.IndexFunc(pages.All(), func(p page.Page) bool { return p.Name == name })]
}

// sum adds the numbers of a part.
func (s *site) sum(t *testing.T, of part, chosen url.Values) (sum float64) {
	t.Helper()
	c, err := choose(pageNamed(of.page), chosen, "")
	if err != nil {
		t.Fatal(err)
	}
	file, _ := s.get(c.data(of.panel, "json"), http.StatusOK)
	var rows []map[string]any
	if err := json.Unmarshal([]byte(file), &rows); err != nil {
		t.Fatalf("%v: %v", of, err)
	}
	for _, row := range rows {
		if _, there := row[of.column]; !there {
			t.Fatalf("%v: there is no such column: %v", of, row)
		}
		if f, ok := row[of.column].(float64); ok && (of.label == "" || row["label"] == of.label) {
			sum += f
		}
	}
	return sum
}

// nodes returns what is below a node and has a property, in the order of the document.
func nodes(below *html.Node, has func(*html.Node) bool) (found []*html.Node) {
	for n := range below.Descendants() {
		if n.Type == html.ElementNode && has(n) {
			found = append(found, n)
		}
	}
	return found
}

func tagged(below *html.Node, name string) []*html.Node {
	return nodes(below, func(n *html.Node) bool { return n.Data == name })
}

func classed(below *html.Node, name string) []*html.Node {
	return nodes(below, func(n *html.Node) bool { return slices.Contains(strings.Fields(attribute(n, "class")), name) })
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// content is the text in a node.
func content(n *html.Node) string {
	var b strings.Builder
	for n := range n.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return strings.TrimSpace(b.String())
}
