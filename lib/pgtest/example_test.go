package pgtest_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/pgtest"
)

// inventory is the template of all tests of a package.
var inventory = pgtest.Template{
	Name: "inventory",
	Migrate: func(ctx context.Context, pool *pgxpool.Pool) error {
		_, err := pool.Exec(ctx, "CREATE TABLE item (name text PRIMARY KEY)")
		return err
	},
}

func ExampleNew() {
	// A func Test... of your package.
	test := func(t *testing.T) {
		db := pgtest.New(t, inventory)
		if _, err := db.Pool.Exec(t.Context(), "INSERT INTO item VALUES ('lamp')"); err != nil {
			t.Fatal(err)
		}
	}
	_ = test
}

func TestExample(t *testing.T) {
	db := pgtest.New(t, inventory)
	if _, err := db.Pool.Exec(t.Context(), "INSERT INTO item VALUES ('lamp')"); err != nil {
		t.Fatal(err)
	}
}
