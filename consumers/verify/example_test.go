package verify_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/schemas"
	"github.com/hubspoke/observability/sql"
)

func Example() {
	ctx := context.Background()
	server, err := pgserver.Start(ctx, pgserver.Config{}) // any database that `hub migrate` made
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = server.Stop() }()
	pool, err := migrated(ctx, server.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	report, err := verify.Check(ctx, pool, schemas.All(), 10)
	if err != nil {
		log.Fatal(err)
	}
	if report.Summaries, err = verify.Summaries(ctx, pool, 10); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d differences, %d gaps\n", report.Differences(), report.Gaps)

	status, err := verify.ReadStatus(ctx, pool, schemas.All(), 24*time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range status.Categories {
		if c.Category == schemas.Certificates.Name() {
			fmt.Printf("%s: %d live rows, %d runs\n", c.Category, c.Live, c.Runs)
		}
	}
	// Output:
	// 0 differences, 0 gaps
	// certificates: 0 live rows, 0 runs
}

// migrated makes what `hub migrate` makes, and returns a pool of connections.
func migrated(ctx context.Context, url string) (*pgxpool.Pool, error) {
	config, err := load.PoolConfig(url)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if _, err := load.NewMigrator(pool).Up(ctx); err != nil {
		return nil, err
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	if _, _, err := load.Ensure(ctx, conn.Conn(), schemas.All()...); err != nil {
		return nil, err
	}
	_, err = refresh.Install(ctx, conn.Conn(), sql.Views())
	return pool, err
}
