package refresh_test

import (
	"context"
	"fmt"
	"io/fs"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/refresh"
)

// program installs the package of views, which it embeds, and then keeps the
// materialized ones up to date until it is stopped.
func program(ctx context.Context, pool *pgxpool.Pool, views fs.FS) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	_, err = refresh.Install(ctx, conn.Conn(), views)
	conn.Release()
	if err != nil {
		return err
	}
	refresher, err := refresh.New(pool, refresh.Config{
		OnRefresh: func(r refresh.Result) { fmt.Println(len(r.Views), "views after", r.Marks, "changes") },
	})
	if err != nil {
		return err
	}
	return refresher.Run(ctx)
}

func Example() {
	_ = program
}

func TestExample(t *testing.T) {
	db := newDatabase(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- program(ctx, db.Pool, views()) }()
	db.waitFor("count(*) = 3 FROM hub.view_refresh")
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
