// Command lamps shows how another module uses the library: it declares a category
// of its own, publishes rows of it to a Kinesis stream and applies the stream to
// PostgreSQL. This file is what that takes; main.go starts stand-ins for AWS and a
// PostgreSQL server, and makes the stream and the tables.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream/kcl"
	kinesispub "github.com/hubspoke/observability/lib/stream/kinesis"
)

// Lamp is one lamp as seen in one account and region.
type Lamp struct {
	// ID of the lamp.
	ID string `col:"lamp_id,key"`
	// Watts that it takes; null if nobody measured it.
	Watts *int64 `col:"watts"`
}

// Lamps is the category "lamps". Every run names all lamps of its account and
// region: one that is not named any more is gone.
var Lamps = schema.Of[Lamp](schema.Spec{Name: "lamps", Mode: schema.Snapshot})

// publish makes one run of the lamps of an account and region. A real collector
// is a variable of its own, and its Collect pages through an API.
func publish(ctx context.Context, cfg aws.Config, stream, account string, lamps []Lamp) error {
	publisher, err := kinesispub.New(kinesispub.Config{Client: kinesis.NewFromConfig(cfg), Stream: stream})
	if err != nil {
		return err
	}
	runner, err := collect.New(collect.Config{
		Account: account, Regions: []string{cfg.Region}, AWS: func(string) aws.Config { return cfg },
		Publisher: publisher, // and Archive, to keep the rows as Parquet
		Collectors: []collect.Any{collect.Collector[Lamp]{
			Category: Lamps, Reach: collect.PerRegion, Every: time.Hour,
			Calls: []string{"lamps:ListLamps"},
			Collect: func(_ context.Context, _ *collect.Env, emit func(Lamp) error) error {
				for _, lamp := range lamps {
					if err := emit(lamp); err != nil {
						return err
					}
				}
				return nil
			},
		}},
	})
	if err != nil {
		return err
	}
	_, err = runner.Once(ctx)
	return err
}

// consume applies the stream to the loader's database until ctx is done.
func consume(ctx context.Context, cfg aws.Config, stream string, loader *load.Loader, applied func(load.Result)) error {
	pipeline, err := ingest.New(loader, ingest.Config{StreamID: stream, OnApply: applied})
	if err != nil {
		return err
	}
	worker, err := kcl.New(kcl.Config{LeaseTable: "lamps", Stream: stream,
		Kinesis: kinesis.NewFromConfig(cfg), DynamoDB: dynamodb.NewFromConfig(cfg)}, pipeline)
	if err != nil {
		return err
	}
	return pipeline.Drive(ctx, worker.Run)
}
