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

// TestConditions: each has the form that lets the planner expect the right number of rows.
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

// TestAddressesOfAChoice: what is chosen goes along to the rows of a panel, the page without
// one filter, and where a row leads.
func TestAddressesOfAChoice(t *testing.T) {
	account := page.Page{Name: "account", Path: "/accounts/{account}", Filters: []page.Filter{
		{Name: "account", Column: "account_id"}, {Name: "service", Column: "service"},
		{Name: "currency", Column: "currency", First: "USD"},
	}}
	costs := page.Page{Name: "costs", Path: "/costs", Filters: account.Filters[:2]}
	l := links{[]page.Page{account, costs}, []relation{{name: "cost_daily", columns: []relationColumn{
		{"account_id", "text", ""}, {"currency", "text", ""}, {"service", "text", ""}, {"usage_type", "text", ""}}}}}
	c, err := choose(account, url.Values{"service": {"~x", "y&z"}, "currency": {"EUR"}}, "1")
	if err != nil {
		t.Fatal(err)
	}
	row := func(column string) string { return map[string]string{"type": "<t", "empty": ""}[column] }
	for want, got := range map[string]string{
		"/data/account/by-day.csv?account=1&currency=EUR&service=~x&service=y%26z": c.data("by-day", "csv"),
		"/accounts/1?currency=EUR":                  c.with("service", ""),
		"/accounts/1?currency=EUR&service=b":        c.with("service", "b"),
		"/costs?account=1&service=~x&service=y%26z": l.link(c, "/costs", row),
		"/costs?account=1&service=s":                l.link(c, "/costs?service=s", row),
		"/accounts/1?currency=EUR&service=%3Ct":     l.link(c, "?service={type}", row),
		"/rows/cost_daily?account_id=1&currency=EUR&service=%3D~x&service=y%26z&usage_type=%3D%3Ct": l.link(c,
			"/rows/cost_daily?usage_type={type}", row),
		"": l.link(c, "/rows/cost_daily?usage_type={empty}", row),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
