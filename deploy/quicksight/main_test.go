package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/quicksight/types"

	"github.com/hubspoke/observability/internal/generate/files"
)

func TestTemplateIsFresh(t *testing.T) {
	text, err := generate(sheetsText, columnsText)
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Update("../..", map[string][]byte{templateFile: text}, false); err != nil {
		t.Error(err)
	}
}

// stack is the part of the template that tests read.
type stack struct {
	Resources map[string]struct {
		Properties struct {
			PhysicalTableMap map[string]struct{ CustomSql customSQL }
			Definition       *definition
		}
	}
}

type customSQL struct {
	Name     string
	SqlQuery any
	Columns  []inputColumn
}

type inputColumn struct {
	Name string
	Type types.InputColumnDataType
}

// definition is the part of a definition that tests read, without references to parameters.
type definition struct {
	FilterGroups []struct {
		Filters            []any
		ScopeConfiguration types.FilterScopeConfiguration
	}
	Sheets []types.SheetDefinition
}

func readStack(t *testing.T) stack {
	t.Helper()
	text, err := os.ReadFile("../../" + templateFile)
	if err != nil {
		t.Fatal(err)
	}
	var s stack
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// table is what QuickSight reads of the database.
type table struct {
	SqlQuery string
	Columns  []inputColumn
}

// tables returns the tables of the sets by name, with the references to parameters resolved.
func tables(t *testing.T) map[string]table {
	t.Helper()
	found := map[string]table{}
	for _, r := range readStack(t).Resources {
		for _, physical := range r.Properties.PhysicalTableMap {
			query, ok := physical.CustomSql.SqlQuery.(string)
			if !ok { // Fn::Sub
				query = strings.NewReplacer(
					"${Groups}", "arn:aws:quicksight:eu-central-1:444455556666:group/default/",
					"${QuickSightOwnerGroup}", "arn:aws:quicksight:eu-central-1:444455556666:group/default/owners",
				).Replace(accessQuery)
			}
			found[physical.CustomSql.Name] = table{query, physical.CustomSql.Columns}
		}
	}
	return found
}

func TestThereIsEnoughToSee(t *testing.T) {
	d, err := parse(sheetsText)
	if err != nil {
		t.Fatal(err)
	}
	visuals := 0
	for _, s := range d.sheets {
		visuals += len(s.visuals)
		if s.question == "" || !strings.HasSuffix(s.question, "?") {
			t.Errorf("sheet %s: %q is no question", s.name, s.question)
		}
		for _, v := range s.visuals {
			if v.title == "" || v.subtitle == "" {
				t.Errorf("sheets.txt:%d: a title or a subtitle is missing", v.line)
			}
		}
	}
	if len(d.sheets) < 6 || visuals < 60 {
		t.Errorf("%d sheets and %d visuals, want 6 and 60 at least", len(d.sheets), visuals)
	}
	t.Logf("%d sheets, %d visuals, %d sets", len(d.sheets), visuals, len(d.views()))
}

// TestTheHubExportsWhatIsImported: an import that the hub's stack does not export ends the
// deployment.
func TestTheHubExportsWhatIsImported(t *testing.T) {
	hub, err := os.ReadFile("../cloudformation/hub.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := generate(sheetsText, columnsText)
	if err != nil {
		t.Fatal(err)
	}
	imports := regexp.MustCompile(`\$\{HubStackName\}-(\w+)`).FindAllSubmatch(text, -1)
	if len(imports) == 0 {
		t.Fatal("nothing is imported")
	}
	for _, m := range imports {
		if !bytes.Contains(hub, []byte(`Export: {Name: !Sub "${AWS::StackName}-`+string(m[1])+`"}`)) {
			t.Errorf("hub.yaml does not export %s", m[1])
		}
	}
}

// definitions returns the definitions of the analysis and the dashboard.
func definitions(t *testing.T) map[string]*definition {
	t.Helper()
	found := map[string]*definition{}
	for name, r := range readStack(t).Resources {
		if r.Properties.Definition != nil {
			found[name] = r.Properties.Definition
		}
	}
	if len(found) != 2 {
		t.Fatalf("definitions of %v", slices.Collect(maps.Keys(found)))
	}
	return found
}

// TestLayout: every visual has one place, and no two overlap.
func TestLayout(t *testing.T) {
	for name, d := range definitions(t) {
		for _, s := range d.Sheets {
			taken := map[[2]int32]string{}
			places := map[string]int{}
			for _, e := range s.Layouts[0].Configuration.GridLayout.Elements {
				places[*e.ElementId]++
				for row := *e.RowIndex; row < *e.RowIndex+*e.RowSpan; row++ {
					for column := *e.ColumnIndex; column < *e.ColumnIndex+*e.ColumnSpan; column++ {
						if other := taken[[2]int32{row, column}]; other != "" {
							t.Fatalf("%s: %s and %s overlap", name, other, *e.ElementId)
						}
						taken[[2]int32{row, column}] = *e.ElementId
						if column >= gridColumns {
							t.Fatalf("%s: %s is wider than the sheet", name, *e.ElementId)
						}
					}
				}
			}
			for _, v := range s.Visuals {
				if id := idOf(v); places[id] != 1 {
					t.Errorf("%s: %s has %d places", name, id, places[id])
				}
			}
			if len(places) != len(s.Visuals) {
				t.Errorf("%s: sheet %s has places for what is not there", name, *s.Name)
			}
			if rows := len(taken) / gridColumns; rows*gridColumns != len(taken) {
				t.Errorf("%s: sheet %s has gaps", name, *s.Name)
			}
		}
	}
}

// idOf returns the identifier of a visual, whatever kind it is.
func idOf(v types.Visual) string {
	for _, kind := range reflect.ValueOf(v).Fields() {
		if kind.Kind() == reflect.Pointer && !kind.IsNil() {
			return *kind.Elem().FieldByName("VisualId").Interface().(*string)
		}
	}
	return ""
}

func TestControls(t *testing.T) {
	d := definitions(t)["Dashboard"]
	filtered := map[string]bool{} // sheet, a space, parameter
	for _, g := range d.FilterGroups {
		for _, scope := range g.ScopeConfiguration.SelectedSheets.SheetVisualScopingConfigurations {
			for _, parameter := range []string{accountParameter, regionParameter, fromParameter, toParameter} {
				if strings.Contains(fmt.Sprint(g.Filters), ":"+parameter) {
					filtered[*scope.SheetId+" "+parameter] = true
				}
			}
		}
	}
	dated := 0
	for _, s := range d.Sheets {
		controlled := map[string]bool{}
		for _, c := range s.ParameterControls {
			if c.Dropdown != nil {
				controlled[*c.Dropdown.SourceParameterName] = true
			} else {
				controlled[*c.DateTimePicker.SourceParameterName] = true
			}
		}
		if !controlled[accountParameter] || !controlled[regionParameter] {
			t.Errorf("sheet %s has the controls %v", *s.Name, controlled)
		}
		if controlled[fromParameter] {
			dated++
		}
		for parameter := range controlled {
			if !filtered[*s.SheetId+" "+parameter] {
				t.Errorf("sheet %s: the control %s filters nothing", *s.Name, parameter)
			}
		}
	}
	if dated < 4 {
		t.Errorf("only %d sheets have a period", dated)
	}
}

// TestCurrenciesAreNotAddedUp: a sum of amounts is of one currency, and an amount in a list
// stands beside its currency.
func TestCurrenciesAreNotAddedUp(t *testing.T) {
	d, err := parse(sheetsText)
	if err != nil {
		t.Fatal(err)
	}
	c, err := readCatalog(columnsText)
	if err != nil {
		t.Fatal(err)
	}
	inOneCurrency := map[string]bool{}
	for _, g := range define(d, c).FilterGroups {
		if f := g.Filters[0].CategoryFilter; f != nil && *f.Column.ColumnName == "currency" {
			if values := f.Configuration.FilterListConfiguration.CategoryValues; !slices.Equal(values, []string{"${Currency}"}) {
				t.Errorf("%s: currencies %v", *g.FilterGroupId, values)
			}
			for _, id := range g.ScopeConfiguration.SelectedSheets.SheetVisualScopingConfigurations[0].VisualIds {
				inOneCurrency[id] = true
			}
		}
	}
	for _, s := range d.sheets {
		for _, v := range s.visuals {
			amounts := slices.ContainsFunc(v.measures, func(f field) bool { return isMoney(f.column) })
			if amounts && c.has(v.view, "currency") && !inOneCurrency[visualID(s, v)] {
				t.Errorf("sheets.txt:%d adds up currencies", v.line)
			}
		}
	}
	if len(inOneCurrency) < 10 {
		t.Errorf("only %d visuals have amounts", len(inOneCurrency))
	}
}

// TestFaults: a description that does not fit is refused, with the line and what is wrong.
func TestFaults(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{`gauge "T" "s" freshness: | count`, `no kind of visual is called "gauge"`},
		{`kpi "T" "s" nowhere: | count`, `columns.txt has no view "nowhere"`},
		{`kpi "T" "s" freshness: | colour`, `freshness has no column "colour"`},
		{`kpi "T" "s" freshness: | status`, `status: text is no number`},
		{`kpi "T" "s" freshness: | count, red`, `2 measures; this kind takes 1 to 1`},
		{`kpi "T" freshness: | count`, `write: kind "Title" "subtitle"`},
		{`kpi "T" "s" freshness | count`, `a colon stands behind the view`},
		{`bar "T" "s" freshness: | count`, `0 dimensions; this kind takes 1 to 2`},
		{`bar "T" "s" freshness: category, status | count, red`, `two dimensions go with one measure`},
		{`bar "T" "s" cost_monthly: month | unblended_cost`, `dates, and only dates, have a granularity`},
		{`bar "T" "s" freshness: status@MONTH | count`, `dates, and only dates, have a granularity`},
		{`bar "T" "s" cost_monthly: month@AGE | unblended_cost`, `AGE is none of`},
		{`bar "T" "s" freshness: red | count`, `boolean is a measure, not a dimension`},
		{`bar "T" "s" freshness: age | count`, `QuickSight has no type for interval`},
		{`kpi "T" "s" freshness: | distinct red`, `only text is counted`},
		{`kpi "T" "s" freshness: | count where status`, `a condition without a value takes a boolean`},
		{`kpi "T" "s" freshness: | count where red = yes`, `the column is text`},
		{`kpi "T" "s" freshness: | count where rejects > many`, `a number stands on both sides`},
		{`kpi "T" "s" freshness: | count where colour = red`, `freshness has no column "colour"`},
		{`list "T" "s" cost_monthly: account, unblended_cost`, `a list of amounts also shows their currency`},
		{"kpi \"T\" \"s\" freshness: | count\nkpi \"T\" \"s\" freshness: | red", `sheets.txt:3: the sheet has a visual "T"`},
		{`period freshness.status`, `period freshness.status: no such date column`},
		{`period freshness`, `write: period view.column`},
		{`choices nowhere.account`, `choices nowhere.account: no such column`},
		{`choices freshness.colour`, `choices freshness.colour: no such column`},
		{`choices freshness`, `write: choices view.column`},
	} {
		_, err := generate("# Sheet: What?\n"+test.line, columnsText)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "sheets.txt:") {
			t.Errorf("%s\n got %v\nwant %s", test.line, err, test.want)
		}
	}
	if _, err := generate(`kpi "T" "s" freshness: | count`, columnsText); err == nil ||
		!strings.Contains(err.Error(), "sheets.txt:1: a visual stands below a sheet") {
		t.Errorf("a visual without a sheet: %v", err)
	}
	if _, err := generate("# Sheet: What?\n"+`kpi "T" "s" product_costs: | unblended_cost`,
		"product_costs.unblended_cost\tnumeric"); err == nil || !strings.Contains(err.Error(), "has no account_id") {
		t.Errorf("a view of all accounts together: %v", err)
	}
	if _, err := readCatalog("freshness\ttext"); err == nil || !strings.Contains(err.Error(), "columns.txt:1") {
		t.Errorf("a line without a column: %v", err)
	}
}

// TestPersonalDataStaysOut: a set has columns with data of people only if a visual shows them.
func TestPersonalDataStaysOut(t *testing.T) {
	columns := "users.account_id\ttext\nusers.email\ttext\tpersonal"
	for line, want := range map[string]bool{
		`kpi "T" "s" users: | count`:            false,
		`list "T" "s" users: account_id, email`: true,
	} {
		text, err := generate("# Sheet: What?\n"+line, columns)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(text, []byte("v.email")); got != want {
			t.Errorf("%s: the query asks for the address: %t", line, got)
		}
	}
}

func TestEncode(t *testing.T) {
	got := encode(types.TimeRangeFilter{
		FilterId: new("id"), IncludeMinimum: new(false), Column: identify("${Set.Arn}", "${Name}"),
	})
	want := object{
		"FilterId": "id", "IncludeMinimum": false,
		"Column": object{
			"DataSetIdentifier": object{"Fn::GetAtt": []string{"Set", "Arn"}}, "ColumnName": object{"Ref": "Name"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestLayOut: what is laid out is the same value.
func TestLayOut(t *testing.T) {
	long := strings.Repeat("x", maxInline)
	for _, text := range []string{`{}`, `[]`, `1`, `"` + long + `"`, `["` + long + `",{},[],{"a":["` + long + `",1]}]`,
		`{"a\"b":"` + long + `","c":{"d":null}}`} {
		var b bytes.Buffer
		if err := layOut(&b, json.RawMessage(text), ""); err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, b.Bytes()); err != nil || compact.String() != text {
			t.Errorf("%s became %s, %v", text, b.String(), err)
		}
	}
}
