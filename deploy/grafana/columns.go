package main

import (
	"slices"
	"strings"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/page"
)

// column is a column of a panel, with its type as pgtype names it, as int8.
type column struct{ name, kind string }

// number reports whether the values are numbers.
func (c column) number() bool {
	return slices.Contains([]string{"int2", "int4", "int8", "float4", "float8", "numeric"}, c.kind)
}

// list reports whether the values are arrays.
func (c column) list() bool { return strings.HasPrefix(c.kind, "_") }

// panelKey is how columns.txt names a panel.
func panelKey(p page.Page, panel page.Panel) string {
	return p.Name + " " + dashboard.NameOf(panel.Title)
}

// readColumns reads columns.txt: on each line a page, a panel, a column and its type.
func readColumns(text string) map[string][]column {
	columns := map[string][]column{}
	for line := range strings.Lines(text) {
		if panel, c, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			name, kind, _ := strings.Cut(c, "\t")
			columns[panel] = append(columns[panel], column{name, kind})
		}
	}
	return columns
}
