package schema_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
)

// compileColumn compiles a struct with one column of that name.
func compileColumn(name string) error {
	field := reflect.StructField{Name: "A", Type: reflect.TypeFor[string](),
		Tag: reflect.StructTag(fmt.Sprintf("col:\"%s,key\"", name))}
	_, err := schema.Compile(reflect.StructOf([]reflect.StructField{field}),
		schema.Spec{Name: "things", Mode: schema.Event})
	return err
}

// A name compiles if PostgreSQL takes it for a column as it is: of all its key words
// and of its own columns, those and no others.
func TestNamesThatPostgreSQLRefuses(t *testing.T) {
	db := pgtest.Empty(t)
	names := func(query string) []string {
		rows, err := db.Pool.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	refused := 0
	for _, name := range append(names("SELECT word FROM pg_get_keywords()"),
		names("SELECT attname::text FROM pg_attribute WHERE attrelid = 'pg_class'::regclass AND attnum < 0")...) {
		_, err := db.Pool.Exec(t.Context(), "CREATE TABLE things ("+name+" text)")
		if err == nil {
			if _, err := db.Pool.Exec(t.Context(), "DROP TABLE things"); err != nil {
				t.Fatal(err)
			}
		} else {
			refused++
		}
		if compiled := compileColumn(name); (compiled == nil) != (err == nil) &&
			name != "system_user" { // free before PostgreSQL 16
			t.Errorf("column %s: PostgreSQL says %v, Compile %v", name, err, compiled)
		}
	}
	if refused < 90 {
		t.Errorf("PostgreSQL refused %d names", refused)
	}
	if compileColumn("system_user") == nil {
		t.Error("system_user compiles, which PostgreSQL 16 reserves")
	}
}
