package apply_test

import (
	"context"
	"crypto/sha256"
	"log"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/apply"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// Applies what a file holds that is not of the archive.
func Example() {
	ctx := context.Background()
	config, err := load.PoolConfig("postgres://hub@db.example.com/observability")
	if err != nil {
		log.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	loader, err := load.New(pool, load.Config{Tables: []*schema.Table{lamps.Table}})
	if err != nil {
		log.Fatal(err)
	}
	batch, err := apply.New(apply.Config{Loader: loader})
	if err != nil {
		log.Fatal(err)
	}
	defer batch.Release()

	appender := rows.NewAppender(lamps, nil)
	defer appender.Release()
	if err := appender.Append(&lamp{ID: "kitchen", Watts: 60}); err != nil {
		log.Fatal(err)
	}
	// A file that is read again must have the same run, so that it is applied once:
	// keep its id with the file.
	scope := schema.Scope{Category: lamps.Name(), Account: "111122223333", Region: "eu-central-1"}
	run := schema.NewRunID(time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC))
	origin := load.Origin{Name: "lamps-2026-08-01.csv"}
	part := load.Part{Scope: scope, Run: run, Rows: 1, SHA256: sha256.Sum256([]byte("kitchen,60")), Origin: origin}
	if err := batch.AddParts(ctx, lamps.Table, []arrow.Record{appender.Record()}, []load.Part{part}); err != nil {
		log.Fatal(err)
	}
	end := load.End{Scope: scope, Run: run, Outcome: schema.OK, Parts: 1, Rows: 1, Origin: origin}
	if err := batch.AddEnd(ctx, end); err != nil {
		log.Fatal(err)
	}
	if err := batch.Flush(ctx); err != nil { // more files first: they are applied together
		log.Fatal(err)
	}
}
