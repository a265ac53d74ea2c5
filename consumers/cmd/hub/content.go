package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/schema"
)

// content checks whether the rows of a database are as they were sent.
func (c verifyCommand) content(
	ctx context.Context, p program.Program, pool *pgxpool.Pool, tables []*schema.Table,
) error {
	results, err := verify.CheckContent(ctx, pool, tables, c.Limit)
	if err != nil {
		return err
	}
	var differences, rows int64
	for _, r := range results {
		differences, rows = differences+r.Total(), rows+r.Rows
	}
	if c.JSON() {
		if err := program.WriteJSON(p.Stdout, results); err != nil {
			return err
		}
	} else {
		printContent(p, results)
		if differences == 0 {
			say(p, "All is right: %d live rows are as they were sent.", rows)
		}
	}
	if differences > 0 {
		return program.Partlyf("%d rows are not as they were sent: "+
			"replay the archive into an empty database and compare: hub verify --against URL", differences)
	}
	return nil
}

func printContent(p program.Program, results []verify.Content) {
	t := program.NewTable(p.Stdout, "category", "live rows", "wrong keys", "wrong hashes", "unreadable", "waiting")
	for _, r := range results {
		t.AppendRow(table.Row{r.Category, r.Rows, r.Keys, r.Hashes, r.Unreadable, r.Waiting})
	}
	t.Render()
	for _, r := range results {
		for _, d := range r.Differences {
			say(p, "%s", program.Cut(fmt.Sprintf("%s %s: %s", r.Category, d.What, d), 300))
		}
	}
}
