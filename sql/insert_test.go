package sql_test

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// insert adds one row to the table of a category, as written by hand: values are
// SQL literals without quotes, "NULL" is null. What is not given has some value
// if it must have one.
func insert(t *testing.T, db *pgtest.DB, category string, values map[string]string) error {
	t.Helper()
	_, err := db.Pool.Exec(t.Context(), insertStatement(category, values))
	return err
}

// insertStatement is the statement that insert runs.
func insertStatement(category string, values map[string]string) string {
	row := map[string]string{
		"row_key":      uuid(),
		"row_hash":     uuid(),
		"run_id":       uuid(),
		"account_id":   "111111111111",
		"region":       "eu-central-1",
		"collected_at": "2026-08-01T12:00:00Z",
	}
	i := slices.IndexFunc(schemas.All(), func(t *schema.Table) bool { return t.Name() == category })
	for _, c := range schemas.All()[i].Columns() {
		if !c.Nullable {
			row[c.Name] = someValue[c.Kind]
		}
	}
	maps.Copy(row, values)
	var columns, literals []string
	for _, name := range slices.Sorted(maps.Keys(row)) {
		literal := "NULL"
		if v := row[name]; v != "NULL" {
			literal = "'" + strings.ReplaceAll(v, "'", "''") + "'"
		}
		columns, literals = append(columns, name), append(literals, literal)
	}
	return fmt.Sprintf("INSERT INTO obs.%s (%s) VALUES (%s)", category, strings.Join(columns, ", "),
		strings.Join(literals, ", "))
}

var someValue = map[schema.Kind]string{
	schema.KindText: "some", schema.KindInt64: "1", schema.KindDecimal: "0", schema.KindBool: "false",
	schema.KindDate: "2026-07-01", schema.KindTimestamp: "2026-07-01T00:00:00Z",
}

func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	return fmt.Sprintf("%x", b)
}
