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
keep the others: exit code 3. At the end the log has the state of the hub, which 'hub consume'
logs once a minute.

As a Lambda function (handler refresh) it does this once per invocation, whatever the event is,
and answers with the views that it refreshed.`
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
	if program.InLambda() {
		return serveLambda(ctx, c.function(log))
	}
	result, err := c.refresh(ctx, log)
	if result != nil {
		if printErr := c.print(p, *result); printErr != nil {
			return printErr
		}
	}
	return err
}

// function returns what an invocation calls. It fails if nothing was refreshed: what failed
// of the views stands in the answer and is tried again by the next invocation.
func (c refreshCommand) function(log *slog.Logger) func(context.Context, any) ([]refreshJSON, error) {
	return func(ctx context.Context, _ any) ([]refreshJSON, error) {
		return inTime(ctx, func(ctx context.Context) ([]refreshJSON, error) {
			result, err := c.refresh(ctx, log)
			if err != nil && program.ExitCode(err) != program.ExitPartly {
				return nil, explain("refresh", err)
			}
			return refreshed(*result), nil
		})
	}
}

// refresh refreshes, prunes and logs the state. The result is nil if nothing was refreshed;
// it is a *program.PartialError if some views failed.
func (c refreshCommand) refresh(ctx context.Context, log *slog.Logger) (*refresh.Result, error) {
	pool, err := c.openReady(ctx, 2)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	loader, err := load.New(pool, load.Config{Tables: schemas.All(), Logger: log})
	if err != nil {
		return nil, err
	}
	retention, err := loader.Retention(ctx)
	if err != nil {
		return nil, err
	}
	keep, err := c.keep(retention)
	if err != nil {
		return nil, err
	}
	r, err := refresh.New(pool, refresh.Config{ViewTimeout: c.ViewTimeout, Journal: history, Logger: log})
	if err != nil {
		return nil, err
	}
	once := r.Once
	if c.All {
		once = r.All
	}
	result, err := once(ctx)
	logState(ctx, pool, log) // also of a hub that cannot be refreshed
	var partial *refresh.PartialError
	if err != nil && !errors.As(err, &partial) {
		return nil, err
	}
	if err := prune(ctx, loader, keep, log); err != nil {
		return &result, err
	}
	if err := pruneRejects(ctx, loader, c.KeepRejects, log); err != nil {
		return &result, err
	}
	if partial != nil {
		return &result, program.Partlyf("%w", err)
	}
	return &result, nil
}

// refreshed is what was refreshed, as it is printed.
func refreshed(result refresh.Result) []refreshJSON {
	views := []refreshJSON{}
	for _, v := range result.Views {
		views = append(views, refreshJSON{v.Name, v.Duration.Seconds(), errorText(v.Err)})
	}
	return views
}

func (c refreshCommand) print(p program.Program, result refresh.Result) error {
	if c.JSON() {
		return program.WriteJSON(p.Stdout, refreshed(result))
	}
	if len(result.Views) == 0 {
		what := "views over tables that changed"
		if c.All {
			what = "views"
		}
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
