package load_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// Lamp is one lamp of a building.
type Lamp struct {
	// Serial number of the lamp.
	Serial string `col:"serial,key"`
	// Colour of its light.
	Colour string `col:"colour"`
}

// Lamps is a full snapshot every run.
var Lamps = schema.Of[Lamp](schema.Spec{Name: "lamps", Mode: schema.Snapshot})

func Example() {
	ctx := context.Background()
	server, err := pgserver.Start(ctx, pgserver.Config{}) // any PostgreSQL does
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = server.Stop() }()

	config, err := load.PoolConfig(server.URL())
	if err != nil {
		log.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	// The loader brings its own tables, and makes that of the category.
	if _, err := load.NewMigrator(pool).Up(ctx); err != nil {
		log.Fatal(err)
	}
	if _, _, err := load.Ensure(ctx, pool, Lamps.Table); err != nil {
		log.Fatal(err)
	}

	loader, err := load.New(pool, load.Config{Tables: []*schema.Table{Lamps.Table}})
	if err != nil {
		log.Fatal(err)
	}
	apply := func(run time.Time, lamps ...Lamp) {
		result, err := loader.Apply(ctx, snapshot(run, lamps))
		if err != nil {
			log.Fatal(err)
		}
		c := result.Categories["lamps"]
		fmt.Printf("%d new, %d changed, %d unchanged, %d gone\n", c.New, c.Changed, c.Unchanged, c.Gone)
	}
	noon := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	apply(noon, Lamp{"A1", "red"}, Lamp{"A2", "green"}, Lamp{"A3", "blue"})
	apply(noon.Add(time.Hour), Lamp{"A1", "red"}, Lamp{"A2", "white"})
	// Output:
	// 3 new, 0 changed, 0 unchanged, 0 gone
	// 0 new, 1 changed, 1 unchanged, 1 gone
}

// snapshot returns the batch of a run that found these lamps: one part and its end.
func snapshot(start time.Time, lamps []Lamp) *load.Batch {
	appender := rows.NewAppender(Lamps, nil)
	defer appender.Release()
	for _, lamp := range lamps {
		if err := appender.Append(&lamp); err != nil {
			log.Fatal(err)
		}
	}
	scope := schema.Scope{Category: "lamps", Account: "123456789012", Region: "eu-west-1"}
	run, origin := schema.NewRunID(start), load.Origin{Name: "by hand", Arrived: start}
	return &load.Batch{
		Groups: []load.Group{{
			Table:  Lamps.Table,
			Record: appender.Record(),
			Parts: []load.Part{{
				Scope: scope, Run: run, Rows: len(lamps), Origin: origin,
				SHA256: sha256.Sum256(fmt.Append(nil, lamps)), // of the bytes that it came as
			}},
		}},
		Ends: []load.End{{Scope: scope, Run: run, Outcome: schema.OK, Parts: 1, Rows: int64(len(lamps)), Origin: origin}},
	}
}
