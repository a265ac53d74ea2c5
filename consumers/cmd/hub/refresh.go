package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/schemas"
)

// refreshCommand refreshes materialized views and prunes.
type refreshCommand struct {
	databaseFlags
	program.OutputFlag
	keepFlag
	viewFlag
	rejectsFlag
	All bool `help:"Refresh all views, not only those over tables that changed."`
}

// viewFlag says how long the refresh of one view may take.
type viewFlag struct {
	ViewTimeout time.Duration `default:"2m" help:"How long the refresh of one view may take; the view then stays as it was, and is red."`
}

// Help is shown by `hub refresh -h`.
func (refreshCommand) Help() string {
	return `Also deletes bookkeeping of runs that a newer one replaced, and old rejects. 'hub consume' does both by itself;
beside 'hub lambda' schedule this command. A view that fails stays as it was and does not
keep the others: exit code 3.`
}

// refreshJSON is one view as `-o json` prints it: an interface, add only.
type refreshJSON struct {
	View    string  `json:"view"`
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`
}

// history is what is written down day by day; the views of sql make the function.
var history = refresh.Journal{Table: "history.daily_measures", Statement: "SELECT history.record(now())"}

// Run refreshes, then prunes.
func (c refreshCommand) Run(ctx context.Context, p program.Program, log *slog.Logger) error {
	pool, err := c.openReady(ctx, 2)
	if err != nil {
		return err
	}
	defer pool.Close()
	loader, err := load.New(pool, load.Config{Tables: schemas.All(), Logger: log})
	if err != nil {
		return err
	}
	retention, err := loader.Retention(ctx)
	if err != nil {
		return err
	}
	keep, err := c.keep(retention)
	if err != nil {
		return err
	}
	r, err := refresh.New(pool, refresh.Config{ViewTimeout: c.ViewTimeout, Journal: history, Logger: log})
	if err != nil {
		return err
	}
	refreshed, what := r.Once, "views over tables that changed"
	if c.All {
		refreshed, what = r.All, "views"
	}
	result, err := refreshed(ctx)
	var partial *refresh.PartialError
	if err != nil && !errors.As(err, &partial) {
		return err
	}
	if err := c.print(p, result, what); err != nil {
		return err
	}
	if err := prune(ctx, loader, keep, log); err != nil {
		return err
	}
	if err := pruneRejects(ctx, loader, c.KeepRejects, log); err != nil {
		return err
	}
	if partial != nil {
		return program.Partlyf("%w", err)
	}
	return nil
}

func (c refreshCommand) print(p program.Program, result refresh.Result, what string) error {
	if c.JSON() {
		out := []refreshJSON{}
		for _, v := range result.Views {
			out = append(out, refreshJSON{v.Name, v.Duration.Seconds(), errorText(v.Err)})
		}
		return program.WriteJSON(p.Stdout, out)
	}
	if len(result.Views) == 0 {
		_, err := fmt.Fprintf(p.Stdout, "nothing to do: there are no %s\n", what)
		return err
	}
	t := program.NewTable(p.Stdout, "view", "duration", "error")
	for _, v := range result.Views {
		t.AppendRow(table.Row{v.Name, v.Duration.Round(time.Millisecond), program.OneLine(errorText(v.Err))})
	}
	t.Render()
	return nil
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
