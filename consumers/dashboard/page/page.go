// Package page has the words in which the pages of the dashboard are declared: a page asks
// one question, and its panels answer it, each by one constant query over the views of the
// database and the form in which the rows are shown.
package page

// Page is one screen.
type Page struct {
	// Name stands in the addresses of its data: letters, digits and hyphens.
	Name string
	// Path is its address, such as "/findings". In "/accounts/{account}" the path chooses the
	// filter with that name; such a page is not in the menu.
	Path string
	// Title stands in the menu, below Group; pages without a group come first.
	Title, Group string
	// Key opens the page after the key g. "" is none.
	Key string
	// Question is what the page answers, for people.
	Question string
	// Sources are the categories that the page is made of, for its freshness. Nil: all.
	Sources []string
	// Filters that the panels obey.
	Filters []Filter
	// Rollups that panels ask, by their names.
	Rollups map[string]Rollup
	// Panels from top to bottom.
	Panels []Panel
}

// Filter narrows the panels of a page to what somebody chose.
type Filter struct {
	// Name in the address, and for {where name} in the SQL of a panel.
	Name string
	// Column of the views that must have one of the values chosen, compared as text.
	Column constant
	// Boolean says that Column is one: its values are true and false.
	Boolean bool
	// Computed says that a view computes Column and that many rows may have the same value.
	// PostgreSQL has no statistics of it, and would expect next to no row.
	Computed bool
	// Label for people.
	Label string
	// Options is a query of one column: the values to choose from.
	Options constant
	// First is chosen where nothing is; "" is everything.
	First string
}

// Rollup is a family of views with the same measures, added up over different columns: the
// smallest first, and last the one that has all columns.
type Rollup []RollupView

// RollupView is a view of a family.
type RollupView struct {
	// View is its name.
	View constant
	// Columns by which it can be grouped and filtered.
	Columns []string
}

// Panel is one answer.
type Panel struct {
	Title string
	// Note says what the numbers are, where the title does not.
	Note string
	// SQL is a query over views. {where} stands for the conditions that are chosen, each
	// beginning with AND; {where a, b} for those of the filters a and b alone. {name by a, b}
	// stands for the first view of the rollup that has the columns a and b and those of the
	// conditions of the panel.
	SQL constant
	// As is the form in which the rows are shown.
	As Form
	// Link leads from a row to what it is made of; {column} is a value of the row. "?a={b}"
	// stays on the page. What is chosen goes along where the other page has the filter, or
	// the other view the column. A row without one of the values leads nowhere.
	Link string
	// All is the address of all rows, where the query has a limit.
	All string
	// Width in twelfths of the page: 4, 5, 6, 7, 8, or 0 for all of it.
	Width int
}

// constant can only be written down: a string that a program makes does not fit, so that
// nothing from outside can become SQL.
type constant string

// Form is how rows are shown: [Tiles], [Columns], [Lines], [Shares], [Matrix] or [Table].
type Form interface{ form() string }

// Tiles shows each row as a number: label and value, and where there are such columns
// before (the value to compare with), note, tone (a class of colour) and link.
type Tiles struct{ Unit Unit }

// Columns stacks the last column over the first, by the one between if there is one; the
// series [Forecast] is drawn as an outline. A further column named soft says whether the value
// may still change, and one named mark what happened there; null is nothing.
type Columns struct {
	Unit Unit
	// Order of the series from the bottom, in the colours of severities. Nil: by size.
	Order []string
	// Signs says what the signs of the drawing mean. It stands behind the note in a browser:
	// in a terminal and in Grafana charts look different.
	Signs string
}

// Forecast is the name of the series that has not happened yet.
const Forecast = "forecast"

// Lines draws the last column over the first as lines, one for each value of the column between
// if there is one.
type Lines struct {
	Unit Unit
	// Order of the series, in the colours of severities. Nil: by their last value.
	Order []string
	// Empty is said where there are no rows. Defaults to "No data for this choice."
	Empty string
}

// Matrix shows the third column where the first, down the side, and the second, along the top,
// meet: a word in the colour of what it says, or a number in a shade of its size; null is
// nothing. Both are in the order of their first row.
type Matrix struct {
	// Empty is said where there are no rows. Defaults to "No rows."
	Empty string
}

// Shares shows the columns label and value as parts of a whole.
type Shares struct{}

// Table shows rows as they are.
type Table struct {
	// Bar is the column with a bar below its number. "" is none.
	Bar string
	// Hidden are columns that files have, and links may need, and that are not shown.
	Hidden []string
	// Empty is said where there are no rows: good news, or what to do. Defaults to "No rows."
	Empty string
}

func (Tiles) form() string   { return "tiles" }
func (Columns) form() string { return "columns" }
func (Lines) form() string   { return "lines" }
func (Shares) form() string  { return "shares" }
func (Matrix) form() string  { return "matrix" }
func (Table) form() string   { return "table" }

// FormOf returns the name of the panel's form.
func FormOf(p Panel) string { return p.As.form() }

// Unit is what numbers count. The zero value counts things.
type Unit string

// Money is an amount in the currency that is chosen.
const Money Unit = "money"
