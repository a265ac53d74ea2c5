package replay_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/replay"
	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// Applies one account's runs of August 2026.
func Example() {
	ctx := context.Background()
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	bucket, err := archive.New(archive.Config{Client: awsconfig.S3(aws), Name: "hub-archive"})
	if err != nil {
		log.Fatal(err)
	}
	database, err := load.PoolConfig("postgres://hub@db.example.com/observability")
	if err != nil {
		log.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, database)
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	from, _ := schema.ParseDate("2026-08-01")
	to, _ := schema.ParseDate("2026-08-31")
	loader, err := load.New(pool, load.Config{Tables: []*schema.Table{things.Table}})
	if err != nil {
		log.Fatal(err)
	}
	summary, err := replay.Run(ctx, replay.Config{
		Bucket: bucket,
		Loader: loader,
		Filter: archive.Filter{Accounts: []string{"111122223333"}, From: from, To: to},
	})
	if err != nil {
		log.Fatal(err) // run it again: it goes on from there
	}
	fmt.Println(summary.Rows, "rows applied; everything:", summary.Complete())
}
