package dashboard

import (
	"cmp"
	"html/template"
	"math"
	"slices"
	"time"

	"github.com/hubspoke/observability/consumers/dashboard/chart"
	"github.com/hubspoke/observability/consumers/dashboard/page"
)

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
