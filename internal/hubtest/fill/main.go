// Command fill loads a made-up organisation into the database of a test, as a spoke would
// send it.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/simulate"
	"github.com/hubspoke/observability/schemas"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fill:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: fill postgres://…")
	}
	world, err := simulate.New(simulate.Config{Accounts: 8, Scale: 0.3, Regions: []string{"eu-central-1"}})
	if err != nil {
		return err
	}
	cfg, err := load.PoolConfig(args[0])
	if err != nil {
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	loader, err := load.New(pool, load.Config{Tables: schemas.All()})
	if err != nil {
		return err
	}
	for _, scope := range world.Scopes() {
		if err := apply(ctx, loader, world, scope); err != nil {
			return fmt.Errorf("%s: %w", scope, err)
		}
	}
	return nil
}

// silent is how long ago the account that falls silent was collected.
const silent = 72 * time.Hour

// apply loads the run of a scope.
func apply(ctx context.Context, loader *load.Loader, world *simulate.World, scope schema.Scope) error {
	at := time.Now()
	if _, falls := world.SilentAfter(scope.Account); falls {
		at = at.Add(-silent)
	}
	end := load.End{Scope: scope, Run: schema.NewRunID(at), Outcome: schema.OK, Parts: 1}
	if world.Denies(scope) {
		end.Outcome, end.Parts, end.Error = schema.Denied, 0, "AccessDeniedException: the role is not authorized"
		_, err := loader.Apply(ctx, &load.Batch{Ends: []load.End{end}})
		return err
	}
	table, record, err := world.Record(scope)
	if err != nil {
		return err
	}
	defer record.Release()
	end.Rows = record.NumRows()
	part := load.Part{Scope: scope, Run: end.Run, Rows: int(end.Rows)}
	_, err = loader.Apply(ctx, &load.Batch{
		Groups: []load.Group{{Table: table, Record: record, Parts: []load.Part{part}}},
		Ends:   []load.End{end},
	})
	return err
}
