package main

import (
	"fmt"
	"strings"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/page"
)

// source is the data source of provisioning/datasources/observability.yaml.
var source = dataSource{Type: "grafana-postgresql-datasource", UID: "observability"}

// tag marks the dashboards, so that each has a list of the others.
const tag = "observability"

// builder makes the dashboard of a page.
type builder struct {
	all     []page.Page
	columns map[string][]column
	page    page.Page
}

func uid(p page.Page) string { return "observability-" + p.Name }

func (b builder) dashboard() (*board, error) {
	d := &board{
		UID: uid(b.page), Title: "Observability: " + b.page.Title, Description: b.page.Question, Tags: []string{tag},
		Timezone: "utc", Refresh: "5m", SchemaVersion: schemaVersion,
		Time: timeRange{"now-90d", "now"}, TimePicker: timePicker{Hidden: true},
		Links: []dashboardLink{{Title: "Pages", Type: "dashboards", Tags: []string{tag}, AsDropdown: true,
			IncludeVars: true, Icon: "external link"}},
		Templating: templating{[]variable{}}, Panels: []panel{},
	}
	for _, f := range b.page.Filters {
		d.Templating.List = append(d.Templating.List, b.variable(f))
	}
	for _, p := range b.page.Panels {
		made, err := b.panel(p)
		if err != nil {
			return nil, fmt.Errorf("panel %s: %w", p.Title, err)
		}
		made.ID = len(d.Panels) + 1
		if made.Type == "timeseries" { // each other has the period of its query
			d.TimePicker.Hidden = false
		}
		d.Panels = append(d.Panels, *made)
	}
	arrange(d.Panels)
	return d, nil
}

// everything is the value of a variable where all is chosen.
const everything = "*"

// variable is a filter as a variable: several values, or all; one where the page cannot do
// without, or has a first choice.
func (b builder) variable(f page.Filter) variable {
	v := variable{Name: f.Name, Label: f.Label, Type: "query", Datasource: source, Query: string(f.Options), Refresh: 1}
	switch {
	case f.Name == dashboard.FixedFilter(b.page):
		v.Current = variableOption{"", ""}
	case f.First != "":
		v.Current = variableOption{f.First, f.First}
	default:
		v.Multi, v.IncludeAll, v.AllValue = true, true, "'"+everything+"'" // as it is in the SQL
		v.Current = variableOption{[]string{"All"}, []string{"$__all"}}
	}
	return v
}

// sql completes the SQL of a panel: Grafana puts the values that are chosen into it, each
// quoted. No value at all, or an empty one, is everything.
func (b builder) sql(p page.Panel) string {
	completed := dashboard.Where(b.page, string(p.SQL), func(f page.Filter) string {
		chosen := "ARRAY[${" + f.Name + ":sqlstring}]::text[]"
		return fmt.Sprintf(" AND (%s <@ ARRAY['%s', ''] OR %s::text = ANY (%[1]s))", chosen, everything, f.Column)
	})
	lines := strings.Split(strings.TrimSpace(completed), "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], "\t")
	}
	return strings.Join(lines, "\n")
}

// arrange puts panels beside each other as long as there is room, each row as high as its
// highest panel.
func arrange(panels []panel) {
	const room = 24
	x, y, first := 0, 0, 0
	end := func(next int) {
		height := 0
		for i := first; i < next; i++ {
			height = max(height, panels[i].GridPos.H)
		}
		for i := first; i < next; i++ {
			panels[i].GridPos.H = height
		}
		x, y, first = 0, y+height, next
	}
	for i := range panels {
		if x+panels[i].GridPos.W > room {
			end(i)
		}
		panels[i].GridPos.X, panels[i].GridPos.Y = x, y
		x += panels[i].GridPos.W
	}
	end(len(panels))
}
