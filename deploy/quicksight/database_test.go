package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/quicksight/types"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/lib/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const columnsSQL = `
SELECT c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod),
       coalesce(col_description(c.oid, a.attnum) ILIKE '%personal data%', false)
FROM hub.installed_view i JOIN pg_class c ON c.oid = i.view_name::regclass
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY($1)
ORDER BY c.relname, a.attnum`

// TestColumns compares columns.txt with the views of a migrated database; with -update it
// writes the file.
func TestColumns(t *testing.T) {
	db := pgtest.New(t, hubtest.Empty)
	d, err := parse(sheetsText)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.Pool.Query(t.Context(), columnsSQL, d.views())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	var name, kind string
	var personal bool
	_, err = pgx.ForEachRow(rows, []any{&name, &kind, &personal}, func() error {
		b.WriteString(name + "\t" + kind)
		if personal {
			b.WriteString("\tpersonal")
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	goldentest.Equal(t, "../columns.txt", b.String())
}

// inputs are the types in QuickSight by those of PostgreSQL.
var inputs = map[uint32]types.InputColumnDataType{
	pgtype.TextOID:      types.InputColumnDataTypeString,
	pgtype.Int4OID:      types.InputColumnDataTypeInteger,
	pgtype.Int8OID:      types.InputColumnDataTypeInteger,
	pgtype.Float8OID:    types.InputColumnDataTypeDecimal,
	pgtype.NumericOID:   types.InputColumnDataTypeDecimal,
	pgtype.DateOID:      types.InputColumnDataTypeDatetime,
	pgtype.TimestampOID: types.InputColumnDataTypeDatetime,
}

// TestQueriesRun runs what QuickSight sends, and compares what comes with what the sets say.
func TestQueriesRun(t *testing.T) {
	db := pgtest.New(t, hubtest.Empty)
	for name, table := range tables(t) {
		t.Run(name, func(t *testing.T) {
			rows, err := db.Pool.Query(t.Context(), "SELECT * FROM ("+table.SqlQuery+") AS query LIMIT 1")
			if err != nil {
				t.Fatal(err)
			}
			rows.Close()
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			var got []inputColumn
			for _, f := range rows.FieldDescriptions() {
				got = append(got, inputColumn{f.Name, inputs[f.DataTypeOID]})
			}
			if !slices.Equal(got, table.Columns) {
				t.Errorf("the query has the columns\n%v\nthe set says\n%v", got, table.Columns)
			}
		})
	}
}

// TestAccessRules compares the rules of row-level security with the grants that they come
// from.
func TestAccessRules(t *testing.T) {
	db := pgtest.New(t, hubtest.Empty)
	if _, err := db.Pool.Exec(t.Context(), `
		INSERT INTO hub.access VALUES ('group:payments', '111122223333'), ('group:payments', '444455556666'),
			('group:auditors', '*'), ('user:jane', '111122223333')`); err != nil {
		t.Fatal(err)
	}
	query := tables(t)["account_access"].SqlQuery
	rows, err := db.Pool.Query(t.Context(), "SELECT q::text FROM ("+query+") AS q ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	const groups = "arn:aws:quicksight:eu-central-1:444455556666:group/default/"
	want := []string{
		"(" + groups + "auditors,)", "(" + groups + "auditors,all)", "(" + groups + "owners,)",
		"(" + groups + "payments,111122223333)", "(" + groups + "payments,444455556666)", "(" + groups + "payments,all)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("rules\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestConditionsNameKnownValues: a condition on a value that a column never has shows
// nothing. The comments of the columns list the values.
func TestConditionsNameKnownValues(t *testing.T) {
	db := pgtest.New(t, hubtest.Empty)
	d, err := parse(sheetsText)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range d.sheets {
		for _, v := range s.visuals {
			for _, cond := range v.conditions {
				if cond.operator != "=" {
					continue
				}
				var comment string
				if err := db.Pool.QueryRow(t.Context(), `SELECT col_description(attrelid, attnum) FROM pg_attribute
					WHERE attrelid = $1::regclass AND attname = $2`, "public."+v.view, cond.column).Scan(&comment); err != nil {
					t.Fatal(err)
				}
				for _, value := range cond.values {
					if !strings.Contains(comment, value) {
						t.Errorf("sheets.txt:%d: %s of %s is never %s: %s", v.line, cond.column, v.view, value, comment)
					}
				}
			}
		}
	}
}
