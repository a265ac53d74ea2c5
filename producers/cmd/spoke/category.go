package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// categoryDetailJSON is one category as `spoke categories NAME -o json` prints it: an
// interface, add only.
type categoryDetailJSON struct {
	categoryJSON
	Doc          string        `json:"doc"`
	Key          []string      `json:"key"`
	PaidRequests int           `json:"paid_requests"`
	Long         bool          `json:"long"`
	Services     []serviceJSON `json:"services"`
	// Hints are events after which the category is collected sooner.
	Hints []hintJSON `json:"hints"`
	// Columns have here what they are; in the list they are names.
	Columns []schemas.CatalogColumn `json:"columns"`
}

// hintJSON is a kind of events: detail types, or calls that CloudTrail reports.
type hintJSON struct {
	Source string   `json:"source"`
	Types  []string `json:"types,omitempty"`
	Calls  []string `json:"calls,omitempty"`
	// Only is the region that emits the events, whatever region they are about.
	Only string `json:"only_in,omitempty"`
}

// serviceJSON is an AWS service that a category calls.
type serviceJSON struct {
	Name string       `json:"name"`
	Rate collect.Rate `json:"rate"`
	// PerAccount is set when the regions of an account share the rate.
	PerAccount bool `json:"per_account"`
	// Price of a request in USD.
	Price float64 `json:"usd_per_request"`
	Quota string  `json:"quota"`
}

// show prints what is known of one category.
func (c categoriesCommand) show(p program.Program) error {
	chosen, err := sourceFlags{Category: []string{c.Name}}.choose(collectors.All())
	if err != nil {
		return program.Usagef("unknown category %q: `spoke categories` lists them", c.Name)
	}
	detail := detailOf(chosen[0])
	if c.JSON() {
		return program.WriteJSON(p.Stdout, detail)
	}
	detail.print(p.Stdout)
	return nil
}

func detailOf(collector collect.Any) categoryDetailJSON {
	d := collector.Declaration()
	detail := categoryDetailJSON{
		categoryJSON: categoryOf(collector), PaidRequests: d.PaidRequests, Long: d.Long,
		Key: []string{"account_id", "region"},
	}
	i := slices.IndexFunc(schemas.Catalog(), func(c schemas.CatalogCategory) bool { return c.Name == d.Category })
	category := schemas.Catalog()[i] // a test keeps the catalog complete
	detail.Doc, detail.Columns = category.Doc, category.Columns
	for _, column := range category.Columns {
		if column.Key {
			detail.Key = append(detail.Key, column.Name)
		}
	}
	for _, s := range collectors.ServicesOf(d) {
		detail.Services = append(detail.Services, serviceJSON{s.Name, s.Rate, s.PerAccount, s.Price, s.Quota})
	}
	for _, h := range d.Hints {
		detail.Hints = append(detail.Hints, hintJSON{h.Source, h.Types, h.Calls, h.Only})
	}
	return detail
}

func (d categoryDetailJSON) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n%s\n\n", d.Name, program.Wrap(w, d.Doc, ""))
	facts := program.NewTable(w, "", "")
	facts.ResetHeaders()
	add := func(what, text string) { facts.AppendRow(table.Row{what, text}) }
	add("collected", d.collected())
	add("mode", d.Mode)
	add("key", strings.Join(d.Key, ", "))
	for _, s := range d.Services {
		add("requests to "+s.Name, s.text())
	}
	if d.USDPerMonth > 0 {
		add("price", fmt.Sprintf("USD %.2f a month for an ordinary account; paid requests of a run: %d", d.USDPerMonth,
			d.PaidRequests))
	}
	for _, h := range d.Hints {
		add("sooner after "+h.Source, strings.Join(append(h.Types, h.Calls...), ", "))
	}
	add("IAM actions", strings.Join(d.Actions, "\n"))
	facts.Render()
	columns := program.NewTable(w, "column", "type", "null", "what it is")
	for _, c := range d.Columns {
		null := ""
		if c.Nullable {
			null = "yes"
		}
		columns.AppendRow(table.Row{c.Name, typeText(c), null, c.Doc})
	}
	columns.Render()
}

// collected says where and how often.
func (d categoryDetailJSON) collected() string {
	text := fmt.Sprintf("%s, every %s", d.Reach, d.Every)
	if d.ManagementAccount {
		text += "; only in the management account of an organization"
	}
	if d.FullEvery != "" {
		text += fmt.Sprintf("; everything every %s, in between what changed", d.FullEvery)
	}
	if d.Sliced {
		text += "; one run for each slice"
	}
	if d.Long {
		text += "; a run of a large account takes minutes"
	}
	return text
}

func (s serviceJSON) text() string {
	text := fmt.Sprintf("%v a second", s.Rate.PerSecond)
	if !s.PerAccount {
		text += " in each region"
	}
	if s.Rate.Burst > 1 {
		text += fmt.Sprintf(", %d at once", s.Rate.Burst)
	}
	text += ", of all categories together"
	if s.Price > 0 {
		text += fmt.Sprintf("; USD %v each", s.Price)
	}
	return text
}

// typeText returns the kind of a column, with what is special of it.
func typeText(c schemas.CatalogColumn) string {
	parts := []string{c.Kind}
	if c.Shape != "" {
		parts[0] += " " + c.Shape
	}
	if c.Key {
		parts = append(parts, "key")
	}
	if c.Slice {
		parts = append(parts, "slice")
	}
	if c.Personal != "" {
		parts = append(parts, "personal: "+c.Personal)
	}
	return strings.Join(parts, "\n")
}
