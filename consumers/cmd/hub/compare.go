package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/schema"
)

// compare compares the live rows of two databases.
func (c verifyCommand) compare(ctx context.Context, p program.Program, here, there *pgxpool.Pool,
	tables []*schema.Table) error {
	results, err := verify.Compare(ctx, here, there, tables, c.Limit)
	if err != nil {
		return err
	}
	equal := true
	for _, r := range results {
		equal = equal && r.Total() == 0
	}
	if c.JSON() {
		if err := program.WriteJSON(p.Stdout, results); err != nil {
			return err
		}
	} else {
		printComparison(p, results)
	}
	if !equal {
		return program.Partlyf("the databases differ")
	}
	return nil
}

func printComparison(p program.Program, results []verify.Comparison) {
	t := program.NewTable(p.Stdout, "category", "live rows", "there", "only here", "only there", "differing")
	for _, r := range results {
		t.AppendRow(table.Row{r.Category, r.Rows, r.There, r.OnlyHere, r.OnlyThere, r.Differing})
	}
	t.Render()
	for _, r := range results {
		for _, d := range r.Differences {
			text := fmt.Sprintf("%s %s: %s", r.Category, strings.ReplaceAll(d.What, "_", " "), d)
			if len(d.Columns) > 0 {
				text += " in " + strings.Join(d.Columns, ", ")
			}
			say(p, "%s", program.Cut(text, 300))
		}
	}
	var rows, differences int64
	for _, r := range results {
		rows, differences = rows+r.Rows, differences+r.Total()
	}
	if differences == 0 {
		say(p, "All is right: the databases have the same %d live rows.", rows)
		return
	}
	say(p, "Not all is right: %d rows differ. Let both apply all that arrived; if they still differ, replay the "+
		"archive into the one that lacks or has other rows.", differences)
}
