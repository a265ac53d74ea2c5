package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/consumers/replay"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// replayCommand applies the archive to the database.
type replayCommand struct {
	databaseFlags
	program.OutputFlag
	Bucket       program.BucketName `required:"" placeholder:"NAME" help:"S3 bucket of the archive."`
	BucketPrefix string             `placeholder:"PREFIX" help:"Prefix of all keys in the bucket, as the spokes have it."`
	Account      []string           `placeholder:"ID" help:"Account; repeat it or separate with commas. Defaults to all."`
	Category     []string           `placeholder:"NAME" help:"Category; repeat it or separate with commas. Defaults to all."`
	From         string             `placeholder:"YYYY-MM-DD" help:"First day (UTC) on which runs began. Defaults to the oldest."`
	To           string             `placeholder:"YYYY-MM-DD" help:"Last day (UTC) on which runs began. Defaults to the newest."`
	Workers      int                `default:"4" max:"250" help:"How many batches are filled and applied side by side."`
	DryRun       bool               `help:"Read what there is to be applied, and apply nothing."`
}

// Help is shown by `hub replay -h`.
func (replayCommand) Help() string {
	return `Runs are applied as the stream's are, by the same rules: what is in the database already is
skipped, older runs change nothing that newer ones have said, and it may run while the hub
consumes. A replay that was stopped goes on when it is run again. Name what you know of
accounts and categories: it is looked for directly, the rest is found by listing.

Examples:

  hub replay --bucket hub-archive --from 2026-08-01 --to 2026-08-03 --dry-run
  hub replay --bucket hub-archive --account 111122223333 --category certificates

Exit code 3 if something could not be applied, which the summary names, or if nothing was found.

As a Lambda function (handler replay) it replays what the event names, and answers with the
summary, with "error" where not everything could be applied:

  {"from": "2026-08-01", "to": "2026-08-01", "account": ["111122223333"], "category": ["certificates"]}

What does not fit into the time of an invocation is applied by the next ones: name one day.`
}

// replayMemory is what the garbage collector works harder to stay below, with the
// defaults well below 512 MiB in all. GOMEMLIMIT overrides it.
const replayMemory = 400 << 20

// errInterrupted stands for whatever was under way when the program was told to stop.
var errInterrupted = errors.New("interrupted")

// Run replays.
func (c replayCommand) Run(ctx context.Context, p program.Program, log *slog.Logger) error {
	if program.InLambda() {
		return serveLambda(ctx, c.function(p, log))
	}
	summary, err := c.replay(ctx, p, log)
	if summary == nil {
		return err
	}
	if printErr := c.print(p, *summary, err); printErr != nil {
		return printErr
	}
	return c.verdict(*summary, err)
}

// replayEvent is what an invocation replays. Accounts and categories are those of the
// flags unless it names some.
type replayEvent struct {
	From     string   `json:"from"`
	To       string   `json:"to"`
	Account  []string `json:"account"`
	Category []string `json:"category"`
	DryRun   bool     `json:"dry_run"`
}

// function returns what an invocation calls. It fails if nothing was applied.
func (c replayCommand) function(
	p program.Program, log *slog.Logger,
) func(context.Context, json.RawMessage) (*replayJSON, error) {
	return func(ctx context.Context, input json.RawMessage) (*replayJSON, error) {
		var event replayEvent
		decoder := json.NewDecoder(bytes.NewReader(input))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&event); err != nil {
			return nil, program.Usagef("the event cannot be read: %w", err)
		}
		if event.From == "" || event.To == "" {
			return nil, program.Usagef(`the event names no days: give {"from": "2026-08-01", "to": "2026-08-01"}`)
		}
		c := c
		c.From, c.To, c.DryRun = event.From, event.To, event.DryRun || c.DryRun
		if len(event.Account) > 0 {
			c.Account = event.Account
		}
		if len(event.Category) > 0 {
			c.Category = event.Category
		}
		return inTime(ctx, func(ctx context.Context) (*replayJSON, error) {
			summary, err := c.replay(ctx, p, log)
			if summary != nil {
				err = c.verdict(*summary, err)
			}
			if err != nil && program.ExitCode(err) != program.ExitPartly {
				return nil, explain("replay", err)
			}
			answer := c.summaryJSON(*summary, err)
			return &answer, nil
		})
	}
}

// replay applies what there is, and returns what came of it; nil if nothing was found
// before it failed.
func (c replayCommand) replay(ctx context.Context, p program.Program, log *slog.Logger) (*replay.Summary, error) {
	chosen, filter, err := c.selection()
	if err != nil {
		return nil, err
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(replayMemory)
	}
	pool, err := c.openReady(ctx, int32(c.Workers)+1)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if err := requireFit(ctx, pool, chosen); err != nil {
		return nil, err
	}
	cfg, err := c.awsFlags.load(ctx, "", log)
	if err != nil {
		return nil, err
	}
	bucket, err := archive.New(archive.Config{Client: awsconfig.S3(cfg), Name: string(c.Bucket), Prefix: c.BucketPrefix})
	if err != nil {
		return nil, program.Usagef("--bucket, --bucket-prefix: %w", err)
	}
	loader, err := load.New(pool, load.Config{Tables: chosen, Logger: log})
	if err != nil {
		return nil, err
	}
	var listed, done atomic.Int64
	var rows atomic.Int64
	stop := program.NewProgress(p.Stderr, log, "replaying").Start(ctx, func() program.State {
		return program.State{
			Done: int(done.Load()), Total: int(listed.Load()), Detail: []any{"rows", rows.Load()},
			Text: fmt.Sprintf("%d rows", rows.Load()),
		}
	})
	summary, err := replay.Run(ctx, replay.Config{
		Bucket: bucket, Loader: loader, Filter: filter, DryRun: c.DryRun, Workers: c.Workers,
		Hooks: replay.Hooks{
			Listed: func() { listed.Add(1) },
			Done:   func() { done.Add(1) },
			Applied: func(r load.Result) {
				for _, counts := range r.Categories {
					rows.Add(counts.Rows)
				}
			},
		},
		Logger: log,
	})
	stop()
	if err != nil && ctx.Err() != nil {
		err = errInterrupted
	}
	if err != nil && listed.Load() == 0 {
		return nil, c.verdict(summary, err)
	}
	return &summary, err
}

// verdict says what the outcome of a replay that ended with err means.
func (c replayCommand) verdict(summary replay.Summary, err error) error {
	switch {
	case err != nil && misfit(err):
		return program.Usagef("%w; `hub check` prints the statements that mend it, then replay again", err)
	case err != nil && summary.Total().Parts > 0:
		return program.Partlyf("%w; replay again to go on", prerequisite(err))
	case errors.Is(err, errInterrupted):
		return fmt.Errorf("%w; replay again to go on", err)
	case err != nil:
		return prerequisite(err)
	case summary.Runs == 0:
		return program.Partlyf("nothing was found for what was asked; look at --bucket-prefix, --account, --category, "+
			"--from and --to, and with aws s3 ls s3://%s/ at what there is", c.Bucket)
	case !summary.Complete():
		return program.Partlyf("not everything could be applied: see the summary")
	}
	return nil
}

func misfit(err error) bool {
	return load.Classify(err) == load.Park
}

// requireFit makes sure that the tables of the categories fit.
func requireFit(ctx context.Context, pool *pgxpool.Pool, tables []*schema.Table) error {
	faults, err := load.Check(ctx, pool, tables...)
	if err != nil {
		return err
	}
	if faults = slices.DeleteFunc(faults, func(f load.Fault) bool { return f.Minor }); len(faults) > 0 {
		return program.Usagef("a table does not fit: %s; run: hub check, which prints the statements that mend it", faults[0])
	}
	return nil
}

// selection returns the categories and the filter that the flags say.
func (c replayCommand) selection() ([]*schema.Table, archive.Filter, error) {
	filter := archive.Filter{Accounts: c.Account, Categories: c.Category}
	chosen, err := categories(c.Category)
	if err != nil {
		return nil, filter, err
	}
	for _, account := range c.Account {
		if err := (schema.Scope{Category: "x", Account: account, Region: schema.GlobalRegion}).Validate(); err != nil {
			return nil, filter, program.Usagef("--account: %w", err)
		}
	}
	for flag, to := range map[string]*schema.Date{"from": &filter.From, "to": &filter.To} {
		text := c.From
		if flag == "to" {
			text = c.To
		}
		if text == "" {
			continue
		}
		if *to, err = schema.ParseDate(text); err != nil {
			return nil, filter, program.Usagef("--%s: %w", flag, err)
		}
	}
	if filter.From != 0 && filter.To != 0 && filter.To < filter.From {
		return nil, filter, program.Usagef("--from %s is after --to %s", c.From, c.To)
	}
	return chosen, filter, nil
}

// replayJSON is the summary as `-o json` prints it: an interface, add only.
type replayJSON struct {
	DryRun   bool `json:"dry_run"`
	Complete bool `json:"complete"`
	// Error is why the replay could not go on.
	Error       string `json:"error,omitempty"`
	Runs        int    `json:"runs"`
	SkippedRuns int    `json:"skipped_runs"`
	// Files and Rows were not in the database. Of them Applied rows are now.
	Files        int                   `json:"files"`
	Rows         int64                 `json:"rows"`
	Applied      int64                 `json:"applied_rows"`
	SkippedFiles int                   `json:"skipped_files"`
	SkippedRows  int64                 `json:"skipped_rows"`
	Categories   map[string]countsJSON `json:"categories"`
	BadCount     int                   `json:"bad_objects"`
	Bad          []badJSON             `json:"bad"`
	Unfinished   []string              `json:"unfinished_runs"`
	Lacking      []string              `json:"lacking_runs"`
	Unknown      map[string]int        `json:"unknown_categories"`
}

type countsJSON struct {
	Rows       int64 `json:"rows"`
	New        int64 `json:"new"`
	Changed    int64 `json:"changed"`
	Unchanged  int64 `json:"unchanged"`
	Superseded int64 `json:"superseded"`
	Rejected   int64 `json:"rejected"`
	Gone       int64 `json:"gone"`
	Completed  int64 `json:"completed_runs"`
}

type badJSON struct {
	Object string `json:"object"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// print prints the summary of a replay that ended with err.
func (c replayCommand) print(p program.Program, s replay.Summary, err error) error {
	if c.JSON() {
		return program.WriteJSON(p.Stdout, c.summaryJSON(s, err))
	}
	t := program.NewTable(p.Stdout, "category", "rows", "new", "changed", "unchanged", "superseded", "rejected", "gone",
		"runs completed")
	for _, category := range slices.Sorted(maps.Keys(s.Categories)) {
		n := s.Categories[category]
		t.AppendRow(table.Row{category, n.Rows, n.New, n.Changed, n.Unchanged, n.Superseded, n.Rejected, n.Gone, n.Completed})
	}
	if len(s.Categories) > 0 {
		t.Render()
	}
	verb := "applied"
	switch {
	case c.DryRun:
		verb = "to be applied"
	case s.Total().Rows != s.Rows:
		verb = fmt.Sprintf("to be applied (%d rows are)", s.Total().Rows)
	}
	fmt.Fprintf(p.Stdout, "%d runs in the archive; %d files with %d rows %s, %d files with %d rows were before\n",
		s.Runs, s.Files, s.Rows, verb, s.SkippedFiles, s.SkippedRows)
	for _, b := range s.Bad {
		what := string(b.Reason)
		if b.URL != "" {
			what += ": " + b.URL
		}
		say(p, "refused: %s: %s", what, program.Cut(b.Detail, 1000))
	}
	more(p, s.BadCount, len(s.Bad), "refused")
	for _, run := range s.Unfinished {
		say(p, "unfinished: %v has no manifest; its spoke is at work, or died", run)
	}
	more(p, s.UnfinishedCount, len(s.Unfinished), "unfinished")
	for _, run := range s.Lacking {
		say(p, "lacking: parts of %v are in no file, because S3 refused them", run)
	}
	more(p, s.LackingCount, len(s.Lacking), "lacking")
	for _, category := range slices.Sorted(maps.Keys(s.Unknown)) {
		say(p, "unknown: %d runs of category %s, which was not selected or needs a newer hub", s.Unknown[category], category)
	}
	return nil
}

func more(p program.Program, count, named int, what string) {
	if count > named {
		fmt.Fprintf(p.Stdout, "%s: and %d more\n", what, count-named)
	}
}

func (c replayCommand) summaryJSON(s replay.Summary, err error) replayJSON {
	out := replayJSON{
		DryRun: c.DryRun, Complete: err == nil && s.Complete(), Error: errorText(err), Runs: s.Runs,
		SkippedRuns: s.SkippedRuns,
		Files:       s.Files, Rows: s.Rows, Applied: s.Total().Rows, SkippedFiles: s.SkippedFiles, SkippedRows: s.SkippedRows,
		Categories: map[string]countsJSON{}, BadCount: s.BadCount,
		Bad: []badJSON{}, Unfinished: texts(s.Unfinished), Lacking: texts(s.Lacking), Unknown: s.Unknown,
	}
	for category, n := range s.Categories {
		out.Categories[category] = countsJSON{n.Rows, n.New, n.Changed, n.Unchanged, n.Superseded, n.Rejected, n.Gone,
			n.Completed}
	}
	for _, b := range s.Bad {
		out.Bad = append(out.Bad, badJSON{b.URL, string(b.Reason), b.Detail})
	}
	return out
}

func texts(runs []archive.Run) []string {
	out := []string{}
	for _, run := range runs {
		out = append(out, run.String())
	}
	return out
}
