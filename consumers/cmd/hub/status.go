package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/schemas"
)

// statusCommand shows what is in the database.
type statusCommand struct {
	databaseFlags
	program.OutputFlag
	program.WideFlag
	Since time.Duration `default:"24h" help:"What arrived within this time is counted."`
	Watch time.Duration `placeholder:"2s" help:"Show it again this long after it was shown, until interrupted."`
}

// Help is shown by `hub status -h`.
func (statusCommand) Help() string {
	return `Shows, from the database alone: for each category its live rows, what arrived lately and
when; what is collected in how many accounts, and which accounts have no spoke; how far each
shard is; stretches that the stream lost; when views were refreshed.
Incomplete runs are those within --since. --wide adds what arrived, how many requests
to AWS that took, the ARNs of streams and sequence numbers.

With --watch it is shown over and over, on a terminal in place, with what moves at the top:

  hub status --watch 2s`
}

// Run shows the status.
func (c statusCommand) Run(ctx context.Context, p program.Program) error {
	switch {
	case c.Watch > 0 && c.JSON():
		return program.Usagef("--watch is for people: ask for -o json as often as you need it")
	case c.Watch > 0 && c.Watch < time.Second:
		return program.Usagef("--watch %v: the database is asked once a second at most", c.Watch)
	}
	pool, err := c.openReady(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	show := func(p program.Program) error {
		s, err := verify.ReadStatus(ctx, pool, schemas.All(), c.Since)
		if err != nil {
			return fmt.Errorf("read status: %w", err)
		}
		if c.JSON() {
			return program.WriteJSON(p.Stdout, s)
		}
		if c.Watch > 0 {
			statusReport(s).printWatched(p, c.Wide)
		} else {
			statusReport(s).print(p, c.Wide)
		}
		return nil
	}
	if c.Watch > 0 {
		return p.Watch(ctx, c.Watch, show)
	}
	return show(p)
}

// statusReport is a status for people.
type statusReport verify.Status

// list returns the rows of a query as values of T, field by field; never nil.
func list[T any](ctx context.Context, db interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}, sql string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

func (s statusReport) print(p program.Program, wide bool) {
	s.printCategories(p, wide)
	sayCounted(p, s.CountedRejects)
	printCoverage(p, s.Coverage)
	printSources(p, s.Sources)
	s.printUnknown(p)
	s.printStreams(p, wide)
	s.printViews(p)
}

// printWatched shows what moves before all else, because a terminal has room for the beginning
// alone: the streams, and of the categories those that came last.
func (s statusReport) printWatched(p program.Program, wide bool) {
	s.Categories = slices.SortedStableFunc(slices.Values(s.Categories), func(a, b verify.CategoryStatus) int {
		return newest(b).Compare(newest(a))
	})
	s.printStreams(p, wide)
	printCoverage(p, s.Coverage)
	s.printCategories(p, wide)
	sayCounted(p, s.CountedRejects)
	s.printUnknown(p)
	printSources(p, s.Sources)
	s.printViews(p)
}

// newest is when the newest run of a category was, zero if there is none.
func newest(c verify.CategoryStatus) time.Time {
	if c.NewestRun == nil {
		return time.Time{}
	}
	return *c.NewestRun
}

// printStreams says how far each shard is, and what the streams lost.
func (s statusReport) printStreams(p program.Program, wide bool) {
	name := s.streamNames(wide)
	if len(s.Shards) > 0 {
		header := []any{"stream", "shard", "newest applied record"}
		if wide {
			header = append(header, "sequence number")
		}
		t := program.NewTable(p.Stdout, header...)
		for _, h := range s.Shards {
			state := ago(h.Arrived)
			if h.Ended {
				state = "ended"
			}
			row := table.Row{name(h.Stream, h.Created), h.Shard, state}
			if wide {
				row = append(row, h.Sequence)
			}
			t.AppendRow(row)
		}
		t.Render()
	}
	for _, g := range s.Gaps {
		from, since := "", "its beginning"
		if g.Since != nil {
			from, since = " --from "+g.Since.UTC().Format(time.DateOnly), g.Since.UTC().Format(time.DateTime)
		}
		say(p, "gap in %s %s, from %s to at most %s: %s; replay the archive of those days: hub replay%s --to %s",
			name(g.Stream, g.Created), g.Shard,
			since, g.Detected.UTC().Format(time.DateTime), program.Cut(g.Reason, 200), from,
			g.Detected.UTC().Format(time.DateOnly))
	}
}

func (s statusReport) printViews(p program.Program) {
	if len(s.Views) > 0 {
		t := program.NewTable(p.Stdout, "view", "refreshed", "duration", "error")
		for _, v := range s.Views {
			duration, fault := "", ""
			if v.Millis != nil {
				duration = (time.Duration(*v.Millis) * time.Millisecond).String()
			}
			if v.Error != nil {
				fault = program.Cut(*v.Error, 300)
			}
			t.AppendRow(table.Row{v.View, ago(v.Refreshed), duration, fault})
		}
		t.Render()
	}
}

func (s statusReport) printCategories(p program.Program, wide bool) {
	header := []any{"category", "live rows", "incomplete", "newest run", "complete", "rejects"}
	if wide {
		header = append(header, "parked", "runs", "rows in", "new", "changed", "gone", "unchanged runs", "requests")
	}
	t := program.NewTable(p.Stdout, header...)
	for _, c := range s.Categories {
		row := table.Row{categoryName(c.Category), c.Live, c.Incomplete, ago(c.NewestRun), ago(c.Completed), c.Rejects}
		if wide {
			row = append(row, c.Parked, c.Runs, c.Rows, c.New, c.Changed, c.Gone, c.UnchangedRuns, c.Requests)
		}
		t.AppendRow(row)
	}
	t.Render()
	for _, c := range s.Categories {
		if c.Parked > 0 {
			say(p, "%s: %d records are parked until the table fits: hub check says how to mend it", categoryName(c.Category),
				c.Parked)
		}
	}
}

// printUnknown names the keys without a column, on a line for each category.
func (s statusReport) printUnknown(p program.Program) {
	for keys := s.Unknown; len(keys) > 0; {
		category, n := keys[0].Category, 0
		var names []string
		for ; n < len(keys) && keys[n].Category == category; n++ {
			names = append(names, fmt.Sprintf("%s (%d)", program.Cut(orElse(keys[n].Key, "others"), 64), keys[n].Values))
		}
		if len(names) > maxUnknown {
			names = append(names[:maxUnknown], fmt.Sprintf("and %d more", len(names)-maxUnknown))
		}
		say(p, "%s: values of keys without a column were left out: %s; their senders are newer than this hub, or mistype "+
			"them",
			category, strings.Join(names, ", "))
		keys = keys[n:]
	}
}

// maxUnknown is how many keys of a category are named.
const maxUnknown = 10

func categoryName(name string) string { return program.Cut(orElse(name, "(unknown)"), 48) }

// say writes a sentence, wrapped.
func say(p program.Program, format string, args ...any) {
	fmt.Fprintln(p.Stdout, program.Wrap(p.Stdout, fmt.Sprintf(format, args...), "  "))
}

// streamNames returns how people tell the streams apart: by name, by ARN if wide or
// if several have that name, and where a stream was made again also by when that was.
func (s statusReport) streamNames(wide bool) func(stream string, created time.Time) string {
	created, named := map[string]map[time.Time]bool{}, map[string]map[string]bool{}
	short := func(stream string) string { return stream[strings.LastIndex(stream, "/")+1:] }
	note := func(stream string, at time.Time) {
		if created[stream] == nil {
			created[stream] = map[time.Time]bool{}
		}
		created[stream][at.UTC()] = true
		if named[short(stream)] == nil {
			named[short(stream)] = map[string]bool{}
		}
		named[short(stream)][stream] = true
	}
	for _, h := range s.Shards {
		note(h.Stream, h.Created)
	}
	for _, g := range s.Gaps {
		note(g.Stream, g.Created)
	}
	return func(stream string, at time.Time) string {
		name := stream
		if !wide && len(named[short(stream)]) == 1 {
			name = short(stream)
		}
		if len(created[stream]) < 2 {
			return name
		}
		return fmt.Sprintf("%s created %s", name, at.UTC().Format(time.DateTime))
	}
}

// ago says how long t is past, for people.
func ago(t *time.Time) string {
	if t == nil {
		return "never"
	}
	d := time.Since(*t)
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days ago", int(d.Hours())/24)
	case d >= time.Minute:
		return fmt.Sprintf("%dh%02dm ago", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%ds ago", max(int(d.Seconds()), 0))
}
