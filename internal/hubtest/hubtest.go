// Package hubtest has databases as the hub makes them, for tests.
package hubtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/schemas"
	"github.com/hubspoke/observability/sql"
)

// Databases, each with what the one above has.
var (
	// Tables has the tables of all categories.
	Tables = pgtest.Template{Name: "hub tables", Migrate: makeTables}
	// Views has the views, and none of them is computed yet.
	Views = pgtest.Template{Name: "hub views", Migrate: all(makeTables, installViews)}
	// Empty has views that are computed, of no rows.
	Empty = pgtest.Template{Name: "hub empty", Migrate: all(makeTables, installViews, refreshViews)}
	// Filled has the rows of a made-up organisation of eight accounts in eu-central-1. One
	// account is silent for three days, and one denies a category.
	Filled = pgtest.Template{Name: "hub filled", Migrate: all(makeTables, installViews, fill, refreshViews)}
)

// step does a part of what makes a database.
type step = func(ctx context.Context, pool *pgxpool.Pool) error

// all returns a step that does the steps, one after the other.
func all(steps ...step) step {
	return func(ctx context.Context, pool *pgxpool.Pool) error {
		for _, do := range steps {
			if err := do(ctx, pool); err != nil {
				return err
			}
		}
		return nil
	}
}

func makeTables(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := load.NewMigrator(pool).Up(ctx); err != nil {
		return err
	}
	_, _, err := load.Ensure(ctx, pool, schemas.All()...)
	return err
}

func installViews(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	_, err = refresh.Install(ctx, conn.Conn(), sql.Views())
	return err
}

func refreshViews(ctx context.Context, pool *pgxpool.Pool) error {
	refresher, err := refresh.New(pool, refresh.Config{})
	if err != nil {
		return err
	}
	_, err = refresher.All(ctx)
	return err
}

// fill runs the program in fill. It imports the collectors, and so each module of the SDK,
// which a test would else be compiled with, once more for the race detector and once more to
// be fuzzed.
func fill(ctx context.Context, pool *pgxpool.Pool) error {
	program := exec.CommandContext(ctx, "go", "run", "github.com/hubspoke/observability/internal/hubtest/fill",
		pool.Config().ConnString())
	program.Env = append(os.Environ(), "CGO_ENABLED=0") // as programs are built
	if out, err := program.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
