package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// contentJSON is the check of the content of one category as `-o json` prints it: an
// interface, add only.
type contentJSON struct {
	Category string `json:"category"`
	Rows     int64  `json:"live_rows"`
	// Keys and Hashes are rows whose columns give another key, or another hash, and
	// Unreadable ones have values that no row that was sent can have.
	Keys       int64 `json:"wrong_keys"`
	Hashes     int64 `json:"wrong_hashes"`
	Unreadable int64 `json:"unreadable"`
	// Waiting rows are written by the next run, since a column was added: no difference.
	Waiting int64 `json:"waiting"`
	// Differences by natural key, the first ones.
	Differences []differenceJSON `json:"differences"`
}

func (c contentJSON) differences() int64 { return c.Keys + c.Hashes + c.Unreadable }

// edited is what a difference of contents is.
const edited = "edited"

// content checks whether the rows of a database are as they were sent.
func (c verifyCommand) content(
	ctx context.Context, p program.Program, pool *pgxpool.Pool, tables []*schema.Table,
) error {
	results := []contentJSON{}
	var differences, rows int64
	err := snapshot(ctx, pool, func(tx pgx.Tx) error {
		for _, t := range tables {
			r, err := contentOfTable(ctx, tx, t, c.Limit)
			if err != nil {
				return err
			}
			results = append(results, r)
			differences, rows = differences+r.differences(), rows+r.Rows
		}
		return nil
	})
	if err != nil {
		return err
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

func contentOfTable(ctx context.Context, tx pgx.Tx, t *schema.Table, limit int) (contentJSON, error) {
	found, err := load.CheckContent(ctx, tx, t, limit)
	if err != nil {
		return contentJSON{}, err
	}
	r := contentJSON{
		Category: t.Name(), Rows: found.Rows, Keys: found.Keys, Hashes: found.Hashes,
		Unreadable: found.Unreadable, Waiting: found.Waiting,
		Differences: []differenceJSON{},
	}
	for _, key := range found.Examples {
		d, err := describeRow(ctx, tx, t, key)
		if err != nil {
			return r, fmt.Errorf("describe a row of %s: %w", t.Name(), err)
		}
		d.What = edited
		r.Differences = append(r.Differences, d)
	}
	return r, nil
}

func printContent(p program.Program, results []contentJSON) {
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
