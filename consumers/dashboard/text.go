package dashboard

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hubspoke/observability/consumers/dashboard/page"
)

// Text is a value for people. Tone says what it means: critical, high, medium, low, info,
// good, or "".
type Text struct{ Text, Tone string }

// TextTable is an answer as a table of text.
type TextTable struct {
	Columns []TextColumn
	// Rows have a cell for each column.
	Rows [][]Text
	// Empty is said where there are no rows.
	Empty string
}

// TextColumn is a column of a [TextTable]. Its values are not broken into lines if it is
// Whole; they stand at the right if it is Right.
type TextColumn struct {
	Name         string
	Whole, Right bool
}

// lineWidth is how wide a line is that has no limit.
const lineWidth = 160

// Table returns the answer as a table of text, for lines of so many characters; 0 is no
// limit. Charts and bars are blocks. A form that has no text is an error.
func (a Answer) Table(width int) (TextTable, error) {
	t, width := TextTable{Empty: noData}, cmp.Or(width, lineWidth)
	switch as := a.as.(type) {
	case page.Tiles:
		t.tiles(&a.set, as.Unit)
	case page.Shares:
		t.shares(&a.set, width/4)
	case page.Columns:
		t.columns(&a.set, as, width/3)
	case page.Lines:
		t.lines(&a.set, as, width/3)
		t.Empty = cmp.Or(as.Empty, noData)
	case page.Matrix:
		t.matrix(a)
		t.Empty = emptyOf(as.Empty)
	case page.Table:
		t.rows(a, as, width/10)
		t.Empty = emptyOf(as.Empty)
	default:
		return t, fmt.Errorf("panel %s: package dashboard does not write the form %T as text", a.Name, as)
	}
	return t, nil
}

// figures is a column of numbers, graphics one of charts.
func figures(name string) TextColumn  { return TextColumn{Name: name, Whole: true, Right: true} }
func graphics(name string) TextColumn { return TextColumn{Name: name, Whole: true} }

// tiles has a row for each tile, without columns that say nothing.
func (t *TextTable) tiles(set *rowSet, unit page.Unit) {
	t.Columns = []TextColumn{{Name: "what"}, figures("value"), figures("change"), {Name: "note"}}
	for i := range set.rows {
		tile := tile(set, i, unit, "")
		t.Rows = append(t.Rows, []Text{{Text: tile.Label}, {tile.Exact, tile.Tone}, {Text: tile.Delta}, {Text: tile.Note}})
	}
	for k := len(t.Columns) - 1; k >= 2; k-- {
		if slices.ContainsFunc(t.Rows, func(row []Text) bool { return row[k].Text != "" }) {
			continue
		}
		t.Columns = slices.Delete(t.Columns, k, k+1)
		for i, row := range t.Rows {
			t.Rows[i] = slices.Delete(row, k, k+1)
		}
	}
}

// shares has a row for each part.
func (t *TextTable) shares(set *rowSet, width int) {
	parts, sum := shares(set, func(int) string { return "" }), 0.0
	for _, p := range parts {
		sum += max(p.Value, 0)
	}
	t.Columns = []TextColumn{{Name: "what"}, figures("value"), figures("share"), graphics("")}
	for _, p := range parts {
		share := 0.0
		if sum > 0 {
			share = max(p.Value, 0) / sum
		}
		t.Rows = append(t.Rows, []Text{{p.Name, toneOf(p.Class)}, {Text: p.Text},
			{Text: fmt.Sprintf("%.1f %%", 100*share)}, {bar(share, width), toneOf(p.Class)}})
	}
}

// columns has a row for each series: its sum, its last value, and all of them as blocks.
func (t *TextTable) columns(set *rowSet, as page.Columns, width int) {
	all := tabulate(set)
	all.order(as.Order, all.sums)
	t.Columns = []TextColumn{{Name: "what"}, figures("sum")}
	for _, name := range all.names {
		t.Rows = append(t.Rows, []Text{nameOfSeries(name), exactly(as.Unit, all.sums[name])})
	}
	t.series(all, as.Unit, as.Order, width)
}

// lines has the same but for the sum.
func (t *TextTable) lines(set *rowSet, as page.Lines, width int) {
	all := tabulate(set)
	all.order(as.Order, all.last())
	t.Columns = []TextColumn{{Name: "what"}}
	for _, name := range all.names {
		t.Rows = append(t.Rows, []Text{nameOfSeries(name)})
	}
	t.series(all, as.Unit, as.Order, width)
}

// series adds to the row of each series its last value and all of them as blocks. The last
// one of an order comes first, as the top of a stack does.
func (t *TextTable) series(all tabulated, unit page.Unit, order []string, width int) {
	if len(all.places) == 0 {
		return
	}
	first, last := all.places[0], all.places[len(all.places)-1]
	t.Columns = append(t.Columns, figures(last), graphics(first+" to "+last))
	for i, name := range all.names {
		values := all.values[name]
		t.Rows[i] = append(t.Rows[i], exactly(unit, values[len(values)-1]), Text{blocks(values, width), tone(name)})
	}
	if len(order) > 0 {
		slices.Reverse(t.Rows)
	}
}

func nameOfSeries(name string) Text { return Text{cut(label(name), 60), tone(name)} }

// exactly writes a number as it is.
func exactly(unit page.Unit, v float64) Text {
	switch {
	case math.IsNaN(v):
		return Text{Text: "–"}
	case unit == page.Money:
		return Text{Text: money(v)}
	}
	return Text{Text: grouped(v)}
}

// matrix has a row for each side, and a column for each place at the top.
func (t *TextTable) matrix(a Answer) {
	m := a.show.matrix(&a.set, func(int) string { return "" })
	t.Columns = []TextColumn{{}}
	for _, top := range m.Top {
		t.Columns = append(t.Columns, graphics(top.Text))
	}
	for _, row := range m.Rows {
		cells := []Text{asText(row.Side, nil, 0)}
		for _, c := range row.Cells {
			cells = append(cells, Text{c.Text, toneOf(c.Class)})
		}
		t.Rows = append(t.Rows, cells)
	}
}

// rows shows rows as they are, with bars beside their numbers.
func (t *TextTable) rows(a Answer, as page.Table, width int) {
	set := a.set.without(as.Hidden)
	head, rows := a.show.table(set, "", func(int) string { return "" })
	barAt, highest := set.at(as.Bar), set.highest(as.Bar)
	for k, column := range set.columns {
		switch {
		case column.DataTypeOID == pgtype.NumericArrayOID:
			t.Columns = append(t.Columns, graphics(head[k].Name))
		case side(column) == "number":
			t.Columns = append(t.Columns, figures(head[k].Name))
		default:
			t.Columns = append(t.Columns, TextColumn{Name: head[k].Name})
		}
		if k == barAt {
			t.Columns = append(t.Columns, graphics(""))
		}
	}
	for i, cells := range rows {
		var row []Text
		for k, c := range cells {
			row = append(row, asText(c, set.rows[i][k], width))
			if k == barAt {
				row = append(row, Text{Text: bar(number(set.rows[i][k])/highest, width)})
			}
		}
		t.Rows = append(t.Rows, row)
	}
}

// asText writes a cell with the value v as text.
func asText(c cell, v any, width int) Text {
	t := Text{strings.TrimSpace(c.Text + " " + c.Small), toneOf(c.Class)}
	if list, isList := v.([]any); isList && c.Graphic != "" {
		values, _ := numbers(list)
		t.Text = blocks(values, width)
	}
	return t
}

// toneOf returns the tone among the classes of the style sheet, "" if there is none.
func toneOf(classes string) string {
	for class := range strings.FieldsSeq(classes) {
		switch name := strings.TrimPrefix(class, "tone-"); name {
		case "critical", "high", "medium", "low", "info", "good":
			return name
		case "stale":
			return "high"
		case "fresh":
			return "good"
		}
	}
	return ""
}

// levels of a block from below, parts of a block from the left.
var (
	levels = []rune("▁▂▃▄▅▆▇█")
	parts  = []rune("▏▎▍▌▋▊▉█")
)

// blocks draws values beside each other, with the lowest and the highest of them as the ends
// of the scale; where there are more than width, neighbours share a block, which has their
// mean. What is no number is left out. Values that are all below zero grow with their distance
// from it.
func blocks(values []float64, width int) string {
	n := min(len(values), width)
	means := make([]float64, n)
	low, high := math.Inf(1), math.Inf(-1)
	for i := range means {
		sum, count := 0.0, 0.0
		for _, v := range values[i*len(values)/n : (i+1)*len(values)/n] {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				sum, count = sum+v, count+1
			}
		}
		means[i] = sum / count // NaN where there is none
		if count > 0 {
			low, high = min(low, means[i]), max(high, means[i])
		}
	}
	if high <= 0 {
		low, high = -high, -low
		for i := range means {
			means[i] = -means[i]
		}
	}
	if low > high/2 {
		low = high / 2 // a small movement shall look small
	}
	drawn := make([]rune, n)
	for i, mean := range means {
		switch {
		case math.IsNaN(mean):
			drawn[i] = ' '
		case high == low:
			drawn[i] = levels[0]
		default:
			drawn[i] = levels[int(math.Round((mean-low)/(high-low)*float64(len(levels)-1)))]
		}
	}
	return string(drawn)
}

// bar draws a share of width, from 0 to 1; what is more than nothing can be seen.
func bar(share float64, width int) string {
	if !(share > 0) {
		return ""
	}
	n := len(parts)
	filled := max(1, int(math.Round(min(share, 1)*float64(width*n))))
	drawn := strings.Repeat(string(parts[n-1]), filled/n)
	if rest := filled % n; rest > 0 {
		drawn += string(parts[rest-1])
	}
	return drawn
}
