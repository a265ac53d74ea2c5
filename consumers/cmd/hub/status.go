package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/schemas"
)

// statusCommand shows what is in the database.
type statusCommand struct {
	databaseFlags
	program.OutputFlag
	program.WideFlag
	Since time.Duration `default:"24h" help:"What arrived within this time is counted."`
}

// Help is shown by `hub status -h`.
func (statusCommand) Help() string {
	return `Shows, from the database alone: for each category its live rows, what arrived lately and
when; how far each shard is; stretches that the stream lost; when views were refreshed.
Incomplete runs are those within --since. --wide adds what arrived, the ARNs of streams
and sequence numbers.`
}

// statusJSON is the status as `-o json` prints it: an interface, add only.
type statusJSON struct {
	Categories []categoryStatus `json:"categories"`
	// Sources are accounts and regions whose data are not fresh.
	Sources []sourceStatus `json:"not_fresh"`
	Shards  []shardStatus  `json:"shards"`
	Gaps    []gapStatus    `json:"gaps"`
	Views   []viewStatus   `json:"views"`
	// CountedRejects are rejects that are counted and not stored.
	CountedRejects []countedRejectsJSON `json:"counted_rejects"`
	// Unknown are keys of rows that have no column, seen within --since.
	Unknown []unknownStatus `json:"unknown_keys"`
}

// categoryStatus is one category. The counts from Runs to Gone are of the runs
// that something arrived of within --since.
type categoryStatus struct {
	Category    string     `json:"category"`
	Live        int64      `json:"live_rows"`
	Scopes      int64      `json:"scopes"`
	Runs        int64      `json:"runs"`
	Incomplete  int64      `json:"incomplete_runs"`
	Rows        int64      `json:"rows"`
	New         int64      `json:"new_rows"`
	Changed     int64      `json:"changed_rows"`
	Gone        int64      `json:"gone_rows"`
	NewestRun   *time.Time `json:"newest_run"`
	Completed   *time.Time `json:"newest_complete_run"`
	LastApplied *time.Time `json:"last_applied"`
	Rejects     int64      `json:"rejects"`
	Parked      int64      `json:"parked"`
}

type shardStatus struct {
	Stream string `json:"stream"`
	// Created tells streams of one name apart: only the newest can still be read.
	Created  time.Time  `json:"stream_created"`
	Shard    string     `json:"shard"`
	Sequence string     `json:"sequence_number"`
	Ended    bool       `json:"ended"`
	Arrived  *time.Time `json:"arrived"`
	// Lag is the time since Arrived; null where the shard has ended or nothing came.
	Lag *float64 `json:"lag_seconds"`
}

type gapStatus struct {
	Stream   string    `json:"stream"`
	Created  time.Time `json:"stream_created"`
	Shard    string    `json:"shard"`
	After    string    `json:"after_sequence_number"`
	Until    string    `json:"until_sequence_number"`
	Reason   string    `json:"reason"`
	Detected time.Time `json:"detected"`
	// Since is when the stream stored the last record before the gap; null if none
	// was applied.
	Since *time.Time `json:"since"`
}

type unknownStatus struct {
	Category string `json:"category"`
	// Key as the sender wrote it, cut; "" stands for all beyond a number of them.
	Key    string    `json:"key"`
	Values int64     `json:"values"`
	Seen   time.Time `json:"seen"`
}

type viewStatus struct {
	View      string     `json:"view"`
	Refreshed *time.Time `json:"refreshed"`
	Millis    *int64     `json:"duration_ms"`
	Refreshes int64      `json:"refreshes"`
	Error     *string    `json:"error"`
}

// Run shows the status.
func (c statusCommand) Run(ctx context.Context, p program.Program) error {
	pool, err := c.openReady(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	s, err := readStatus(ctx, pool, c.Since)
	if err != nil {
		return fmt.Errorf("read status: %w", err)
	}
	if c.JSON() {
		return program.WriteJSON(p.Stdout, s)
	}
	s.print(p, c.Wide)
	return nil
}

const categoriesSQL = `
WITH scopes AS (
    SELECT category, sum(live_rows) FILTER (WHERE live_rows > 0) AS live, bool_or(live_rows < 0) AS unknown, count(*) AS scopes
    FROM hub.scope GROUP BY category
), runs AS (
    SELECT s.category, max(r.collected_at) AS newest, max(r.collected_at) FILTER (WHERE r.completed_at IS NOT NULL) AS completed,
           max(r.updated_at) AS applied,
           count(*) FILTER (WHERE recent) AS runs, count(*) FILTER (WHERE recent AND r.completed_at IS NULL) AS incomplete,
           sum(r.rows) FILTER (WHERE recent) AS rows, sum(r.new_rows) FILTER (WHERE recent) AS new,
           sum(r.changed_rows) FILTER (WHERE recent) AS changed, sum(r.gone_rows) FILTER (WHERE recent) AS gone
    FROM (SELECT *, updated_at > now() - $1::interval AS recent FROM hub.run) r JOIN hub.scope s USING (scope)
    GROUP BY s.category
), rejects AS (
    SELECT category, count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'parked') AS parked
    FROM hub.reject GROUP BY category
)
SELECT category, CASE WHEN unknown THEN -1 ELSE coalesce(live, 0) END, coalesce(scopes, 0),
       coalesce(runs, 0), coalesce(incomplete, 0), coalesce(rows, 0), coalesce(new, 0), coalesce(changed, 0), coalesce(gone, 0),
       newest, completed, applied, coalesce(open, 0), coalesce(parked, 0)
FROM unnest($2::text[]) AS known (category)
FULL JOIN scopes USING (category) LEFT JOIN runs USING (category) FULL JOIN rejects USING (category)
ORDER BY category`

func readStatus(ctx context.Context, pool *pgxpool.Pool, since time.Duration) (s statusJSON, err error) {
	known := map[string]bool{}
	var names []string
	for _, t := range schemas.All() {
		known[t.Name()] = true
		names = append(names, t.Name())
	}
	if s.Categories, err = list[categoryStatus](ctx, pool, categoriesSQL, since, names); err != nil {
		return s, err
	}
	for i, c := range s.Categories {
		if c.Live >= 0 || !known[c.Category] {
			continue
		}
		// A fallback of the loader has lost count of a scope.
		err := pool.QueryRow(ctx, "SELECT count(*) FROM obs."+c.Category+" WHERE deleted_at IS NULL").Scan(&s.Categories[i].Live)
		if err != nil {
			return s, err
		}
	}
	if s.Sources, err = readSources(ctx, pool); err != nil {
		return s, err
	}
	if s.Shards, err = list[shardStatus](ctx, pool, `
		SELECT stream, stream_created_at, shard, CASE WHEN sequence_number < 0 THEN '' ELSE sequence_number::text END, ended, arrived_at,
		       CASE WHEN NOT ended THEN greatest(extract(epoch FROM now() - arrived_at), 0)::float8 END
		FROM hub.shard_progress ORDER BY stream, stream_created_at, shard`); err != nil {
		return s, err
	}
	if s.Gaps, err = list[gapStatus](ctx, pool, `
		SELECT stream, stream_created_at, shard, after_sequence, until_sequence, reason, detected_at, after_arrived_at FROM hub.gap ORDER BY detected_at`); err != nil {
		return s, err
	}
	if s.CountedRejects, err = countedRejects(ctx, pool, nil); err != nil {
		return s, err
	}
	if s.Unknown, err = list[unknownStatus](ctx, pool, `
		SELECT category, key, count, seen_at FROM hub.unknown_key
		WHERE seen_at > now() - $1::interval ORDER BY category, key = '', count DESC, key`, since); err != nil {
		return s, err
	}
	s.Views, err = list[viewStatus](ctx, pool, `
		SELECT view_name, refreshed_at, duration_ms, refreshes, error FROM hub.view_refresh ORDER BY view_name`)
	return s, err
}

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

func (s statusJSON) print(p program.Program, wide bool) {
	s.printCategories(p, wide)
	sayCounted(p, s.CountedRejects)
	printSources(p, s.Sources)
	s.printUnknown(p)
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
		say(p, "gap in %s %s, from %s to at most %s: %s; replay the archive of those days: hub replay%s --to %s", name(g.Stream, g.Created), g.Shard,
			since, g.Detected.UTC().Format(time.DateTime), program.Cut(g.Reason, 200), from, g.Detected.UTC().Format(time.DateOnly))
	}
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

func (s statusJSON) printCategories(p program.Program, wide bool) {
	header := []any{"category", "live rows", "incomplete", "newest run", "complete", "rejects"}
	if wide {
		header = append(header, "parked", "runs", "rows in", "new", "changed", "gone")
	}
	t := program.NewTable(p.Stdout, header...)
	for _, c := range s.Categories {
		row := table.Row{categoryName(c.Category), c.Live, c.Incomplete, ago(c.NewestRun), ago(c.Completed), c.Rejects}
		if wide {
			row = append(row, c.Parked, c.Runs, c.Rows, c.New, c.Changed, c.Gone)
		}
		t.AppendRow(row)
	}
	t.Render()
	for _, c := range s.Categories {
		if c.Parked > 0 {
			say(p, "%s: %d records are parked until the table fits: hub check says how to mend it", categoryName(c.Category), c.Parked)
		}
	}
}

// printUnknown names the keys without a column, on a line for each category.
func (s statusJSON) printUnknown(p program.Program) {
	for keys := s.Unknown; len(keys) > 0; {
		category, n := keys[0].Category, 0
		var names []string
		for ; n < len(keys) && keys[n].Category == category; n++ {
			names = append(names, fmt.Sprintf("%s (%d)", program.Cut(orElse(keys[n].Key, "others"), 64), keys[n].Values))
		}
		if len(names) > maxUnknown {
			names = append(names[:maxUnknown], fmt.Sprintf("and %d more", len(names)-maxUnknown))
		}
		say(p, "%s: values of keys without a column were left out: %s; their senders are newer than this hub, or mistype them",
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
func (s statusJSON) streamNames(wide bool) func(stream string, created time.Time) string {
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
