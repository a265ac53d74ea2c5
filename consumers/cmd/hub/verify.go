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

// verifyCommand checks that nothing was lost or doubled.
type verifyCommand struct {
	databaseFlags
	program.OutputFlag
	program.WideFlag
	Against  *string  `placeholder:"URL" xor:"what" help:"Second database. Without it the bookkeeping of the first is checked. --database-iam and --database-ca are for both, the former unless this one has a password."`
	Content  bool     `xor:"what" help:"Check whether each live row is as it was sent: does its hash fit its columns?"`
	Category []string `placeholder:"NAME" help:"Category; repeat it or separate with commas. Defaults to all."`
	Limit    int      `default:"10" help:"How many differences of each kind are named."`
}

// Help is shown by 'hub verify -h'.
func (verifyCommand) Help() string {
	return `Without --against: for every run, the rows and parts that arrived must be those that its end
names (more were doubled, fewer were lost or did not arrive yet), no row of a run that is newer
than the last complete one may have been rejected, what the bookkeeping says is live must be
what the tables hold, what freshness says of a source must be what its runs say, what views are
made of must be what the tables say, and no gap may be noted. A run that was lost whole, its end
too, cannot be seen here; that is what gaps are for.

With --against: the live rows of two databases must be the same, by key and content. Their
columns are compared by digests, which each server computes, then row by row where digests
differ.

  hub verify --against postgres://hub@replayed.example.com/observability

With --content: the key and the hash of every live row must be those of its columns. They
differ where somebody else has changed the row. This reads all rows.

What is found is named, and the last lines say what to do about it. --wide shows each kind
of difference in a column of its own. Exit code 3 if there are differences.`
}

// Run verifies.
func (c verifyCommand) Run(ctx context.Context, p program.Program) error {
	chosen, err := categories(c.Category)
	if err != nil {
		return err
	}
	if c.Against != nil && *c.Against == "" {
		return program.Usagef("--against is empty: give the URL of the second database")
	}
	pool, err := c.openReady(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := requireFit(ctx, pool, chosen); err != nil {
		return err
	}
	switch {
	case c.Content:
		return c.content(ctx, p, pool, chosen)
	case c.Against == nil:
		return c.bookkeeping(ctx, p, pool, chosen)
	}
	other, err := c.against(*c.Against).open(ctx, 1)
	if err != nil {
		return fmt.Errorf("--against: %w", err)
	}
	defer other.Close()
	if err := requireBookkeeping(ctx, other); err != nil {
		return fmt.Errorf("--against: %w, with --database-url of that database", err)
	}
	if err := requireFit(ctx, other, chosen); err != nil {
		return fmt.Errorf("--against: %w", err)
	}
	return c.compare(ctx, p, pool, other, chosen)
}

// bookkeeping checks the bookkeeping of one database, and its summaries unless only some
// categories are asked for.
func (c verifyCommand) bookkeeping(ctx context.Context, p program.Program, pool *pgxpool.Pool,
	tables []*schema.Table) error {
	report, err := verify.Check(ctx, pool, tables, c.Limit)
	if err != nil {
		return err
	}
	if len(c.Category) == 0 {
		if report.Summaries, err = verify.Summaries(ctx, pool, c.Limit); err != nil {
			return err
		}
	}
	if c.JSON() {
		if err := program.WriteJSON(p.Stdout, report); err != nil {
			return err
		}
	} else {
		printReport(p, report, c.Wide)
	}
	switch {
	case report.Differences() > 0:
		return program.Partlyf("the database does not add up")
	case report.Gaps > 0:
		return program.Partlyf("%d gaps are noted, where records were lost to the stream: hub status says what to replay",
			report.Gaps)
	}
	return nil
}

func printReport(p program.Program, report verify.Report, wide bool) {
	header := []any{"category", "runs", "open", "rows arrived", "live rows", "differences"}
	if wide {
		header = append(header, "rows of ends", "doubled", "missing", "refused", "inconsistent", "rejected",
			"scopes that differ", "sources that differ")
	}
	t := program.NewTable(p.Stdout, header...)
	for _, a := range report.Categories {
		row := table.Row{a.Name, a.Runs, a.Open, a.Rows, a.Live, a.Differences()}
		if wide {
			row = append(row, a.End, a.Doubled, a.Missing, a.Refused, a.Inconsistent, a.Rejected, a.Scopes, a.Sources)
		}
		t.AppendRow(row)
	}
	t.Render()
	if len(report.Summaries) > 0 {
		t := program.NewTable(p.Stdout, "summary", "rows", "lacks", "has too many", "")
		for _, s := range report.Summaries {
			note := ""
			switch {
			case s.Waiting:
				note = "not compared: it waits to be refreshed"
			case s.WaitingScopes > 0:
				note = fmt.Sprintf("%d accounts and regions wait to be refreshed", s.WaitingScopes)
			}
			t.AppendRow(table.Row{s.Name, s.Rows, s.Missing, s.Extra, note})
		}
		t.Render()
	}
	for _, a := range report.Categories {
		for _, example := range a.Examples {
			say(p, "%s: %s", a.Name, program.Cut(example, 300))
		}
	}
	for _, s := range report.Summaries {
		for _, example := range s.Examples {
			say(p, "%s %s", s.Name, program.Cut(example, 300))
		}
	}
	for _, line := range verdict(report) {
		say(p, "%s", line)
	}
}

// verdict says whether all is right, and what to do if it is not.
func verdict(report verify.Report) []string {
	var sum verify.Category
	for _, a := range report.Categories {
		sum.Runs, sum.Open, sum.Rows = sum.Runs+a.Runs, sum.Open+a.Open, sum.Rows+a.Rows
		sum.Doubled, sum.Missing, sum.Refused = sum.Doubled+a.Doubled, sum.Missing+a.Missing, sum.Refused+a.Refused
		sum.Inconsistent, sum.Rejected, sum.Scopes = sum.Inconsistent+a.Inconsistent, sum.Rejected+a.Rejected,
			sum.Scopes+a.Scopes
		sum.Sources += a.Sources
	}
	var summaries int64
	for _, s := range report.Summaries {
		summaries += s.Differences()
	}
	if report.Differences() == 0 && report.Gaps == 0 {
		text := fmt.Sprintf("All is right: nothing of %d runs with %d rows was lost or doubled.", sum.Runs, sum.Rows)
		if sum.Open > 0 {
			text += fmt.Sprintf(" Of %d more the end has not arrived; while spokes are at work that is usual.", sum.Open)
		}
		return []string{text}
	}
	lines := []string{"Not all is right:"}
	for _, d := range []struct {
		n    int64
		text string
	}{
		{sum.Missing, "runs lack rows or parts. If none arrived for a minute, they are lost to the stream: replay the " +
			"archive of those days, hub replay --from … --to …"},
		{sum.Refused, "runs lack parts that were refused: hub rejects list says why"},
		{sum.Rejected, "runs have rejected rows, so that their scopes keep what they had: hub rejects list says why"},
		{sum.Doubled, "runs have more than their end names: their sender uses a run id twice"},
		{sum.Inconsistent, "runs do not have the parts that they count: the bookkeeping was changed by hand, or this is a " +
			"bug"},
		{sum.Scopes, "scopes have other live rows than the bookkeeping says: a table was changed by hand, or this is a " +
			"bug. Replay the archive into an empty database and compare: hub verify --against URL"},
		{sum.Sources, "sources are not as their runs say: the bookkeeping was changed by hand, or this is a bug. SELECT " +
			"hub.store_all_sources() mends them"},
		{summaries, "rows of summaries are not what their tables say: hub refresh --all computes them anew. If they " +
			"differ again, this is a bug"},
		{report.Gaps, "gaps are noted, where records were lost to the stream: hub status says what to replay"},
	} {
		if d.n > 0 {
			lines = append(lines, fmt.Sprintf("- %d %s", d.n, d.text))
		}
	}
	return lines
}
