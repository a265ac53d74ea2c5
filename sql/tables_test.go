package sql_test

import (
	"testing"

	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/schemas"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestTablesAreAsDeclared(t *testing.T) {
	db := pgtest.New(t, hubtest.Tables)
	faults, err := load.Check(t.Context(), db.Pool, schemas.All()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
}

func TestCostsCannotBeNaN(t *testing.T) {
	db := pgtest.New(t, hubtest.Tables)
	for _, column := range []string{"unblended_cost", "net_unblended_cost", "amortized_cost", "net_amortized_cost",
		"blended_cost", "usage_quantity", "normalized_usage"} {
		for _, value := range []string{"NaN", "Infinity", "-Infinity"} {
			values := map[string]string{"unblended_cost": "1"}
			values[column] = value
			if err := insert(t, db, "service_costs", values); err == nil {
				t.Errorf("%s accepts %s", column, value)
			}
		}
	}
	if err := insert(t, db, "service_costs", map[string]string{"unblended_cost": "1"}); err != nil {
		t.Error("null in the other columns is refused:", err)
	}
}

// TestEveryNumberIsGuarded: one NaN makes every sum NaN.
func TestEveryNumberIsGuarded(t *testing.T) {
	db := pgtest.New(t, hubtest.Tables)
	var unguarded []string
	err := db.Pool.QueryRow(t.Context(), `
		SELECT array_agg(a.attrelid::regclass || '.' || a.attname)
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = 'obs'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
		  AND a.atttypid IN ('numeric'::regtype, 'float8'::regtype)
		  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND a.attnum = ANY(k.conkey))`).Scan(&unguarded)
	if err != nil {
		t.Fatal(err)
	}
	if len(unguarded) > 0 {
		t.Errorf("no CHECK refuses NaN in %q", unguarded)
	}
}
