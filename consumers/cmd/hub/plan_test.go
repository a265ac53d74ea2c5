package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hubspoke/observability/consumers/plan"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/goldentest"
)

func TestPlan(t *testing.T) {
	isolate(t)
	want := plan.New(plan.Input{Accounts: 7, Regions: 3, NoReader: true})
	r := hub(t.Context(), "plan", "--accounts", "7", "--regions", "3", "--no-reader", "-o", "json")
	got := parse[planJSON](t, r.want(t, program.ExitDone))
	if got.Total != want.Total || got.Cheapest != want.Cheapest || len(got.Prices) != len(plan.Prices()) ||
		got.PricesOf != plan.PricesOf || got.Input.Accounts != 7 || got.Input.Objects != want.Input.Objects {
		t.Errorf("%+v", got)
	}
	hub(t.Context(), "plan", "--no-reader").want(t, program.ExitDone, "1.5 ACU on average", "The cheapest useful hub",
		"no QuickSight: charts by another tool")
	hub(t.Context(), "plan", "-h").want(t, program.ExitDone, "spoke plan --measure", "$HUB_PAID_REQUESTS")
	for args, want := range map[string]string{
		"--accounts=-1":              "--accounts must be between 0 and",
		"--no-reader --reader-acu 2": "leave it or --no-reader out",
		"--retention 30d":            "--retention must be between 24h and 7d",
		"--accounts many":            "--accounts",
	} {
		hub(t.Context(), append([]string{"plan"}, strings.Fields(args)...)...).want(t, program.ExitUsage, want)
	}
}

// predecessor is what the system before this one costs, with Lambda and with EC2, by lines of a
// plan of 100 accounts in 2 regions.
var predecessor = map[string][2]float64{
	"database": {2278, 2278}, "consumer": {100, 147}, "endpoints": {0, 350}, "archive": {150, 150},
	"QuickSight": {1176, 1176}, "keys": {16, 16}, "watching": {25, 25}, "other": {62, 62},
}

// TestCostPage writes the figures of docs/cost.md.
func TestCostPage(t *testing.T) {
	isolate(t, "COLUMNS=118")
	text, err := os.ReadFile("../../../docs/cost.md")
	if err != nil {
		t.Fatal(err)
	}
	page := replaced(t, string(text), "table", costTable(plan.New(plan.Input{})))
	r := hub(t.Context(), "plan", "--accounts", "100", "--regions", "2")
	r.want(t, program.ExitDone)
	page = replaced(t, page, "plan", "```\n"+r.stdout+"```\n")
	goldentest.Equal(t, "../../../../docs/cost.md", page)
}

// replaced replaces what stands between two marks of a page.
func replaced(t *testing.T, page, name, text string) string {
	t.Helper()
	begin, end := "<!-- begin "+name+" -->\n\n", "\n<!-- end "+name+" -->"
	before, rest, ok := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("docs/cost.md has no marks %q and %q", begin, end)
	}
	return before + begin + text + end + after
}

// costTable is the plan beside the predecessor, in Markdown.
func costTable(p plan.Plan) string {
	rows := [][]string{{"USD a year", "A Lambda", "B EC2", "C Fargate", "predecessor, Lambda", "predecessor, EC2"}}
	var sum [2]float64
	for _, l := range p.Hub {
		row := []string{l.Name, dollars(l.USD.Lambda), dollars(l.USD.EC2), dollars(l.USD.Fargate), "–", "–"}
		if before, known := predecessor[l.Name]; known {
			row[4], row[5] = dollars(before[0]), dollars(before[1])
			sum = [2]float64{sum[0] + before[0], sum[1] + before[1]}
		}
		rows = append(rows, row)
	}
	rows = append(rows, []string{"**hub**", dollars(p.Total.Lambda), dollars(p.Total.EC2), dollars(p.Total.Fargate),
		dollars(sum[0]), dollars(sum[1])})
	for _, l := range p.Spokes {
		rows = append(rows, []string{"spokes: " + l.Name, dollars(l.USD), "the same", "the same", "not in it", "not in it"})
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	write := func(cell func(i int) string) {
		for i := range width {
			fmt.Fprintf(&b, "| %s ", cell(i))
		}
		b.WriteString("|\n")
	}
	for n, row := range rows {
		write(func(i int) string { return row[i] + strings.Repeat(" ", width[i]-utf8.RuneCountInString(row[i])) })
		if n == 0 {
			write(func(i int) string { return strings.Repeat("-", width[i]) })
		}
	}
	return b.String()
}
