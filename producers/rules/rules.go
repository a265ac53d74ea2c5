// Package rules makes the rules of EventBridge that bring a spoke the events which its
// collectors declare as hints, for people and as templates.
package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hubspoke/observability/lib/collect"
)

// Rule is one rule of an event bus.
type Rule struct {
	// Name of the rule.
	Name string `json:"name"`
	// Description says what the rule is for.
	Description string `json:"description"`
	// Only is the region where AWS emits the events; empty: every region emits its own.
	// us-east-1 stands for the first region of other partitions, too.
	Only string `json:"only_in,omitempty"`
	// Pattern of the events.
	Pattern json.RawMessage `json:"pattern"`
}

// ByCategory returns a rule for each category and source of events.
func ByCategory(declared []collect.Declaration) ([]Rule, error) {
	return rules(declared, func(category, source string) string { return category + "-" + source })
}

// BySource returns a rule for each source, which takes an event once however many
// categories it is a hint for. Such rules forward events to another region.
func BySource(declared []collect.Declaration) ([]Rule, error) {
	return rules(declared, func(_, source string) string { return source })
}

// group is what becomes one rule.
type group struct {
	name, source, only string
	categories         []string
	hints              []collect.Hint
}

func rules(declared []collect.Declaration, nameOf func(category, source string) string) ([]Rule, error) {
	var groups []*group
	for _, d := range declared {
		for _, h := range d.Hints {
			g := &group{name: "spoke-" + nameOf(d.Category, strings.TrimPrefix(h.Source, "aws.")), source: h.Source,
				only: h.Only}
			i := slices.IndexFunc(groups, func(o *group) bool { return o.name == g.name && o.only == g.only })
			if i < 0 {
				groups, i = append(groups, g), len(groups)
			}
			groups[i].add(d.Category, h)
		}
	}
	var list []Rule
	for _, g := range groups {
		pattern, err := collect.Pattern(g.hints...)
		if err != nil {
			return nil, err
		}
		list = append(list, Rule{
			Name: g.name, Only: g.only, Pattern: pattern,
			Description: fmt.Sprintf("Events of %s for the spoke: %s", g.source, strings.Join(g.categories, ", ")),
		})
	}
	return list, nil
}

// add adds a hint. Hints of the same kind become one, with each name once.
func (g *group) add(category string, h collect.Hint) {
	if !slices.Contains(g.categories, category) {
		g.categories = append(g.categories, category)
	}
	for i := range g.hints {
		same := &g.hints[i]
		if same.Match == h.Match && (len(same.Calls) > 0) == (len(h.Calls) > 0) {
			same.Types, same.Calls = union(same.Types, h.Types), union(same.Calls, h.Calls)
			return
		}
	}
	g.hints = append(g.hints, h)
}

func union(a, b []string) []string {
	for _, name := range b {
		if !slices.Contains(a, name) {
			a = append(a, name)
		}
	}
	return a
}
