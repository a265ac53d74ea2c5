package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/program"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/sql"
)

// migrateCommand makes or updates tables and views.
type migrateCommand struct {
	databaseFlags
	program.OutputFlag
	DryRun bool `help:"Show what would be done, and do nothing."`
}

// Help is shown by `hub migrate -h`.
func (migrateCommand) Help() string {
	return `Runs the migrations that have not run, in order, and replaces the views if they are not
those of this version. It may run while the hub consumes, and in several places at once.
The user needs the right to create schemas, tables and views; the roles obs_reader and
obs_writer get theirs, if they exist.`
}

// stepJSON is one step as `-o json` prints it: an interface, add only.
type stepJSON struct {
	Step    string  `json:"step"`
	Applied bool    `json:"applied"`
	Seconds float64 `json:"seconds"`
}

const viewsStep = "views"

// grantVersionsSQL lets the role of the consumers see which migrations have run;
// refresh.Install grants it everything else.
const grantVersionsSQL = `
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'obs_writer') THEN
        GRANT SELECT ON ` + hubVersions + ", " + sql.VersionTable + ` TO obs_writer;
    END IF;
END $$`

// Run migrates.
func (c migrateCommand) Run(ctx context.Context, p program.Program) error {
	pool, err := c.open(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	steps := []stepJSON{}
	if c.DryRun {
		f, err := compare(ctx, pool)
		if err != nil {
			return err
		}
		for _, name := range f.Pending {
			steps = append(steps, stepJSON{Step: name})
		}
		if !f.Views {
			steps = append(steps, stepJSON{Step: viewsStep})
		}
		return c.print(p, steps)
	}
	url, err := c.url()
	if err != nil {
		return err
	}
	for _, m := range []struct {
		files    fs.FS
		versions string
	}{{load.Migrations(), hubVersions}, {sql.Migrations(), sql.VersionTable}} {
		applied, err := load.RunMigrations(ctx, url, m.files, m.versions)
		for _, a := range applied {
			if a.Error == nil {
				steps = append(steps, stepJSON{path.Base(a.Source.Path), true, a.Duration.Seconds()})
			}
		}
		if err != nil {
			return c.failed(p, steps, err)
		}
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	start := time.Now()
	replaced, err := refresh.Install(ctx, conn.Conn(), sql.Views())
	if err != nil {
		return c.failed(p, steps, err)
	}
	if _, err := conn.Exec(ctx, grantVersionsSQL); err != nil {
		return c.failed(p, steps, fmt.Errorf("grant obs_writer the tables of versions: %w", err))
	}
	if replaced {
		steps = append(steps, stepJSON{viewsStep, true, time.Since(start).Seconds()})
	}
	return c.print(p, steps)
}

// failed prints what was done before the error, and says what to do about it.
func (c migrateCommand) failed(p program.Program, steps []stepJSON, err error) error {
	if len(steps) > 0 || c.JSON() {
		if printErr := c.print(p, steps); printErr != nil {
			return printErr
		}
	}
	var server *pgconn.PgError
	if errors.As(err, &server) && (server.Code == "42P01" || server.Code == "42703") { // a table or column is gone
		err = fmt.Errorf("%w; `hub check` names what is missing and prints the statements that make it", err)
	}
	if len(steps) > 0 {
		return program.Partlyf("%w; the steps above stay done", err)
	}
	return err
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
