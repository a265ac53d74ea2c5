package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
	"github.com/hubspoke/observability/sql"
)

// migrateCommand makes or updates tables and views.
type migrateCommand struct {
	databaseFlags
	program.OutputFlag
	DryRun bool `help:"Show what would be done, with the SQL, and do nothing." xor:"what"`
	Print  bool `help:"Print the SQL of the whole schema, and ask no database." xor:"what"`
	bootstrapFlags
}

// Help is shown by `hub migrate -h`.
func (migrateCommand) Help() string {
	return `Runs the migrations of the hub's own tables that have not run, in order, makes the tables of
categories or adds what they lack (columns, indexes, checks, settings), brings row keys of an earlier version up to date, and replaces the views if they are not
those of this version. It may run while a hub of this version consumes, and in several
places at once. Stop hubs of an earlier version before: a category is not written while its
row keys are brought up to date. Views that are new have no rows at first; they are filled
last, which large tables make long, and nobody waits for it but readers of those views. What
was interrupted goes on where it was; hub consume fills views, too.
The user needs the right to create schemas, tables and views; the roles obs_reader and
obs_writer get theirs, if they exist.

--bootstrap makes the roles of an RDS cluster first, as its master user, and then migrates as
obs_migrator. It can be repeated: what was changed by hand is put back.

  hub migrate --bootstrap --database-iam --master-secret-arn arn:aws:secretsmanager:… \
    --database-url postgres://obs_migrator@core.cluster-….eu-central-1.rds.amazonaws.com/core

As a Lambda function (handler migrate) it is a custom resource of CloudFormation: creating and
updating it migrates, with --bootstrap where HUB_MASTER_SECRET_ARN is set, and deleting it does
nothing.`
}

// stepJSON is one step as `-o json` prints it: an interface, add only.
type stepJSON struct {
	Step    string  `json:"step"`
	Applied bool    `json:"applied"`
	Seconds float64 `json:"seconds"`
	// SQL of a step that would run, as far as it is SQL.
	SQL string `json:"sql,omitempty"`
}

const (
	viewsStep = "views"
	fillStep  = "rows of views"
)

// fillTimeout is how long one view may take to be filled. Nobody waits for it but people
// who read that view.
const fillTimeout = 2 * time.Hour

// grantVersionsSQL lets the role of the consumers see which migrations have run;
// refresh.Install grants it everything else.
const grantVersionsSQL = `
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'obs_writer') THEN
        GRANT SELECT ON ` + load.VersionTable + ` TO obs_writer;
    END IF;
END $$`

// Run migrates.
func (c migrateCommand) Run(ctx context.Context, p program.Program, log *slog.Logger) error {
	switch {
	case c.Print:
		return printSchema(p)
	case c.DryRun:
		pool, err := c.open(ctx, 1)
		if err != nil {
			return err
		}
		defer pool.Close()
		return c.dryRun(ctx, p, pool)
	case program.InLambda():
		return serveLambda(ctx, c.customResource(p, log))
	}
	steps, err := c.migrate(ctx, p, log)
	if len(steps) > 0 || c.JSON() && steps != nil || err == nil {
		if printErr := c.print(p, steps); printErr != nil {
			return printErr
		}
	}
	return err
}

// migrate does what there is to do, and returns what it did; nil if it could not begin.
func (c migrateCommand) migrate(ctx context.Context, p program.Program, log *slog.Logger) (steps []stepJSON,
	err error) {
	if c.Bootstrap {
		if steps, err = c.bootstrap(ctx, log); err != nil {
			return steps, err
		}
	}
	pool, err := c.open(ctx, 1)
	if err != nil {
		return steps, err
	}
	defer pool.Close()
	migrated, left, err := migrate(ctx, p, pool, log)
	steps = append(steps, migrated...)
	var server *pgconn.PgError
	if errors.As(err, &server) && (server.Code == "42P01" || server.Code == "42703") { // a table or column is gone
		err = fmt.Errorf("%w; `hub check` names what is missing and prints the statements that make it", err)
	}
	switch {
	case err != nil && len(steps) > 0:
		return steps, program.Partlyf("%w; the steps above stay done", err)
	case err == nil && len(left) > 0:
		return steps, program.Partlyf("a table does not fit: %s; hub check prints all statements that are left to you",
			left[0])
	}
	return steps, err
}

// migrate brings tables and views up to date, and returns what it did and the faults that
// are left.
func migrate(
	ctx context.Context, p program.Program, pool *pgxpool.Pool, log *slog.Logger,
) (steps []stepJSON, left []load.Fault, err error) {
	steps = []stepJSON{}
	applied, err := load.NewMigrator(pool).Up(ctx)
	for _, m := range applied {
		steps = append(steps, stepJSON{Step: m.Name, Applied: true, Seconds: m.Duration.Seconds()})
	}
	if err != nil {
		return steps, nil, err
	}
	mended, left, err := mendTables(ctx, p, pool, log)
	steps = append(steps, mended...)
	if err != nil {
		return steps, left, err
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return steps, left, err
	}
	defer conn.Release()
	start := time.Now()
	replaced, err := refresh.Install(ctx, conn.Conn(), sql.Views())
	if err != nil {
		return steps, left, err
	}
	if _, err := conn.Exec(ctx, grantVersionsSQL); err != nil {
		return steps, left, fmt.Errorf("grant obs_writer the tables of versions: %w", err)
	}
	if replaced {
		steps = append(steps, stepJSON{Step: viewsStep, Applied: true, Seconds: time.Since(start).Seconds()})
	}
	conn.Release()
	filled, err := fillViews(ctx, p, pool, log)
	return append(steps, filled...), left, err
}

// dryRun shows what Run would do. What a migration changes of the tables is not known
// before it has run.
func (c migrateCommand) dryRun(ctx context.Context, p program.Program, pool *pgxpool.Pool) error {
	f, err := compare(ctx, pool)
	if err != nil {
		return err
	}
	steps := []stepJSON{}
	for _, m := range f.Pending {
		steps = append(steps, stepJSON{Step: m.Name, SQL: m.SQL})
	}
	for _, fault := range f.Faults {
		if !leftByMigrate(fault) {
			steps = append(steps, stepJSON{Step: stepOf(fault), SQL: fault.Statement})
		}
	}
	if !f.Views {
		steps = append(steps, stepJSON{Step: viewsStep}, stepJSON{Step: fillStep})
	}
	if c.JSON() || len(steps) == 0 {
		return c.print(p, steps)
	}
	for i, s := range steps {
		text := "-- " + s.Step + " would run"
		if s.SQL != "" {
			text = "-- " + s.Step + "\n" + strings.TrimSuffix(s.SQL, ";") + ";"
		}
		if i > 0 {
			text = "\n" + text
		}
		if _, err := fmt.Fprintln(p.Stdout, text); err != nil {
			return err
		}
	}
	return nil
}

// printSchema prints what makes everything in an empty database.
func printSchema(p program.Program) error {
	bookkeeping, err := load.MigrationScript()
	if err != nil {
		return err
	}
	views, err := refresh.Script(sql.Views())
	if err != nil {
		return err
	}
	parts := []string{"-- The schema of the hub, for an empty database. hub migrate finds it done.\n\n" + bookkeeping,
		load.SchemaDDL + ";\n"}
	for _, t := range schemas.All() {
		parts = append(parts, load.DDL(t)+";\n")
	}
	parts = append(parts, views, strings.TrimSpace(grantVersionsSQL)+";\n")
	_, err = fmt.Fprint(p.Stdout, strings.Join(parts, "\n"))
	return err
}

// stepOf names what mends a fault.
func stepOf(f load.Fault) string {
	switch {
	case f.OldKeys:
		return "row keys of obs." + f.Category
	case f.Index != "":
		return "index obs." + f.Index
	case f.Minor && f.Column != "":
		return "check of obs." + f.Category + "." + f.Column
	case f.Minor:
		return "settings of obs." + f.Category
	case f.Column != "":
		return "column obs." + f.Category + "." + f.Column
	}
	return "table obs." + f.Category
}

// mendTables brings the tables of categories up to date, and returns what it did and the
// faults that are left.
func mendTables(
	ctx context.Context, p program.Program, pool *pgxpool.Pool, log *slog.Logger,
) (steps []stepJSON, left []load.Fault, err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, nil, err
	}
	done, left, err := load.Ensure(ctx, conn.Conn(), schemas.All()...)
	conn.Release()
	for _, s := range done {
		steps = append(steps, stepJSON{Step: stepOf(s.Fault), Applied: true, Seconds: s.Duration.Seconds()})
	}
	if err != nil {
		return steps, left, err
	}
	var fitting []*schema.Table
	misfits := load.Misfits(slices.DeleteFunc(slices.Clone(left), func(f load.Fault) bool { return f.OldKeys }))
	for _, t := range schemas.All() {
		if misfits[t.Name()] == nil {
			fitting = append(fitting, t)
		}
	}
	rekeyed, err := rekey(ctx, p, pool, log, fitting)
	for _, r := range rekeyed {
		step := stepOf(load.Fault{Category: r.Table.Name(), OldKeys: true})
		steps = append(steps, stepJSON{Step: step, Applied: true, Seconds: r.Duration.Seconds()})
		left = slices.DeleteFunc(left, func(f load.Fault) bool { return f.OldKeys && f.Category == r.Table.Name() })
	}
	return steps, left, err
}

// fillError says that tables and views are up to date, and some views have no rows yet.
type fillError struct{ err error }

// Error says what happens next.
func (e *fillError) Error() string {
	return fmt.Sprintf("fill views: %v; hub consume tries again, and so does hub refresh", e.err)
}

// Unwrap returns why.
func (e *fillError) Unwrap() error { return e.err }

// fillViews fills views that were just made, unless a consumer does, and shows how far it
// is. Neither readers of other views nor writers wait for it.
func fillViews(
	ctx context.Context, p program.Program, pool *pgxpool.Pool, log *slog.Logger,
) (steps []stepJSON, err error) {
	unfilled, err := refresh.Unfilled(ctx, pool)
	if err != nil || len(unfilled) == 0 {
		return nil, err
	}
	start := time.Now()
	var done atomic.Int64
	var last atomic.Pointer[string]
	stop := program.NewProgress(p.Stderr, log, "filling views").Start(ctx, func() program.State {
		name := ""
		if n := last.Load(); n != nil {
			name = *n
		}
		return program.State{
			Done: int(done.Load()), Total: len(unfilled), Detail: []any{"last", name}, Text: "views, last " + name,
		}
	})
	defer stop()
	r, err := refresh.New(pool, refresh.Config{ViewTimeout: fillTimeout, OnView: func(v refresh.View) {
		if slices.Contains(unfilled, v.Name) { // others follow changes
			done.Add(1)
		}
		last.Store(&v.Name)
	}})
	if err != nil {
		return nil, err
	}
	if _, err := r.Once(ctx); err != nil {
		return nil, &fillError{err}
	}
	return []stepJSON{{Step: fillStep, Applied: true, Seconds: time.Since(start).Seconds()}}, nil
}

// rekey brings row keys up to date, and shows how far it is.
func rekey(
	ctx context.Context, p program.Program, pool *pgxpool.Pool, log *slog.Logger, tables []*schema.Table,
) ([]load.RekeyResult, error) {
	var rows atomic.Int64
	var table atomic.Pointer[schema.Table]
	stop := program.NewProgress(p.Stderr, log, "row keys").Start(ctx, func() program.State {
		name := ""
		if t := table.Load(); t != nil {
			name = t.Name()
		}
		return program.State{Done: int(rows.Load()), Detail: []any{"category", name}, Text: "rows of " + name}
	})
	defer stop()
	results, err := load.Rekey(ctx, pool, load.RekeyConfig{OnProgress: func(t *schema.Table, n int64) {
		table.Store(t)
		rows.Store(n)
	}}, tables...)
	for _, r := range results {
		log.Info("row keys are up to date", "category", r.Table.Name(), "rows", r.Rows, "updated", r.Updated,
			"merged", r.Merged, "unreadable", r.Unreadable)
	}
	return results, err
}

func (c migrateCommand) print(p program.Program, steps []stepJSON) error {
	if c.JSON() {
		return program.WriteJSON(p.Stdout, steps)
	}
	if len(steps) == 0 {
		_, err := fmt.Fprintln(p.Stdout, "nothing to do: tables and views are those of this version")
		return err
	}
	t := program.NewTable(p.Stdout, "step", "", "duration")
	for _, s := range steps {
		state, duration := "would run", ""
		if s.Applied {
			state, duration = "done", time.Duration(s.Seconds*1e9).Round(time.Millisecond).String()
		}
		t.AppendRow(table.Row{s.Step, state, duration})
	}
	t.Render()
	return nil
}
