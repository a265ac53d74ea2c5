package dashboard

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hubspoke/observability/consumers/dashboard/page"
)

// choice is what somebody chose on a page: the filters of its address.
type choice struct {
	page page.Page
	// path is the address of the page without the query, values are the filters in it.
	path   string
	values url.Values
	// fixed is the filter that the path chooses, "" if there is none, and to.
	fixed, to string
	// restricted viewers have only views that tell accounts apart.
	restricted bool
}

// pathFilter finds the filter that the path of a page chooses.
var pathFilter = regexp.MustCompile(`\{(\w+)\}`)

// choose reads the filters of an address; fixed is what its path chooses. It refuses
// filters that the page does not have.
func choose(p page.Page, query url.Values, fixed string) (choice, error) {
	c := choice{page: p, path: p.Path, values: url.Values{}}
	if m := pathFilter.FindStringSubmatch(p.Path); m != nil {
		c.fixed, c.to = m[1], fixed
		c.path = strings.Replace(p.Path, m[0], url.PathEscape(fixed), 1)
	}
	if !storable(fixed) {
		return c, notStorable("the address")
	}
	for name, values := range query {
		if name == c.fixed || !slices.ContainsFunc(p.Filters, func(f page.Filter) bool { return f.Name == name }) {
			return c, badRequest(fmt.Sprintf("This page has no filter %q.", cut(name, 60)), filtersOf(p, c.fixed))
		}
		for _, v := range values {
			if !storable(v) {
				return c, notStorable("the value of the filter " + name)
			}
			if v != "" {
				c.values.Add(name, v)
			}
		}
	}
	return c, nil
}

func filtersOf(p page.Page, fixed string) string {
	var names []string
	for _, f := range p.Filters {
		if f.Name != fixed {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return "It has none."
	}
	return "It has: " + strings.Join(names, ", ") + "."
}

// storable reports whether a text of PostgreSQL can have the value.
func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

func notStorable(what string) error {
	return badRequest("PostgreSQL cannot store "+what+".", "Write it in UTF-8, without the character NUL.")
}

// of returns what is chosen of a filter, nil if that is everything.
func (c choice) of(f page.Filter) []string {
	switch {
	case f.Name == c.fixed:
		return []string{c.to}
	case len(c.values[f.Name]) > 0:
		return c.values[f.Name]
	case f.First != "":
		return []string{f.First}
	}
	return nil
}

// accounts returns the accounts that are chosen, nil if that is all.
func (c choice) accounts() []string {
	for _, f := range c.page.Filters {
		if f.Name == "account" {
			return c.of(f)
		}
	}
	return nil
}

var whereMark = regexp.MustCompile(`\{where(?: ([\w, ]+))?\}`)

var rollupMark = regexp.MustCompile(`\{(\w+) by ([\w, ]+)\}`)

// Where replaces the marks in the SQL of a panel of a page. condition returns what stands for
// a filter, "" for nothing; it begins with AND. A rollup is its first view that has the
// columns of the mark, and those of the conditions.
func Where(p page.Page, sql string, condition func(page.Filter) string) string {
	return complete(p, sql, nil, condition)
}

// complete is [Where] for views that have the needed columns, too.
func complete(p page.Page, sql string, needed []string, condition func(page.Filter) string) string {
	sql = whereMark.ReplaceAllStringFunc(sql, func(mark string) string {
		only := names(whereMark.FindStringSubmatch(mark)[1])
		var where strings.Builder
		for _, f := range p.Filters {
			if len(only) > 0 && !slices.Contains(only, f.Name) {
				continue
			}
			if text := condition(f); text != "" {
				where.WriteString(text)
				needed = append(needed, string(f.Column))
			}
		}
		return where.String()
	})
	return rollupMark.ReplaceAllStringFunc(sql, func(mark string) string {
		m := rollupMark.FindStringSubmatch(mark)
		for _, v := range p.Rollups[m[1]] {
			lacks := func(column string) bool { return !slices.Contains(v.Columns, column) }
			if !slices.ContainsFunc(slices.Concat(names(m[2]), needed), lacks) {
				return string(v.View)
			}
		}
		return mark // which no database understands
	})
}

// unheeded says which filters that are chosen do not narrow a panel, "" if there is none. What
// is chosen where nothing is narrows nothing.
func (c choice) unheeded(panel page.Panel) string {
	return unheeded(c.page, panel, func(f page.Filter) bool { return f.First == "" && len(c.of(f)) > 0 })
}

func unheeded(p page.Page, panel page.Panel, chosen func(page.Filter) bool) string {
	var heeded, labels []string
	for _, mark := range whereMark.FindAllStringSubmatch(string(panel.SQL), -1) {
		if mark[1] == "" {
			return ""
		}
		heeded = append(heeded, names(mark[1])...)
	}
	for _, f := range p.Filters {
		if chosen(f) && !slices.Contains(heeded, f.Name) {
			labels = append(labels, f.Label)
		}
	}
	switch n := len(labels); n {
	case 0:
		return ""
	case 1:
		return labels[0] + " has no effect here"
	default:
		return strings.Join(labels[:n-1], ", ") + " and " + labels[n-1] + " have no effect here"
	}
}

// Description is the note of a panel, and which filters of the page do not narrow it.
func Description(p page.Page, panel page.Panel) string {
	return joined(panel.Note, unheeded(p, panel, func(f page.Filter) bool { return f.First == "" }))
}

// joined puts two parts of a note beside each other; one may be "".
func joined(note, more string) string {
	return strings.Trim(note+"; "+more, "; ")
}

// query completes the SQL of a panel. Columns are constants of the page; what was chosen is
// in the parameters.
func (c choice) query(sql string) query {
	var q query
	place := map[string]int{}
	var needed []string
	if c.restricted {
		needed = []string{"account_id"}
	}
	q.sql = complete(c.page, sql, needed, func(f page.Filter) string {
		chosen := c.of(f)
		if len(chosen) == 0 {
			return ""
		}
		if condition, ok := bare(string(f.Column), chosen); f.Boolean && ok {
			return " AND " + condition
		}
		if place[f.Name] == 0 {
			q.args = append(q.args, chosen)
			place[f.Name] = len(q.args)
		}
		if f.Computed { // of this condition, PostgreSQL expects that nearly all rows fulfil it
			return fmt.Sprintf(" AND array_position($%d::text[], %s) IS NOT NULL", place[f.Name], f.Column)
		}
		return fmt.Sprintf(" AND %s::text = ANY($%d)", f.Column, place[f.Name])
	})
	return q
}

// bare is the condition that a boolean column has a value. The planner finds indexes and
// statistics of the column only if it stands alone. It is not ok unless the value is one of
// true and false.
func bare(column string, values []string) (condition string, ok bool) {
	if len(values) != 1 {
		return "", false
	}
	condition, ok = map[string]string{"true": column, "false": "NOT " + column}[values[0]]
	return condition, ok
}

// names splits a list with commas.
func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// with is the address of the page with one value of a filter; "" clears it.
func (c choice) with(name, value string) string {
	v := url.Values{}
	for k, old := range c.values {
		if k != name {
			v[k] = old
		}
	}
	if value != "" {
		v.Set(name, value)
	}
	return address(c.path, v)
}

// data is the address of the rows of a panel, in the given format.
func (c choice) data(panel, format string) string {
	v := url.Values{}
	for name, values := range c.values {
		v[name] = values
	}
	if c.fixed != "" {
		v.Set(c.fixed, c.to)
	}
	return address("/data/"+c.page.Name+"/"+panel+"."+format, v)
}

func address(path string, v url.Values) string {
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

var columnMark = regexp.MustCompile(`\{(\w+)\}`)

// links knows where addresses lead, so that what is chosen can go along.
type links struct {
	pages []page.Page
	views []relation
}

// link is where a row leads; "" is nowhere. value returns the values of the row.
func (l links) link(c choice, pattern string, value func(column string) string) string {
	if pattern == "" {
		return ""
	}
	path, rawQuery, _ := strings.Cut(pattern, "?")
	missing := false
	fill := func(text string, escape func(string) string) string {
		return columnMark.ReplaceAllStringFunc(text, func(m string) string {
			v := value(m[1 : len(m)-1])
			missing = missing || v == ""
			return escape(v)
		})
	}
	path = fill(path, url.PathEscape)
	view, browses := strings.CutPrefix(path, "/rows/")
	given, _ := url.ParseQuery(fill(rawQuery, func(v string) string {
		if browses {
			v = literal(v)
		}
		return url.QueryEscape(v)
	}))
	if missing {
		return ""
	}
	carry := c.page.Filters
	switch {
	case path == "":
		path = c.path
	case browses:
		carry = l.columns(c.page.Filters, view)
	default:
		carry = l.filters(c.page.Filters, path)
	}
	for _, f := range carry {
		name := f.Name
		if browses {
			name = string(f.Column)
		}
		if _, set := given[name]; set || path == c.path && f.Name == c.fixed {
			continue
		}
		chosen := c.values[f.Name]
		if f.Name == c.fixed || browses { // a view has no first choice of its own
			chosen = c.of(f)
		}
		for _, v := range chosen {
			if browses {
				v = literal(v)
			}
			given.Add(name, v)
		}
	}
	return address(path, given)
}

// columns returns the filters with a column of the view.
func (l links) columns(filters []page.Filter, view string) []page.Filter {
	rel, _ := find(l.views, view)
	return slices.DeleteFunc(slices.Clone(filters), func(f page.Filter) bool {
		_, ok := rel.column(string(f.Column))
		return !ok
	})
}

// filters returns the filters that the page with the path has, too.
func (l links) filters(filters []page.Filter, path string) []page.Filter {
	i := slices.IndexFunc(l.pages, func(p page.Page) bool { return p.Path == path })
	return slices.DeleteFunc(slices.Clone(filters), func(f page.Filter) bool {
		return i < 0 || !slices.ContainsFunc(l.pages[i].Filters, func(other page.Filter) bool { return other.Name == f.Name })
	})
}
