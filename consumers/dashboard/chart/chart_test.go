package chart

import (
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/goldentest"
)

func plotOf(x []string, series ...Series) Plot {
	write := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	return Plot{X: x, Series: series, Short: write, Exact: write, Label: func(s string) string { return s }}
}

func chart(x []string, series ...Series) Columns { return Columns{Plot: plotOf(x, series...)} }

// golden compares a chart with a file that a person has looked at, and looks itself for what a
// browser may not have.
func golden(t *testing.T, name, svg string) {
	t.Helper()
	for _, bad := range []string{"NaN", "Inf", "style=", "<script", "<a "} {
		if strings.Contains(svg, bad) {
			t.Errorf("%q is in the chart: %s", bad, svg)
		}
	}
	goldentest.Equal(t, name+".svg", strings.ReplaceAll(svg, "><", ">\n<")+"\n")
}

func TestLines(t *testing.T) {
	days := []string{"mon", "tue", "wed", "thu"}
	for name, l := range map[string]Lines{
		"lines":    {plotOf(days, Series{"a", "s0", []float64{1, 2, 3, 5}}, Series{"b", "s1", []float64{3, 0, 1, 2}})},
		"negative": {plotOf(days, Series{"a", "s0", []float64{-5, -1, 2, 0}})},
		"far":      {plotOf(days, Series{"a", "s0", []float64{-102, -101, -103, -101}})},
		"one":      {plotOf(days[:1], Series{"a", "s0", []float64{7}})},
		"gaps":     {plotOf(days, Series{"a", "s0", []float64{1, math.NaN(), 2, math.Inf(1)}})},
		"unknown":  {plotOf(days, Series{"a", "s0", []float64{math.NaN(), math.NaN(), math.NaN(), math.NaN()}})},
		"huge":     {plotOf(days, Series{"a", "s0", []float64{1e12, 2.5e12, 0, 1}})},
		"flat":     {plotOf(days, Series{"a", "s0", []float64{0, 0, 0, 0}})},
		"names":    {plotOf([]string{`<a href="javascript:x">`, "b"}, Series{`"><script>`, "s0", []float64{1, 2}})},
	} {
		t.Run(name, func(t *testing.T) { golden(t, "lines-"+name, string(l.SVG())) })
	}
}

func TestColumns(t *testing.T) {
	days := []string{"mon", "tue", "wed"}
	for name, c := range map[string]Columns{
		"stacked":  chart(days, Series{"a", "s0", []float64{1, 2, 3}}, Series{"b", "s1", []float64{3, 0, 1}}),
		"negative": chart(days, Series{"in", "s0", []float64{5, 0, 2}}, Series{"out", "s1", []float64{-3, -4, 0}}),
		"one":      chart([]string{"mon"}, Series{"a", "s0", []float64{7}}),
		"gaps":     chart(days, Series{"a", "s0", []float64{math.NaN(), 2, math.Inf(1)}}),
		"huge":     chart(days, Series{"a", "s0", []float64{1e12, 2.5e12, 0}}),
		"marked": {
			Plot:  plotOf(days, Series{"a", "s0", []float64{1, 5, 0}}, Series{"forecast", "outline", []float64{0, 0, 4}}),
			Marks: []string{"", `2 "anomalies"`, "<one>"},
		},
		"zero":  chart(days, Series{"a", "s0", []float64{0, 0, 0}}),
		"names": chart([]string{`<a href="javascript:x">`}, Series{`"><script>`, "s0", []float64{1}}),
	} {
		t.Run(name, func(t *testing.T) {
			c.Soft = make([]bool, len(c.X))
			c.Soft[len(c.X)-1] = true
			golden(t, name, string(c.SVG()))
		})
	}
}

// TestTipsHaveALineForEachValue: a name is no line and no value of its own.
func TestTipsHaveALineForEachValue(t *testing.T) {
	evil := Series{"a\ns1\tTotal\t7", "s0", []float64{1}}
	columns := chart([]string{"mon\nx"}, evil)
	columns.Marks = []string{"m\ts0\n"}
	for name, test := range map[string]struct {
		svg  string
		want []string
	}{
		"columns": {string(columns.SVG()), []string{"mon x", "s0\ta s1 Total 7\t1", "mark\tm s0\t"}},
		"lines":   {string(Lines{plotOf([]string{"mon\nx"}, evil)}.SVG()), []string{"mon x", "s0\ta s1 Total 7\t1"}},
		"shares": {string(Shares([]Share{{Name: evil.Name, Text: "1", Class: "s0", Value: 1}})),
			[]string{"a s1 Total 7", "s0\ta s1 Total 7\t1"}},
	} {
		_, tip, _ := strings.Cut(test.svg, `data-tip="`)
		tip, _, _ = strings.Cut(tip, `"`)
		if got := strings.Split(html.UnescapeString(tip), "\n"); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestNothingToDraw(t *testing.T) {
	for name, svg := range map[string]string{
		"no places": string(chart(nil, Series{"a", "s0", nil}).SVG()), "no series": string(chart([]string{"mon"}).SVG()),
		"no lines":           string(Lines{plotOf(nil)}.SVG()),
		"lines of no series": string(Lines{plotOf([]string{"mon"})}.SVG()),
		"spark of nothing":   string(Spark(nil, "")), "spark of one": string(Spark([]float64{1, math.NaN()}, "")),
		"shares of nothing": string(Shares(nil)), "shares of zero": string(Shares([]Share{{Name: "a"}})),
	} {
		if svg != "" {
			t.Errorf("%s: %s", name, svg)
		}
	}
}

func TestTicksEncloseTheValues(t *testing.T) {
	for _, high := range []float64{1e-9, .3, 1, 7, 99, 101, 12345, 9.99e12} {
		for _, low := range []float64{0, -high, -high / 1000} {
			for _, whole := range []bool{false, true} {
				ticks := ticks(low, high, whole)
				if ticks[0] > low || ticks[len(ticks)-1] < high*(1-1e-9) || len(ticks) > 9 {
					t.Errorf("ticks from %v to %v: %v", low, high, ticks)
				}
				for _, v := range ticks {
					if whole && v != math.Trunc(v) {
						t.Errorf("a fraction: %v", ticks)
					}
				}
			}
		}
	}
}

func TestSmallDrawings(t *testing.T) {
	goldentest.Equal(t, "small.svg", strings.Join([]string{
		string(Spark([]float64{1, 5, math.NaN(), 3}, "from 1 to 3")), string(Spark([]float64{4, 4}, "flat")),
		string(Shares([]Share{{Name: "a", Text: "3", Class: "s0", Value: 3}, {Name: "<b>", Text: "1", Class: "s1", Value: 1},
			{Name: "none", Value: math.NaN()}})),
		string(Bar(.5)), string(Bar(math.NaN())), string(Bar(2)),
	}, "\n")+"\n")
}
