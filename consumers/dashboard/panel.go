package dashboard

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/hubspoke/observability/consumers/dashboard/chart"
	"github.com/hubspoke/observability/consumers/dashboard/page"
)

// panelView is a panel for its template.
type panelView struct {
	Title, Note, ID, Kind string
	// Unheeded says which filters that are chosen do not narrow the panel.
	Unheeded            string
	Width               int
	CSV, JSON, All      string
	Error, Query, Empty string
	Tiles               []tileView
	Chart               template.HTML
	Legend              []chart.Share
	Matrix              matrixView
	Head                []headView
	Rows                [][]cell
	Long                bool
	// Spread is how many columns of long texts share what the others leave of the width.
	Spread int
	// Withheld says why this viewer does not see the panel.
	Withheld string
	// First is the limit of the query where it has reached it, so that there may be more.
	First int
}

type headView struct{ Name, Class string }

type tileView struct {
	Label, Value, Exact, Unit, Note, Tone, Href, Delta string
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// slug is how a title stands in addresses.
func slug(title string) string {
	return strings.Trim(notWord.ReplaceAllString(strings.ToLower(title), "-"), "-")
}

// view shows the rows of a panel.
func (s shower) view(l links, c choice, p page.Panel, set rowSet) panelView {
	v := panelView{Title: p.Title, Note: noteOf(c, p), ID: slug(p.Title), Kind: page.FormOf(p), Width: cmp.Or(p.Width, 12),
		Query: dedent(set.sql), Unheeded: c.unheeded(p)}
	v.CSV, v.JSON = c.data(v.ID, "csv"), c.data(v.ID, "json")
	v.All = l.link(c, p.All, func(string) string { return "" })
	if set.withheld {
		v.Withheld = withheld
		return v
	}
	if set.err != nil {
		v.Error = sentence(set.err, pageTimeout)
		return v
	}
	if n := limitOf(set.sql); n == len(set.rows) {
		v.First = n
	}
	link := func(row int) string {
		return l.link(c, p.Link, func(name string) string { return text(set.value(row, name)) })
	}
	v.Empty = noData
	switch as := p.As.(type) {
	case page.Tiles:
		for i := range set.rows {
			t := tile(&set, i, as.Unit, link(i))
			if as.Unit == page.Money && t.Exact != unknown {
				t.Unit = c.currency()
			}
			v.Tiles = append(v.Tiles, t)
		}
		return v
	case page.Table:
		v.Empty = emptyOf(as.Empty)
		shown := set.without(as.Hidden)
		v.Head, v.Rows = s.table(shown, as.Bar, link)
		v.Spread = fit(shown, v.Rows, v.Width)
		v.Long = len(v.Rows) > 25
		return v
	case page.Shares:
		v.Legend = shares(&set, link)
		v.Chart = chart.Shares(v.Legend)
	case page.Columns:
		v.Note = joined(v.Note, as.Signs)
		t := tabulate(&set)
		v.Chart, v.Legend = t.columns(as)
	case page.Lines:
		t := tabulate(&set)
		v.Chart, v.Legend = t.lines(as)
		v.Empty = cmp.Or(as.Empty, noData)
	case page.Matrix:
		v.Empty = emptyOf(as.Empty)
		v.Matrix = s.matrix(&set, link)
		return v
	}
	v.Head, v.Rows = s.table(&set, "", func(int) string { return "" })
	return v
}

// noData is said where a drawing has no rows.
const noData = "No data for this choice."

// emptyOf is what a form says where there are no rows.
func emptyOf(said string) string { return cmp.Or(said, "No rows.") }

var limitMark = regexp.MustCompile(`LIMIT (\d+)\s*$`)

// limitOf returns the limit at the end of a query, -1 if there is none.
func limitOf(sql string) int {
	if m := limitMark.FindStringSubmatch(sql); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			return n
		}
	}
	return -1
}

// noteOf is the note of a panel, with the currency in which its amounts are.
func noteOf(c choice, p page.Panel) string {
	if currency := c.currency(); currency != "" && amounts.MatchString(string(p.SQL)) {
		return strings.TrimSuffix(currency+", "+p.Note, ", ")
	}
	return p.Note
}

// amounts finds a column of amounts in a query.
var amounts = regexp.MustCompile(`cost|savings\b`)

// currency is that of the amounts of a page, "" if it does not say.
func (c choice) currency() string {
	for _, f := range c.page.Filters {
		if f.Name == "currency" {
			return strings.Join(c.of(f), ", ")
		}
	}
	return ""
}

// dedent takes away the tabs that the SQL has in the source.
func dedent(sql string) string {
	lines := strings.Split(strings.TrimSpace(sql), "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], "\t")
	}
	return strings.Join(lines, "\n")
}

// unknown is said of a number that nobody knows.
const unknown = "not known"

func tile(set *rowSet, i int, unit page.Unit, link string) tileView {
	f := number(set.value(i, "value"))
	t := tileView{Label: cut(text(set.value(i, "label")), 120), Note: cut(text(set.value(i, "note")), 200),
		Tone: tone(text(set.value(i, "tone"))), Href: cmp.Or(link, text(set.value(i, "link")))}
	if math.IsNaN(f) { // nothing is known
		t.Value, t.Exact, t.Tone = "–", unknown, ""
		return t
	}
	t.Value, t.Exact = short(f), grouped(f)
	if unit == page.Money {
		t.Exact = money(f)
		if math.Abs(f) < 100 {
			t.Value = t.Exact
		}
	}
	if f == 0 {
		t.Tone = ""
	}
	if before := number(set.value(i, "before")); before > 0 {
		t.Delta = signed(fmt.Sprintf("%+.1f %%", 100*(f-before)/before))
	}
	return t
}

func shares(set *rowSet, link func(int) string) []chart.Share {
	var parts []chart.Share
	for i := range set.rows {
		name := text(set.value(i, "label"))
		value := number(set.value(i, "value"))
		if math.IsNaN(value) { // nothing is known
			continue
		}
		parts = append(parts, chart.Share{Name: cut(label(name), 60), Class: cmp.Or(tone(name), seriesClass(i)), Value: value,
			Text: grouped(value), Link: link(i)})
	}
	return parts
}

// seriesClass is the colour of the series at a place.
func seriesClass(place int) string { return fmt.Sprintf("s%d", place%9) }

// table shows rows; link is where a row leads, from its first cell.
func (s shower) table(set *rowSet, bar string, link func(row int) string) ([]headView, [][]cell) {
	barAt, highest := set.at(bar), set.highest(bar)
	head := make([]headView, len(set.columns))
	for k, column := range set.columns {
		head[k] = headView{heading(column.Name), side(column)}
		if k == barAt {
			head[k].Class += " bars"
		}
	}
	var rows [][]cell
	for i, row := range set.rows {
		cells := make([]cell, len(row))
		for k, v := range row {
			cells[k] = s.show(set.columns[k], v)
			if k == barAt && v != nil {
				cells[k].Graphic = chart.Bar(number(v) / highest)
				cells[k].Class += " bars"
			}
		}
		if href := link(i); href != "" && len(cells) > 0 {
			cells[0].Href = href
		}
		rows = append(rows, cells)
	}
	return head, rows
}

// fit has the numbers of a column written with the same decimals, and long texts share what is
// left of the width, which is in twelfths; the last column of a wide table wraps. It returns how
// many columns of long texts there are.
func fit(set *rowSet, rows [][]cell, width int) (spread int) {
	longest := 32
	if width < 8 {
		longest = 22
	}
	for k := range set.columns {
		wraps := k == len(set.columns)-1 && width > 7
		decimals, long := set.decimals(k), !wraps && set.long(k, longest)
		if long {
			spread++
		}
		for i, cells := range rows {
			switch f := number(set.rows[i][k]); {
			case decimals > 0 && !math.IsNaN(f):
				cells[k].Text = groupedTo(decimals, f)
			case long:
				cells[k].Text = shortARN(cells[k].Text)
				cells[k].Class += " long"
			}
		}
	}
	return spread
}
