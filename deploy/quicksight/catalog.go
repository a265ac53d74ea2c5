package main

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/quicksight/types"
)

// catalog has the columns of views by the view's name, in the order of the view.
type catalog map[string][]column

// column is a column of a view, as PostgreSQL's catalogue has it.
type column struct {
	name     string
	typ      string // as format_type of PostgreSQL writes it
	personal bool   // whether its comment says that it holds data of people
}

// accountLabel is the column that every set has besides those of its view: the name and the
// number of the account, by which people choose and tell accounts apart. Names alone are not
// unique.
const accountLabel = "account"

// readCatalog reads lines of view.column, a tab, its type, and for data of people a tab and
// the word personal.
func readCatalog(text string) (catalog, error) {
	c := catalog{}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		words := strings.Split(line, "\t")
		view, name, found := strings.Cut(words[0], ".")
		if !found || len(words) < 2 {
			return nil, fmt.Errorf("columns.txt:%d: not a column: %q", i+1, line)
		}
		c[view] = append(c[view], column{name: name, typ: words[1], personal: len(words) == 3})
	}
	return c, nil
}

// find returns a column of a set: one of its view, or the label of the account.
func (c catalog) find(view, name string) (column, bool) {
	if name == accountLabel && c[view] != nil {
		return column{name: name, typ: "text"}, true
	}
	for _, col := range c[view] {
		if col.name == name {
			return col, true
		}
	}
	return column{}, false
}

// has reports whether a set has a column.
func (c catalog) has(view, name string) bool {
	_, found := c.find(view, name)
	return found
}

// input is the type of the column in QuickSight, "" if that has none for it.
func (c column) input() types.InputColumnDataType {
	base, _, _ := strings.Cut(c.typ, "(")
	switch base {
	case "text":
		return types.InputColumnDataTypeString
	case "integer", "bigint", "boolean":
		return types.InputColumnDataTypeInteger
	case "numeric", "double precision":
		return types.InputColumnDataTypeDecimal
	case "date", "timestamp with time zone":
		return types.InputColumnDataTypeDatetime
	}
	return ""
}

// isNumber reports whether the column can be added up. Booleans can: they are 0 and 1.
func (c column) isNumber() bool {
	return c.input() == types.InputColumnDataTypeInteger || c.input() == types.InputColumnDataTypeDecimal
}

// isDate reports whether the column is a day or a time.
func (c column) isDate() bool { return c.input() == types.InputColumnDataTypeDatetime }

// expression is the column in the query of a set. Booleans become numbers, so that a sum
// counts what is true. Times lose their zone, which QuickSight does not know: they are UTC.
func (c column) expression() string {
	switch c.typ {
	case "boolean":
		return fmt.Sprintf("v.%[1]s::integer AS %[1]s", c.name)
	case "timestamp with time zone":
		return fmt.Sprintf("v.%[1]s AT TIME ZONE 'UTC' AS %[1]s", c.name)
	}
	return "v." + c.name
}

// set is what QuickSight reads of a view.
type set struct {
	view    string
	columns []column // without those that QuickSight cannot read
}

// set returns the set of a view. Columns with data of people are left out unless they are
// shown.
func (c catalog) set(view string, shown map[string]bool) set {
	s := set{view: view, columns: []column{{name: accountLabel, typ: "text"}}}
	for _, col := range c[view] {
		if col.input() != "" && (!col.personal || shown[col.name]) {
			s.columns = append(s.columns, col)
		}
	}
	return s
}

// query is the statement that QuickSight sends, inside another that groups and filters.
func (s set) query() string {
	expressions := []string{
		"coalesce(a.account_name || ' (' || v.account_id || ')', v.account_id) AS " + accountLabel,
	}
	for _, col := range s.columns[1:] {
		expressions = append(expressions, col.expression())
	}
	return fmt.Sprintf("SELECT %s FROM public.%s v LEFT JOIN public.account_details a ON a.account_id = v.account_id",
		strings.Join(expressions, ", "), s.view)
}
