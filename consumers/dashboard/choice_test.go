package dashboard

import (
	"net/url"
	"strings"
	"testing"

	"github.com/hubspoke/observability/consumers/dashboard/page"
)

// TestUnheededFilters: a panel says which filters that somebody chose do not narrow it.
func TestUnheededFilters(t *testing.T) {
	p := page.Page{Filters: []page.Filter{
		{Name: "account", Label: "Account"}, {Name: "region", Label: "Region"}, {Name: "kind", Label: "Kind"},
		{Name: "currency", Label: "Currency", First: "USD"},
	}}
	for _, test := range []struct {
		chosen string
		panel  page.Panel
		want   string
	}{
		{"region=x", page.Panel{SQL: "SELECT 1 WHERE true {where}"}, ""},
		{"region=x", page.Panel{SQL: "SELECT 1 WHERE true {where account, region}"}, ""},
		{"account=x", page.Panel{SQL: "SELECT 1 WHERE true {where account}"}, ""},
		{"region=x", page.Panel{SQL: "SELECT 1 WHERE true {where account}"}, "Region has no effect here"},
		{"region=x", page.Panel{SQL: "SELECT 1 WHERE true {where account} OR true {where region}"}, ""},
		{"region=x&account=y&kind=z&currency=EUR", page.Panel{SQL: "SELECT 1"},
			"Account, Region and Kind have no effect here"},
	} {
		values, err := url.ParseQuery(test.chosen)
		if err != nil {
			t.Fatal(err)
		}
		c, err := choose(p, values, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := c.unheeded(test.panel); got != test.want {
			t.Errorf("%s, %s: %q, want %q", test.chosen, test.panel.SQL, got, test.want)
		}
	}
	said := Description(p, page.Panel{Note: "by day", SQL: "{where account, region}"})
	if want := "by day; Kind has no effect here"; said != want {
		t.Errorf("the description is %q, want %q", said, want)
	}
}

// TestRollupOfAChoice: a panel asks the first view that has the columns that it groups by,
// and those of its conditions.
func TestRollupOfAChoice(t *testing.T) {
	p := page.Page{
		Filters: []page.Filter{
			{Name: "account", Column: "account_id"}, {Name: "service", Column: "service"},
			{Name: "currency", Column: "currency", First: "USD"},
		},
		Rollups: map[string]page.Rollup{"cost": {
			{View: "by_service", Columns: []string{"service", "currency"}},
			{View: "by_account", Columns: []string{"account_id", "currency"}},
			{View: "all", Columns: []string{"account_id", "service", "currency"}},
		}},
	}
	for _, test := range []struct{ sql, filters, want string }{
		{"{cost by service} WHERE true {where}", "", "by_service"},
		{"{cost by currency} WHERE true {where}", "", "by_service"},
		{"{cost by account_id} WHERE true {where}", "", "by_account"},
		{"{cost by account_id, service}", "", "all"},
		{"{cost by currency} WHERE true {where}", "account=1", "by_account"},
		{"{cost by currency} WHERE true {where}", "account=1&service=2", "all"},
		{"{cost by service} WHERE true {where}", "account=1", "all"},
		{"{cost by service} WHERE true {where service, currency}", "account=1", "by_service"},
		{"{cost by service}", "account=1", "by_service"},
		{"{cost by region}", "", "{cost by region}"},
		{"{costs by service}", "", "{costs by service}"},
	} {
		values, err := url.ParseQuery(test.filters)
		if err != nil {
			t.Fatal(err)
		}
		c, err := choose(p, values, "")
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := strings.Cut(c.query(test.sql).sql, " WHERE"); got != test.want {
			t.Errorf("%s with %q asks %s, want %s", test.sql, test.filters, got, test.want)
		}
		c.restricted = true
		if got := c.query(test.sql).sql; strings.HasPrefix(got, "by_service") {
			t.Errorf("%s of a viewer who does not see all accounts asks %s", test.sql, got)
		}
	}
}

// TestConditions: each has the form of which the planner expects the right number of rows.
func TestConditions(t *testing.T) {
	p := page.Page{Filters: []page.Filter{{Name: "red", Column: "red", Boolean: true}, {Name: "kind", Column: "kind"},
		{Name: "status", Column: "status", Computed: true}}}
	for query, want := range map[string]string{
		"red=true":          " AND red",
		"red=false":         " AND NOT red",
		"red=true&red=true": " AND red::text = ANY($1)",
		"red=perhaps":       " AND red::text = ANY($1)",
		"kind=true":         " AND kind::text = ANY($1)",
		"status=a&status=b": " AND array_position($1::text[], status) IS NOT NULL",
		"":                  "",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		c, err := choose(p, values, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := c.query("{where}").sql; got != want {
			t.Errorf("%q is the condition %q, want %q", query, got, want)
		}
	}
}
