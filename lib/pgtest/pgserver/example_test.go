package pgserver_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/pgtest/pgserver"
)

func Example() {
	ctx := context.Background()
	server, err := pgserver.Start(ctx, pgserver.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop()

	conn, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close(ctx)
	var answer int
	if err := conn.QueryRow(ctx, "SELECT 6 * 7").Scan(&answer); err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
	// Output: 42
}
