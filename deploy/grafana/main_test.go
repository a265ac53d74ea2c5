package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"go.yaml.in/yaml/v3"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/generate/files"
	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/lib/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func generated(t *testing.T) map[string][]byte {
	t.Helper()
	all, err := generate(pages.All(), columnsText)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDashboardsAreFresh(t *testing.T) {
	all := generated(t)
	if err := files.Update("../..", all, false); err != nil {
		t.Error(err)
	}
	if err := files.Extra("../..", directory+"*.json", all, false); err != nil {
		t.Error(err)
	}
}

// boards are the dashboards as the files have them, by the page.
func boards(t *testing.T) map[string]board {
	t.Helper()
	all := map[string]board{}
	for _, p := range pages.All() {
		text, err := os.ReadFile("dashboards/" + p.Name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.DisallowUnknownFields()
		var d board
		if err := decoder.Decode(&d); err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		all[p.Name] = d
	}
	return all
}

// TestColumns compares columns.txt with what a migrated database answers; with -update it
// writes the file.
func TestColumns(t *testing.T) {
	db := pgtest.New(t, hubtest.Empty)
	var b strings.Builder
	types := pgtype.NewMap()
	for _, p := range pages.All() {
		for _, panel := range p.Panels {
			sql := dashboard.Where(p, string(panel.SQL), func(page.Filter) string { return "" })
			rows, err := db.Pool.Query(t.Context(), sql)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range rows.FieldDescriptions() {
				known, ok := types.TypeForOID(c.DataTypeOID)
				if !ok { // Grafana then shows nothing at all
					t.Errorf("%s, %s: column %s has an unknown type", p.Name, panel.Title, c.Name)
					continue
				}
				fmt.Fprintf(&b, "%s\t%s\t%s\n", panelKey(p, panel), c.Name, known.Name)
			}
			rows.Close()
			if err := rows.Err(); err != nil {
				t.Errorf("%s, %s: %v", p.Name, panel.Title, err)
			}
		}
	}
	goldentest.Equal(t, "../columns.txt", b.String())
}

// choices are what Grafana puts into ${name:sqlstring}.
var choices = map[string]string{
	"nothing": "", "an empty value": "''", "all": "'*'", "one": "'111122223333'",
	"several": "'111122223333','222233334444'", "a quote": "'it''s'", "SQL": "'a'']::text[]); DROP VIEW accounts; --'",
}

var variableRE = regexp.MustCompile(`\$\{(\w+):sqlstring\}`)

// fill puts the same into every variable.
func fill(sql, chosen string) string {
	return variableRE.ReplaceAllLiteralString(sql, chosen)
}

// TestEveryQueryRuns runs every query of every dashboard with every choice, as Grafana sends
// it: the values are in the text.
func TestEveryQueryRuns(t *testing.T) {
	db := pgtest.New(t, hubtest.Empty)
	ran := 0
	for name, d := range boards(t) {
		for _, v := range d.Templating.List {
			ask(t, db, name+", variable "+v.Name, v.Query)
		}
		for _, p := range d.Panels {
			for _, m := range variableRE.FindAllStringSubmatch(p.Targets[0].RawSQL, -1) {
				if !slices.ContainsFunc(d.Templating.List, func(v variable) bool { return v.Name == m[1] }) {
					t.Errorf("%s, %s: there is no variable %s", name, p.Title, m[1])
				}
			}
			for kind, chosen := range choices {
				sql := fill(p.Targets[0].RawSQL, chosen)
				if strings.ContainsAny(sql, "$") || strings.Contains(sql, "[[") { // of Grafana's macros and variables
					t.Errorf("%s, %s: Grafana would change\n%s", name, p.Title, sql)
				}
				columns, _ := ask(t, db, name+", "+p.Title+", "+kind, sql)
				checkColumns(t, name+", "+p.Title, p, columns)
				ran++
			}
		}
	}
	if ran < 300 {
		t.Errorf("only %d queries ran", ran)
	}
}

// ask returns the columns and rows of a query.
func ask(t *testing.T, db *pgtest.DB, name, sql string) ([]pgconn.FieldDescription, [][]any) {
	t.Helper()
	rows, err := db.Pool.Query(t.Context(), sql, pgx.QueryExecModeExec)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return nil, nil
	}
	values, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, sql)
	}
	return rows.FieldDescriptions(), values
}

// shown are the types that Grafana has for those of PostgreSQL.
var shown = map[uint32]string{
	pgtype.TextOID: "text", pgtype.JSONBOID: "text", pgtype.JSONOID: "text", pgtype.UUIDOID: "text",
	pgtype.BoolOID: "bool",
	pgtype.Int4OID: "number", pgtype.Int8OID: "number", pgtype.NumericOID: "number", pgtype.Float8OID: "number",
	pgtype.DateOID: "time", pgtype.TimestamptzOID: "time", pgtype.TextArrayOID: "text",
}

// checkColumns makes sure that a panel has the columns that its kind needs.
func checkColumns(t *testing.T, name string, p panel, columns []pgconn.FieldDescription) {
	t.Helper()
	var got []string
	for _, c := range columns {
		got = append(got, c.Name+" "+shown[c.DataTypeOID])
		if shown[c.DataTypeOID] == "" {
			t.Errorf("%s: column %s has the type %d, for which Grafana has none", name, c.Name, c.DataTypeOID)
		}
	}
	list := strings.Join(got, ", ")
	switch p.Type {
	case "stat", "bargauge":
		if !strings.HasPrefix(list, "label text, value number") {
			t.Errorf("%s: %s", name, list)
		}
	case "barchart", "timeseries":
		if !regexp.MustCompile(`^time time, (metric text, value|\w+) number$`).MatchString(list) {
			t.Errorf("%s: %s", name, list)
		}
	case "table":
		for _, transformation := range p.Transformations { // into a matrix
			for _, option := range []string{"rowField", "columnField", "valueField"} {
				wanted := transformation.Options[option]
				if !slices.ContainsFunc(columns, func(c pgconn.FieldDescription) bool { return c.Name == wanted }) {
					t.Errorf("%s: there is no column %s for its %s: %s", name, wanted, option, list)
				}
			}
		}
		for _, o := range p.FieldConfig.Overrides {
			if !slices.ContainsFunc(columns, func(c pgconn.FieldDescription) bool { return c.Name == o.Matcher.Options }) {
				t.Errorf("%s: there is no column %s for its properties: %s", name, o.Matcher.Options, list)
			}
		}
	default:
		t.Errorf("%s: the test does not know panels of the type %q", name, p.Type)
	}
}

// TestChoicesCount: what is chosen is what is shown.
func TestChoicesCount(t *testing.T) {
	db := pgtest.New(t, hubtest.Empty)
	if _, err := db.Pool.Exec(t.Context(), `
		INSERT INTO hub.scope (scope, category, account_id, region, slice, live_rows)
		SELECT gen_random_uuid(), 'secrets', account, 'eu-central-1', '', 1
		FROM (VALUES ('111122223333'), ('222233334444'), ('it''s')) a(account);
		INSERT INTO hub.run (scope, run, collected_at, outcome, end_rows, end_parts, parts)
		SELECT scope, gen_random_uuid(), now() - interval '9 days', 'denied', 0, 0, 0 FROM hub.scope;
		SELECT hub.store_all_sources()`); err != nil {
		t.Fatal(err)
	}
	d := boards(t)["freshness"]
	i := slices.IndexFunc(d.Panels, func(p panel) bool { return p.Title == "Stale or failing" })
	for kind, want := range map[string]int{"nothing": 3, "an empty value": 3, "all": 3, "one": 1, "several": 2,
		"a quote": 1, "SQL": 0} {
		sql := strings.ReplaceAll(d.Panels[i].Targets[0].RawSQL, "${account:sqlstring}", choices[kind])
		if _, rows := ask(t, db, kind, fill(sql, "'*'")); len(rows) != want {
			t.Errorf("%s: %d rows, want %d", kind, len(rows), want)
		}
	}
}

// TestSameAsTheDashboard: a panel has the rows that it has in the hub's own dashboard.
func TestSameAsTheDashboard(t *testing.T) {
	db := pgtest.New(t, hubtest.Filled)
	var account string
	if err := db.Pool.QueryRow(t.Context(), "SELECT min(account_id) FROM account_overview").Scan(&account); err != nil {
		t.Fatal(err)
	}
	all, rows := boards(t), 0
	for _, p := range pages.All() {
		for _, chosen := range []url.Values{{}, {"account": {account}}} {
			if !slices.ContainsFunc(p.Filters, func(f page.Filter) bool { return f.Name == "account" }) {
				delete(chosen, "account")
			}
			if fixed := dashboard.FixedFilter(p); fixed != "" {
				chosen.Set(fixed, account)
			}
			answers, err := dashboard.ReadPage(t.Context(), db.Pool, p, p.Panels, chosen)
			if err != nil {
				t.Fatal(err)
			}
			for i, made := range all[p.Name].Panels {
				sql := made.Targets[0].RawSQL
				for _, v := range all[p.Name].Templating.List {
					value := v.AllValue
					if first, single := v.Current.Value.(string); single {
						value = "'" + first + "'"
					}
					if chosen.Has(v.Name) {
						value = "'" + chosen.Get(v.Name) + "'"
					}
					sql = strings.ReplaceAll(sql, "${"+v.Name+":sqlstring}", value)
				}
				_, got := ask(t, db, p.Name+", "+made.Title, sql)
				rows += len(got)
				if want := shownRows(made, answers.Panels[i]); len(got) != want {
					t.Errorf("%s, %s, %v: %d rows, want %d\n%s", p.Name, made.Title, chosen, len(got), want, sql)
				}
			}
		}
	}
	if rows < 500 {
		t.Errorf("only %d rows", rows)
	}
}

// shownRows is how many rows of an answer a panel shows: a chart leaves out those that only
// say that there is such a day.
func shownRows(p panel, a dashboard.Answer) (n int) {
	if !strings.Contains(p.Targets[0].RawSQL, " AS metric") {
		return len(a.Records())
	}
	for _, record := range a.Records() {
		if record[a.Columns()[1]] != nil {
			n++
		}
	}
	return n
}

// TestLayout: panels have room, and no two overlap.
func TestLayout(t *testing.T) {
	for name, d := range boards(t) {
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W < 1 || p.GridPos.H < 1 {
				t.Errorf("%s, %s: %+v", name, p.Title, p.GridPos)
			}
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: %s and %s overlap", name, other, p.Title)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

// TestLinksLead: a link leads to a dashboard that is there, with variables that it has and
// values that the rows have.
func TestLinksLead(t *testing.T) {
	known := map[string]board{}
	for _, d := range boards(t) {
		known["/d/"+d.UID] = d
	}
	linkRE := regexp.MustCompile(`"url":"(/d/[^"?]+)\??([^"]*)"`)
	found := 0
	for name := range boards(t) {
		text, err := os.ReadFile("dashboards/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			t.Fatal(err)
		}
		for _, m := range linkRE.FindAllStringSubmatch(compact.String(), -1) {
			found++
			to, ok := known[m[1]]
			if !ok {
				t.Errorf("%s: there is no %s", name, m[1])
			}
			for _, v := range regexp.MustCompile(`var-(\w+)=|\$\{(\w+):queryparam\}`).FindAllStringSubmatch(m[2], -1) {
				wanted := v[1] + v[2]
				if !slices.ContainsFunc(to.Templating.List, func(v variable) bool { return v.Name == wanted }) {
					t.Errorf("%s: %s has no variable %s", name, m[1], wanted)
				}
			}
			if strings.ContainsAny(variableOfRowRE.ReplaceAllString(m[2], ""), "{}") {
				t.Errorf("%s: a mark is left in %s", name, m[0])
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d links", found)
	}
}

var variableOfRowRE = regexp.MustCompile(`\$\{(__data\.fields\.\w+:percentencode|\w+:queryparam)\}`)

// TestForms: charts and matrices that ask for what a view has, as it is.
func TestForms(t *testing.T) {
	p := page.Page{Name: "x", Panels: []page.Panel{
		{Title: "Lines", As: page.Lines{}, SQL: "SELECT * FROM scores"},
		{Title: "Matrix", As: page.Matrix{}, SQL: "SELECT * FROM rules"},
	}}
	all, err := generate([]page.Page{p}, "x lines\tday\tdate\nx lines\tpack\ttext\nx lines\tscore\tnumeric\n"+
		"x lines\tmark\ttext\nx matrix\taccount_id\ttext\nx matrix\trule\ttext\nx matrix\tstate\ttext\n")
	if err != nil {
		t.Fatal(err)
	}
	var d board
	if err := json.Unmarshal(all[directory+"x.json"], &d); err != nil {
		t.Fatal(err)
	}
	const want = "SELECT day AS time, pack AS metric, score AS value FROM (\nSELECT * FROM scores\n) AS rows\n" +
		"WHERE pack IS NOT NULL ORDER BY 1, 2"
	if lines := d.Panels[0]; lines.Type != "timeseries" || lines.Targets[0].RawSQL != want {
		t.Errorf("%+v", lines)
	}
	if m := d.Panels[1]; m.Type != "table" || fmt.Sprint(m.Transformations) !=
		"[{groupingToMatrix map[columnField:rule emptyValue:empty rowField:account_id valueField:state]}]" {
		t.Errorf("%+v", m)
	}
	if _, err := generate([]page.Page{p}, "x lines\tname\ttext\nx lines\tscore\tnumeric\n"); err == nil ||
		!strings.Contains(err.Error(), "page x: panel Lines: name is no time") {
		t.Errorf("got %v", err)
	}
}

type foreign struct{ page.Form }

func TestUnknownFormsAreErrors(t *testing.T) {
	p := page.Page{Name: "x", Panels: []page.Panel{{Title: "Map", As: foreign{}}}}
	for columns, want := range map[string]string{"x map\tlabel\ttext\n": "foreign", "": "-run TestColumns -update"} {
		if _, err := generate([]page.Page{p}, columns); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestProvisioning: the data source is the one that the dashboards name, its connection is
// verified, and no secret is in the file.
func TestProvisioning(t *testing.T) {
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, Type, UID, URL, User string
			JSONData                   struct {
				Database, SSLMode string
				Method            string `yaml:"tlsConfigurationMethod"`
				CA                string `yaml:"sslRootCertFile"`
			} `yaml:"jsonData"`
			SecureJSONData struct{ Password string } `yaml:"secureJsonData"`
		}
	}
	readYAML(t, "provisioning/datasources/observability.yaml", &sources)
	got := sources.Datasources[0]
	if got.UID != source.UID || got.Type != source.Type || got.JSONData.SSLMode != "verify-full" ||
		got.JSONData.Method != "file-path" || got.SecureJSONData.Password != "${OBSERVABILITY_PASSWORD}" {
		t.Errorf("%+v", got)
	}
	var providers struct {
		Providers []struct {
			Type    string
			Options struct{ Path string }
		}
	}
	readYAML(t, "provisioning/dashboards/observability.yaml", &providers)
	if p := providers.Providers; len(p) != 1 || p[0].Type != "file" || p[0].Options.Path == "" {
		t.Errorf("%+v", providers)
	}
}

func readYAML(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
