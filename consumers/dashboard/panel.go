package dashboard

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hubspoke/observability/consumers/dashboard/chart"
	"github.com/hubspoke/observability/consumers/dashboard/page"
)

// panelView is a panel for its template.
type panelView struct {
	Title, Note, ID, Kind string
	Width                 int
	CSV, JSON, All        string
	Error, Query, Empty   string
	Tiles                 []tileView
	Chart                 template.HTML
	Legend                []chart.Share
	Matrix                matrixView
	Head                  []headView
	Rows                  [][]cell
	Long                  bool
	// Withheld says why this viewer does not see the panel.
	Withheld string
	// First is the limit of the query where it has reached it, so that there may be more.
	First int
}

type headView struct{ Name, Class string }

type tileView struct {
	Label, Value, Exact, Note, Tone, Href, Delta string
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// slug is how a title stands in addresses.
func slug(title string) string {
	return strings.Trim(notWord.ReplaceAllString(strings.ToLower(title), "-"), "-")
}

// view shows the rows of a panel.
func (s shower) view(l links, c choice, p page.Panel, set rowSet) panelView {
	v := panelView{Title: p.Title, Note: noteOf(c, p), ID: slug(p.Title), Kind: page.FormOf(p), Width: cmp.Or(p.Width, 12),
		Query: dedent(set.sql)}
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
	switch as := p.As.(type) {
	case page.Tiles:
		for i := range set.rows {
			v.Tiles = append(v.Tiles, tile(&set, i, as.Unit, link(i)))
		}
		return v
	case page.Table:
		v.Empty = emptyOf(as.Empty)
		v.Head, v.Rows = s.table(&set, as.Bar, link)
		v.Long = len(v.Rows) > 25
		return v
	case page.Shares:
		v.Legend = shares(&set, link)
		v.Chart = chart.Shares(v.Legend)
	case page.Columns:
		t := tabulate(&set)
		v.Chart, v.Legend = t.columns(as)
	case page.Lines:
		t := tabulate(&set)
		v.Chart, v.Legend = t.lines(as)
	case page.Matrix:
		v.Empty = emptyOf(as.Empty)
		v.Matrix = s.matrix(&set, link)
		return v
	}
	v.Head, v.Rows = s.table(&set, "", func(int) string { return "" })
	return v
}

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
	for _, f := range c.page.Filters {
		if chosen := c.of(f); f.Name == "currency" && len(chosen) > 0 && strings.Contains(string(p.SQL), "cost") {
			return strings.TrimSuffix(strings.Join(chosen, ", ")+", "+p.Note, ", ")
		}
	}
	return p.Note
}

// dedent takes away the tabs that the SQL has in the source.
func dedent(sql string) string {
	lines := strings.Split(strings.TrimSpace(sql), "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], "\t")
	}
	return strings.Join(lines, "\n")
}

func tile(set *rowSet, i int, unit page.Unit, link string) tileView {
	f := number(set.value(i, "value"))
	t := tileView{Label: text(set.value(i, "label")), Note: text(set.value(i, "note")),
		Tone: tone(text(set.value(i, "tone"))), Href: cmp.Or(link, text(set.value(i, "link")))}
	if math.IsNaN(f) { // nothing is known
		t.Value, t.Exact, t.Tone = "–", "not known", ""
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

// others is the series of all that have none of their own.
const others = "others"

// tabulated are the values of series at places, in the order of their first row.
type tabulated struct {
	places, names []string
	monthly       bool     // places are months
	soft          []bool   // nil: there is no such column
	marks         []string // nil: there is no such column
	values        map[string][]float64
	sums          map[string]float64
}

// columns draws the values, stacked.
func (t tabulated) columns(as page.Columns) (template.HTML, []chart.Share) {
	t.order(as.Order, t.sums)
	c := chart.Columns{Plot: t.plot(as.Unit, as.Order), Soft: t.soft, Marks: t.marks}
	return c.SVG(), t.legend(c.Plot, as.Order, t.sums)
}

// lines draws the values as lines. What counts of a line is where it has come to.
func (t tabulated) lines(as page.Lines) (template.HTML, []chart.Share) {
	last := t.last()
	t.order(as.Order, last)
	l := chart.Lines{Plot: t.plot(as.Unit, as.Order)}
	return l.SVG(), t.legend(l.Plot, as.Order, last)
}

// last returns the last known value of each series.
func (t tabulated) last() map[string]float64 {
	last := map[string]float64{}
	for name, values := range t.values {
		for _, v := range values {
			if !math.IsNaN(v) {
				last[name] = v
			}
		}
	}
	return last
}

func (t tabulated) plot(unit page.Unit, order []string) chart.Plot {
	p := chart.Plot{X: t.places, Whole: unit == "", Short: short, Exact: grouped, Label: dayLabel}
	if unit == page.Money {
		p.Exact = money
	}
	if t.monthly {
		p.Label = monthLabel
	}
	for k, name := range t.names {
		class := seriesClass(k)
		switch {
		case name == page.Forecast:
			class = "outline"
		case len(order) > 0:
			class = cmp.Or(tone(name), "rest")
		case name == others:
			class = "rest"
		}
		p.Series = append(p.Series, chart.Series{Name: cut(label(name), 60), Class: class, Values: t.values[name]})
	}
	return p
}

// legend names the series of a chart with a number of each, nil where there is one alone.
func (t tabulated) legend(p chart.Plot, order []string, numbers map[string]float64) (legend []chart.Share) {
	if len(p.Series) < 2 {
		return nil
	}
	for k, s := range p.Series {
		legend = append(legend, chart.Share{Name: s.Name, Class: s.Class, Text: short(numbers[t.names[k]])})
	}
	if len(order) > 0 {
		slices.Reverse(legend)
	}
	return legend
}

// tabulate reads the columns place, series (or none), value, and by their names soft and mark.
func tabulate(set *rowSet) tabulated {
	t := tabulated{monthly: set.columns[0].Name == "month", values: map[string][]float64{}, sums: map[string]float64{}}
	value := len(set.columns) - 1
	for value >= 0 && slices.Contains([]string{"soft", "mark"}, set.columns[value].Name) {
		value--
	}
	at := map[string]int{}
	for _, row := range set.rows {
		place := text(row[0])
		if _, known := at[place]; !known {
			at[place] = len(t.places)
			t.places = append(t.places, place)
		}
	}
	if set.at("soft") >= 0 {
		t.soft = make([]bool, len(t.places))
	}
	if set.at("mark") >= 0 {
		t.marks = make([]string, len(t.places))
	}
	for k, row := range set.rows {
		i := at[text(row[0])]
		if set.value(k, "soft") == true {
			t.soft[i] = true
		}
		if mark := text(set.value(k, "mark")); mark != "" {
			t.marks[i] = mark
		}
		name := heading(set.columns[value].Name)
		if value == 2 {
			if name = text(row[1]); name == "" { // a place without a value
				continue
			}
		}
		if t.values[name] == nil {
			t.names = append(t.names, name)
			t.values[name] = make([]float64, len(t.places))
			for i := range t.values[name] {
				t.values[name][i] = math.NaN()
			}
		}
		t.values[name][i] = number(row[value])
		if f := number(row[value]); !math.IsNaN(f) {
			t.sums[name] += f
		}
	}
	return t
}

// order puts the series into an order; those that it does not name come last. Without an order
// the largest come first, then others, then what has not happened yet.
func (t tabulated) order(order []string, sizes map[string]float64) {
	place := func(name string) int {
		switch i := slices.Index(order, name); {
		case i >= 0:
			return i
		case name == others:
			return len(order) + 1
		case name == page.Forecast:
			return len(order) + 2
		}
		return len(order)
	}
	slices.SortStableFunc(t.names, func(a, b string) int {
		if by := place(a) - place(b); by != 0 || len(order) > 0 {
			return by
		}
		return cmp.Compare(sizes[b], sizes[a])
	})
}

// matrixView is a matrix for its template.
type matrixView struct {
	Top  []cell
	Rows []matrixRow
}

type matrixRow struct {
	Side  cell
	Cells []matrixCell
}

// matrixCell is where a row and a column meet. The zero value says that there is nothing.
type matrixCell struct{ Text, Title, Class, Href string }

// matrix reads the columns of a side, a top, and what is where they meet; null is nothing.
func (s shower) matrix(set *rowSet, link func(int) string) (m matrixView) {
	at, row, column, highest := [2]map[string]int{{}, {}}, make([]int, len(set.rows)), make([]int, len(set.rows)), 0.0
	for i, values := range set.rows {
		for k, places := range [][]int{row, column} {
			name := text(values[k])
			n, known := at[k][name]
			if !known {
				n = len(at[k])
				at[k][name] = n
				if named := s.show(set.columns[k], values[k]); k == 0 {
					m.Rows = append(m.Rows, matrixRow{Side: named})
				} else {
					m.Top = append(m.Top, named)
				}
			}
			places[i] = n
		}
		if f := number(values[2]); f > highest {
			highest = f
		}
	}
	for i := range m.Rows {
		m.Rows[i].Cells = make([]matrixCell, len(m.Top))
	}
	for i, values := range set.rows {
		if values[2] == nil {
			continue
		}
		c := meeting(values[2], highest)
		c.Href = link(i)
		c.Title = cmp.Or(m.Rows[row[i]].Side.Text, "–") + ", " + m.Top[column[i]].Text + ": " + c.Title
		m.Rows[row[i]].Cells[column[i]] = c
	}
	return m
}

// signs say without a colour what a word of a tone says.
var signs = map[string]string{"good": "✓", "medium": "~", "high": "!", "critical": "!!"}

// meeting shows a word or a number of a matrix; highest is the highest number in it.
func meeting(v any, highest float64) matrixCell {
	f := number(v)
	if math.IsNaN(f) {
		word := text(v)
		return matrixCell{Text: cmp.Or(signs[tone(word)], "·"), Title: cmp.Or(word, "not known"), Class: tone(word)}
	}
	c := matrixCell{Text: short(f), Title: grouped(f), Class: "n0"}
	if f > 0 {
		c.Class = fmt.Sprintf("n%d", 1+int(3*min(math.Log1p(f)/math.Log1p(highest), 1)))
	}
	return c
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// dayLabel writes a day as axes do, and leaves other names.
func dayLabel(x string) string {
	if day, err := time.Parse(time.DateOnly, x); err == nil {
		return day.Format("2 Jan")
	}
	return cut(x, 14)
}

// monthLabel writes a month as axes do, and leaves other names.
func monthLabel(x string) string {
	if day, err := time.Parse(time.DateOnly, x); err == nil {
		return day.Format("Jan 2006")
	}
	return cut(x, 14)
}

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
