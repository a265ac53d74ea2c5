package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"github.com/hubspoke/observability/internal/program"
)

const (
	tableInterval = time.Second
	lineInterval  = 5 * time.Second
)

// counts is what has happened to the rows of a category.
type counts struct {
	Category                         string
	In, Written, Gone, Rejects, Runs int64
	// Lag is from the start of a run until all its rows are in the table: the
	// median of the runs that became complete in the last ten seconds. nil if none did.
	Lag *float64
}

func (c counts) unchanged() int64 { return c.In - c.Written - c.Rejects }

func (c counts) lag() string {
	if c.Lag == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f s", *c.Lag)
}

func readCounts(ctx context.Context, db *pgxpool.Pool) ([]counts, error) {
	rows, err := db.Query(ctx, `
		SELECT s.category, sum(r.rows)::bigint, sum(r.new_rows + r.changed_rows)::bigint, sum(r.gone_rows)::bigint,
		       sum(r.rejects)::bigint, count(*),
		       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM r.completed_at - r.collected_at)::float8)
		           FILTER (WHERE r.completed_at > now() - interval '10 seconds')
		FROM hub.run r JOIN hub.scope s USING (scope)
		GROUP BY s.category ORDER BY s.category`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[counts])
}

func total(list []counts) counts {
	sum := counts{Category: "all"}
	for _, c := range list {
		sum.In += c.In
		sum.Written += c.Written
		sum.Gone += c.Gone
		sum.Rejects += c.Rejects
		sum.Runs += c.Runs
		if c.Lag != nil && (sum.Lag == nil || *c.Lag > *sum.Lag) {
			sum.Lag = c.Lag
		}
	}
	return sum
}

// watcher shows the counts: as a table that is written again in place if out is a
// terminal, else as a line now and then.
type watcher struct {
	out      io.Writer
	terminal bool
	db       *pgxpool.Pool
	start    time.Time
	lines    int // of the table on the terminal
	lastRows int64
	lastTime time.Time
}

func newWatcher(out io.Writer, db *pgxpool.Pool) *watcher {
	file, ok := out.(*os.File)
	return &watcher{out: out, terminal: ok && term.IsTerminal(int(file.Fd())), db: db, start: time.Now(),
		lastTime: time.Now()}
}

// interval is the time between two calls of show.
func (w *watcher) interval() time.Duration {
	if w.terminal {
		return tableInterval
	}
	return lineInterval
}

// show shows the counts of now. Errors are shown too: the database may be busy.
func (w *watcher) show(ctx context.Context) {
	list, err := readCounts(ctx, w.db)
	if err != nil {
		if ctx.Err() == nil {
			fmt.Fprintf(w.out, "cannot read the counts: %v\n", err)
		}
		return
	}
	sum, now := total(list), time.Now()
	rate := float64(sum.In-w.lastRows) / now.Sub(w.lastTime).Seconds()
	w.lastRows, w.lastTime = sum.In, now
	age := now.Sub(w.start).Round(time.Second)
	if !w.terminal {
		fmt.Fprintf(w.out, "%4s: %d rows in (%.0f/s), %d written, %d unchanged, %d gone, %d rejects, %d runs, lag %s\n",
			age, sum.In, rate, sum.Written, sum.unchanged(), sum.Gone, sum.Rejects, sum.Runs, sum.lag())
		return
	}
	content := fmt.Sprintf("%s\n%s, %.0f rows/s\n", countsTable(list), age, rate)
	if w.lines > 0 {
		fmt.Fprint(w.out, text.CursorUp.Sprintn(w.lines))
	}
	// Every line is erased first: the old one may have been longer.
	fmt.Fprint(w.out, strings.ReplaceAll(content, "\n", "\x1b[K\n"))
	w.lines = strings.Count(content, "\n")
}

func countsTable(list []counts) string {
	t := program.NewTable(nil, "category", "rows in", "written", "unchanged", "gone", "rejects", "lag")
	line := func(c counts) table.Row {
		return table.Row{c.Category, c.In, c.Written, c.unchanged(), c.Gone, c.Rejects, c.lag()}
	}
	for _, c := range list {
		t.AppendRow(line(c))
	}
	sum := total(list)
	t.AppendFooter(line(sum))
	t.Style().Format.Footer = text.FormatDefault
	return t.Render()
}
