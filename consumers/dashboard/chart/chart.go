// Package chart draws charts as SVG: on the server, without a script, in the colours of
// the page's style sheet.
//
// Geometry is in percent of the width and in pixels of the height, so that a chart fills
// what it stands in and its text keeps its size. Nothing has a style attribute: a strict
// Content-Security-Policy allows every chart. Each place says in data-tip what a script may
// show beside the pointer, and each chart says in a sentence what it shows, for people who
// cannot see it. Values that are no finite numbers are left out.
package chart

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// Series are the values of one colour, one for each place. NaN: there is none.
type Series struct {
	Name string
	// Class of the style sheet.
	Class  string
	Values []float64
}

// Plot is what a chart shows over places.
type Plot struct {
	// X are the names of the places, in order.
	X []string
	// Label shortens a name for the axis.
	Label func(string) string
	// Series are stacked from the bottom to the top, or drawn from the back to the front.
	Series []Series
	// Short writes a value on the axis, Exact beside the pointer.
	Short, Exact func(float64) string
	// Whole values: the axis has no fractions.
	Whole bool
}

// Columns is a chart of stacked columns.
type Columns struct {
	Plot
	// Soft tells which places are not final. Nil: all are.
	Soft []bool
	// Marks say what happened at a place; "" is nothing. Nil: nowhere.
	Marks []string
}

const (
	plot = 200 // pixels of the plot
	top  = 6   // pixels above the highest line of the grid
	axis = 22  // pixels below the plot
)

// scale turns values into pixels from the top.
type scale func(float64) float64

// draw draws what all charts have, and in it what inside writes; "" if there is nothing to draw.
func (p Plot) draw(low, high float64, summary string, inside func(*strings.Builder, scale)) template.HTML {
	if len(p.X) == 0 || len(p.Series) == 0 {
		return ""
	}
	ticks := ticks(low, high, p.Whole)
	low, high = ticks[0], ticks[len(ticks)-1]
	y := func(v float64) float64 { return top + (plot-top)*(high-v)/(high-low) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart" width="100%%" height="%d" role="img" tabindex="0" aria-label="%s">`,
		plot+axis, html.EscapeString(summary))
	b.WriteString(`<g class="grid" aria-hidden="true">`)
	for _, t := range ticks {
		class := ""
		if t == 0 {
			class = ` class="zero"`
		}
		fmt.Fprintf(&b, `<line x1="0" x2="100%%" y1="%.1f" y2="%.1f"%s/><text x="-8" y="%.1f">%s</text>`,
			y(t), y(t), class, y(t)+4, html.EscapeString(p.Short(t)))
	}
	b.WriteString(`</g><g class="x" aria-hidden="true">`)
	for _, i := range labelled(len(p.X)) {
		fmt.Fprintf(&b, `<text x="%.3f%%" y="%d">%s</text>`, p.middle(i), plot+16, html.EscapeString(p.Label(p.X[i])))
	}
	b.WriteString(`</g>`)
	inside(&b, y)
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// middle is that of a place, in percent of the width.
func (p Plot) middle(i int) float64 { return 100 * (float64(i) + .5) / float64(len(p.X)) }

// place begins what is drawn at one place, with what is shown beside the pointer.
func (p Plot) place(b *strings.Builder, i int, class, tip string) {
	step := 100 / float64(len(p.X))
	fmt.Fprintf(b, `<g class="%s" data-tip="%s"><rect class="hit" x="%.3f%%" width="%.3f%%" y="0" height="%d"/>`,
		class, html.EscapeString(tip), step*float64(i), step, plot)
}

// SVG draws the chart, "" if there is nothing to draw.
func (c Columns) SVG() template.HTML {
	low, high := c.extent()
	return c.draw(low, high, c.summary(), func(b *strings.Builder, y scale) {
		for i := range c.X {
			c.column(b, i, y)
		}
	})
}

// column draws what is at one place, values below zero downwards.
func (c Columns) column(b *strings.Builder, i int, y scale) {
	step := 100 / float64(len(c.X))
	x := step * float64(i)
	class := "col"
	if c.Soft != nil && c.Soft[i] {
		class += " soft"
	}
	c.place(b, i, class, c.tip(i))
	up, down := 0.0, 0.0
	for _, s := range c.Series {
		v := s.Values[i]
		if !finite(v) || v == 0 {
			continue
		}
		from := &up
		if v < 0 {
			from = &down
		}
		a, z := y(*from), y(*from+v)
		*from += v
		fmt.Fprintf(b, `<rect class="%s" x="%.3f%%" width="%.3f%%" y="%.2f" height="%.2f"/>`,
			s.Class, x+step*.11, step*.78, min(a, z), max(a, z)-min(a, z))
	}
	if c.mark(i) != "" {
		fmt.Fprintf(b, `<circle class="mark" cx="%.3f%%" cy="%.2f" r="4"/>`, c.middle(i), max(y(up)-7, 4))
	}
	b.WriteString(`</g>`)
}

// tip is what is shown beside the pointer: a line for the place, then class, name and value.
func (c Columns) tip(i int) string {
	lines := []string{oneLine(c.X[i])}
	total, shown := 0.0, 0
	for k := len(c.Series) - 1; k >= 0; k-- {
		s := c.Series[k]
		v := s.Values[i]
		if !finite(v) || v == 0 && len(c.Series) > 3 {
			continue
		}
		total += v
		shown++
		lines = append(lines, tipLine(s.Class, s.Name, c.Exact(v)))
	}
	if shown > 1 {
		lines = append(lines, tipLine("", "Total", c.Exact(total)))
	}
	if mark := c.mark(i); mark != "" {
		lines = append(lines, tipLine("mark", mark, ""))
	}
	return strings.Join(lines, "\n")
}

// tipLine is a line of what is shown beside the pointer.
func tipLine(class, name, value string) string { return class + "\t" + oneLine(name) + "\t" + value }

// oneLine writes a name without what ends a line of a tip, or a value in it.
func oneLine(name string) string { return strings.Join(strings.Fields(name), " ") }

func (c Columns) mark(i int) string {
	if c.Marks == nil {
		return ""
	}
	return c.Marks[i]
}

// summary tells the chart in a sentence.
func (c Columns) summary() string {
	if len(c.X) == 0 {
		return ""
	}
	total, best, at := 0.0, math.Inf(-1), 0
	for i := range c.X {
		sum := 0.0
		for _, s := range c.Series {
			if v := s.Values[i]; finite(v) {
				sum += v
			}
		}
		total += sum
		if sum > best {
			best, at = sum, i
		}
	}
	said := fmt.Sprintf("%s to %s: %s in all, highest %s at %s", c.X[0], c.X[len(c.X)-1], c.Short(total), c.Short(best),
		c.X[at])
	for i, x := range c.X {
		if mark := c.mark(i); mark != "" {
			said += "; " + x + ": " + mark
		}
	}
	return said
}

// extent returns the lowest and the highest end of a stack; zero is between them.
func (c Columns) extent() (low, high float64) {
	for i := range c.X {
		up, down := 0.0, 0.0
		for _, s := range c.Series {
			switch v := s.Values[i]; {
			case !finite(v):
			case v > 0:
				up += v
			default:
				down += v
			}
		}
		low, high = min(low, down), max(high, up)
	}
	if low == high {
		high = 1
	}
	return low, high
}

// ticks returns about four round numbers, from low or less to high or more.
func ticks(low, high float64, whole bool) []float64 {
	raw := (high - low) / 4
	if whole {
		raw = max(raw, 1)
	}
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	step := unit * 10
	for _, f := range []float64{1, 2, 2.5, 5} {
		if unit*f >= raw*.999 && !(whole && unit*f != math.Trunc(unit*f)) {
			step = unit * f
			break
		}
	}
	var ticks []float64
	for k := math.Floor(low / step); ; k++ {
		ticks = append(ticks, k*step)
		if k*step >= high*(1-1e-9) {
			return ticks
		}
	}
}

// Lines is a chart with a line for each series.
type Lines struct{ Plot }

// SVG draws the chart, "" if there is nothing to draw.
func (l Lines) SVG() template.HTML {
	low, high := l.extent()
	return l.draw(low, high, l.summary(), func(b *strings.Builder, y scale) {
		for i := range l.X {
			l.place(b, i, "col", l.tip(i))
			b.WriteString(`</g>`)
		}
		for _, s := range l.Series {
			l.line(b, s, y)
		}
	})
}

// line draws a series: a stroke between places beside each other that have a value, and a point
// where there is none to draw a stroke to.
func (l Lines) line(b *strings.Builder, s Series, y scale) {
	fmt.Fprintf(b, `<g class="line %s" aria-hidden="true">`, s.Class)
	has := func(i int) bool { return i >= 0 && i < len(s.Values) && finite(s.Values[i]) }
	for i := range s.Values {
		switch {
		case has(i) && has(i+1):
			fmt.Fprintf(b, `<line x1="%.3f%%" y1="%.2f" x2="%.3f%%" y2="%.2f"/>`, l.middle(i), y(s.Values[i]),
				l.middle(i+1), y(s.Values[i+1]))
		case has(i) && !has(i-1):
			fmt.Fprintf(b, `<circle cx="%.3f%%" cy="%.2f" r="2.5"/>`, l.middle(i), y(s.Values[i]))
		}
	}
	b.WriteString(`</g>`)
}

// tip is what is shown beside the pointer, as in Columns.
func (l Lines) tip(i int) string {
	lines := []string{oneLine(l.X[i])}
	for _, s := range l.Series {
		if v := s.Values[i]; finite(v) {
			lines = append(lines, tipLine(s.Class, s.Name, l.Exact(v)))
		}
	}
	return strings.Join(lines, "\n")
}

// summary tells the chart in a sentence.
func (l Lines) summary() string {
	if len(l.X) == 0 {
		return ""
	}
	said := l.X[0] + " to " + l.X[len(l.X)-1]
	for k, s := range l.Series {
		var known []float64
		for _, v := range s.Values {
			if finite(v) {
				known = append(known, v)
			}
		}
		between := ", "
		if k == 0 {
			between = ": "
		}
		if len(known) > 0 {
			said += between + s.Name + " from " + l.Short(known[0]) + " to " + l.Short(known[len(known)-1])
		}
	}
	return said
}

// extent returns the lowest and the highest value. Zero is in it, unless all values are far
// from it.
func (l Lines) extent() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, s := range l.Series {
		for _, v := range s.Values {
			if finite(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	switch {
	case low > high: // there is none
		return 0, 1
	case low >= 0 && low < high/2, low == high && low >= 0:
		low = 0
	case high <= 0 && high > low/2, low == high:
		high = 0
	}
	if low == high {
		high = low + 1
	}
	return low, high
}

// labelled are the places that get a label, so that labels do not touch.
func labelled(n int) (at []int) {
	step := 1 + (n-1)/9
	for i := (n - 1) % step; i < n; i += step {
		at = append(at, i)
	}
	return at
}

// Spark draws a line as high as a line of text; "" with less than two values.
func Spark(values []float64, label string) template.HTML {
	low, high := math.Inf(1), math.Inf(-1)
	shown := make([]float64, 0, len(values))
	for _, v := range values {
		if finite(v) {
			low, high, shown = min(low, v), max(high, v), append(shown, v)
		}
	}
	if len(shown) < 2 {
		return ""
	}
	if low > high*.5 && low > 0 {
		low = high * .5 // a small movement shall look small
	}
	if high == low {
		high++
	}
	y := func(v float64) float64 { return 20 - 18*(v-low)/(high-low) }
	var line strings.Builder
	for i, v := range shown {
		pen := "L"
		if i == 0 {
			pen = "M"
		}
		fmt.Fprintf(&line, "%s%.1f %.1f", pen, 1+93*float64(i)/float64(len(shown)-1), y(v))
	}
	return template.HTML(fmt.Sprintf(`<svg class="spark" width="96" height="22" viewBox="0 0 96 22" role="img" aria-label="%s">`+
		`<path class="area" d="%sL94 22L1 22Z"/><path class="line" d="%[2]s"/><circle cx="94" cy="%.1f" r="2"/></svg>`,
		html.EscapeString(label), line.String(), y(shown[len(shown)-1])))
}

// Share is one part of a whole.
type Share struct {
	// Name and Text, the value for people; Link is "" where the part leads nowhere.
	Name, Text, Class, Link string
	Value                   float64
}

// Shares draws the parts of a whole beside each other; "" where all are zero.
func Shares(parts []Share) template.HTML {
	var names []string
	sum := 0.0
	for _, p := range parts {
		names = append(names, p.Name+" "+p.Text)
		if finite(p.Value) && p.Value > 0 {
			sum += p.Value
		}
	}
	if sum == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="shares" width="100%%" height="28" role="img" aria-label="%s">`,
		html.EscapeString(strings.Join(names, ", ")))
	x := 0.0
	for _, p := range parts {
		if !finite(p.Value) || p.Value <= 0 {
			continue
		}
		width := 100 * p.Value / sum
		fmt.Fprintf(&b, `<g data-tip="%s"><rect class="%s" x="%.3f%%" width="%.3f%%" height="28"/></g>`,
			html.EscapeString(oneLine(p.Name)+"\n"+tipLine(p.Class, p.Name, p.Text)), p.Class, x, width)
		x += width
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// Bar draws a share of the width, from 0 to 1, below the number of a cell.
func Bar(share float64) template.HTML {
	if !(share > 0) {
		share = 0
	}
	return template.HTML(fmt.Sprintf(`<svg class="bar" width="100%%" height="6" aria-hidden="true">`+
		`<rect class="rail" width="100%%" height="6" rx="3"/><rect class="s0" width="%.2f%%" height="6" rx="3"/></svg>`,
		100*min(share, 1)))
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
