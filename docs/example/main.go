package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream/kcl"
)

const (
	account = "111122223333"
	region  = "eu-central-1"
	stream  = "events"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Println(err)
		os.Exit(1)
	}
}

// run publishes two lamps, applies the stream and prints what the database has.
func run(ctx context.Context) error {
	fake, err := awsfake.New(awsfake.Config{})
	if err != nil {
		return err
	}
	defer fake.Close()
	cfg := fake.AWSConfig(account, region)
	if err := createStream(ctx, cfg); err != nil {
		return err
	}
	postgres, err := pgserver.Start(ctx, pgserver.Config{})
	if err != nil {
		return err
	}
	defer postgres.Stop()
	pool, err := connect(ctx, postgres.URL())
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := migrate(ctx, pool); err != nil {
		return err
	}

	if err := publish(ctx, cfg, stream, account, []Lamp{{ID: "hall", Watts: aws.Int64(60)}, {ID: "cellar"}}); err != nil {
		return err
	}
	consuming, stop := context.WithCancel(ctx)
	defer stop()
	loader, err := load.New(pool, load.Config{Tables: []*schema.Table{Lamps.Table}})
	if err != nil {
		return err
	}
	err = consume(consuming, cfg, stream, loader, func(r load.Result) {
		if r.Categories["lamps"].Completed > 0 {
			stop()
		}
	})
	if err != nil {
		return err
	}
	lamps, err := read(ctx, pool)
	for _, lamp := range lamps {
		fmt.Println(lamp)
	}
	return err
}

// createStream makes what a template makes in AWS: the stream and the lease table.
func createStream(ctx context.Context, cfg aws.Config) error {
	_, err := kinesis.NewFromConfig(cfg).CreateStream(ctx,
		&kinesis.CreateStreamInput{StreamName: aws.String(stream), ShardCount: aws.Int32(1)})
	if err != nil {
		return err
	}
	return kcl.CreateLeaseTable(ctx, dynamodb.NewFromConfig(cfg), "lamps")
}

// migrate makes the loader's own tables and the table of the category.
func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := load.NewMigrator(pool).Up(ctx); err != nil {
		return err
	}
	_, _, err := load.Ensure(ctx, pool, Lamps.Table)
	return err
}

// connect opens a pool that suits a loader.
func connect(ctx context.Context, databaseURL string) (*pgxpool.Pool, error) {
	cfg, err := load.PoolConfig(databaseURL)
	if err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

// read returns a line for every lamp that is there.
func read(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	rows, err := pool.Query(ctx, `
		SELECT format('%s in %s: lamp %s takes %s W', account_id, region, lamp_id, coalesce(watts::text, '?'))
		FROM obs.lamps WHERE deleted_at IS NULL ORDER BY lamp_id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
