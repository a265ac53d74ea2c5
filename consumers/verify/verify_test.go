package verify

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestReadingTakesAsLongAsItTakes: the pool of the loader has limits.
func TestReadingTakesAsLongAsItTakes(t *testing.T) {
	config, err := load.PoolConfig(pgtest.New(t,
		pgtest.Template{Name: "verify", Migrate: func(context.Context, *pgxpool.Pool) error { return nil }}).URL)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for name, want := range map[string]string{
		"statement_timeout": "0", "idle_in_transaction_session_timeout": "0",
		"transaction_isolation": "repeatable read", "transaction_read_only": "on",
	} {
		var value string
		err := atOneMoment(t.Context(), pool, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value)
		})
		if err != nil || value != want {
			t.Errorf("%s is %s, %v", name, value, err)
		}
	}
}
