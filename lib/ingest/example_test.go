package ingest_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/memstream"
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
	pool := lampTables(ctx, server.URL())
	defer pool.Close()

	// A spoke puts one run into the stream.
	s := memstream.New(2)
	if err := s.Publisher().Publish(ctx, lampRecords(`{"serial":"A1","colour":"red"}`,
		`{"serial":"A2","colour":7}`)); err != nil {
		log.Fatal(err)
	}

	// The hub applies what arrives, until it is stopped.
	ctx, stop := context.WithCancel(ctx)
	loader, err := load.New(pool, load.Config{Tables: []*schema.Table{Lamps.Table}})
	if err != nil {
		log.Fatal(err)
	}
	pipeline, err := ingest.New(loader, ingest.Config{
		StreamID: "lamps",
		OnApply: func(r load.Result) {
			fmt.Printf("%d new, %d rejected\n", r.Categories["lamps"].New, r.Rejects)
			stop()
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	err = pipeline.Drive(ctx, func(ctx context.Context) error { return s.Run(ctx, pipeline) })
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
	var reason, row string
	if err := pool.QueryRow(context.Background(),
		"SELECT reason, convert_from(bytes, 'UTF8') FROM hub.reject").Scan(&reason, &row); err != nil {
		log.Fatal(err)
	}
	fmt.Println(reason, row)
	// Output:
	// 1 new, 1 rejected
	// wrong_type {"serial":"A2","colour":7}
}

// lampTables makes the tables of the loader and that of the lamps.
func lampTables(ctx context.Context, url string) *pgxpool.Pool {
	config, err := load.PoolConfig(url)
	if err != nil {
		log.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := load.NewMigrator(pool).Up(ctx); err != nil {
		log.Fatal(err)
	}
	if _, _, err := load.Ensure(ctx, pool, Lamps.Table); err != nil {
		log.Fatal(err)
	}
	return pool
}

// lampRecords packs a run of these rows, which nobody checks here.
func lampRecords(rows ...string) []stream.Message {
	packer, err := envelope.NewPacker(envelope.Config{})
	if err != nil {
		log.Fatal(err)
	}
	scope := schema.Scope{Category: "lamps", Account: "123456789012", Region: "eu-west-1"}
	run, err := packer.Run(scope, schema.NewRunID(time.Now()))
	if err != nil {
		log.Fatal(err)
	}
	for _, row := range rows {
		if err := run.Add([]byte(row)); err != nil {
			log.Fatal(err)
		}
	}
	var messages []stream.Message
	for _, part := range run.Flush() {
		messages = append(messages, stream.Message{PartitionKey: envelope.PartitionKey(scope), Data: part.Record})
	}
	end, err := run.End(schema.OK, "")
	if err != nil {
		log.Fatal(err)
	}
	return append(messages, stream.Message{PartitionKey: envelope.PartitionKey(scope), Data: end})
}
