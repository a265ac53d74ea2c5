package load

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/schema"
)

// SchemaDDL are the statements that create the schema of the tables of categories.
const SchemaDDL = `CREATE SCHEMA IF NOT EXISTS obs;
COMMENT ON SCHEMA obs IS 'One table per observed category. People read the views in schema public instead.'`

// DDL returns the statements that create the table of a category and its indexes, in
// schema obs (see [SchemaDDL]): what [Ensure] makes.
func DDL(t *schema.Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (\n", tableName(t))
	for _, c := range declaredColumns(t) {
		b.WriteString("    " + c.ddl())
		if check := finite(t, c.Name); check != "" {
			b.WriteString(" " + check)
		}
		b.WriteString(",\n")
	}
	b.WriteString("    PRIMARY KEY (row_key)\n)")
	if moves(t) {
		options := make([]string, len(storage))
		for i, s := range storage {
			options[i] = "    " + s.ddl()
		}
		b.WriteString(" WITH (\n" + strings.Join(options, ",\n") + "\n)")
	}
	for _, index := range indexes(t) {
		b.WriteString(";\n" + indexDDL(t, index))
	}
	return b.String()
}

// finite returns the check that keeps NaN, and an infinity that the type has, out of a
// column of numbers; one of them in a column makes every sum useless. "" for other columns.
func finite(t *schema.Table, column string) string {
	i, own := t.Index(column)
	if !own {
		return ""
	}
	switch t.Columns()[i].Kind {
	case schema.KindDecimal:
		return "CHECK (" + column + " <> 'NaN')"
	case schema.KindFloat64:
		return "CHECK (" + column + " NOT IN ('NaN', 'Infinity', '-Infinity'))"
	}
	return ""
}

// moves reports whether rows of the table are written again and again: those of events
// with every run that names them, those that are read incrementally since they change
// often, those of slices as long as the source restates them.
func moves(t *schema.Table) bool {
	return t.Mode() == schema.Event || t.Incremental() || t.SliceColumn() >= 0
}

// setting is a storage parameter of a table (PostgreSQL, CREATE TABLE).
type setting struct{ name, value string }

func (s setting) ddl() string { return s.name + " = " + s.value }

// storage are the settings of tables that move: room on the same page for the next
// version of a row, and a vacuum before too many are dead.
var storage = []setting{
	{"fillfactor", "90"},
	{"autovacuum_vacuum_scale_factor", "0.05"},
	{"autovacuum_analyze_scale_factor", "0.02"},
}

// indexes returns the index that every table has, and those that are declared.
func indexes(t *schema.Table) []schema.Index {
	return append([]schema.Index{{Name: "account", Columns: []string{"account_id", "region"}}}, t.Indexes()...)
}

func indexName(t *schema.Table, index schema.Index) string { return t.Name() + "_" + index.Name }

func indexDDL(t *schema.Table, index schema.Index) string {
	ddl := fmt.Sprintf("CREATE INDEX %s ON %s (%s)", indexName(t, index), tableName(t), strings.Join(index.Columns, ", "))
	if index.Where != "" {
		ddl += "\n    WHERE " + index.Where
	}
	return ddl
}

// checkWhole returns the faults of a table, also those that keep no row from being written.
func checkWhole(ctx context.Context, db Querier, t *schema.Table) ([]Fault, error) {
	faults, err := checkTable(ctx, db, t)
	// What a table lacks besides columns is looked for together with these. A table that is
	// missing is made with everything, and what has another type may take no check.
	if err != nil || slices.ContainsFunc(faults,
		func(f Fault) bool { return !f.OldKeys && (!f.Additive || f.Column == "") }) {
		return faults, err
	}
	for _, check := range []func(context.Context, Querier, *schema.Table) ([]Fault, error){
		checkNumbers, checkStorage, checkIndexes,
	} {
		minor, err := check(ctx, db, t)
		if err != nil {
			return nil, err
		}
		for _, f := range minor {
			f.Category, f.Additive, f.Minor = t.Name(), true, true
			faults = append(faults, f)
		}
	}
	return faults, nil
}

const checkedColumnsSQL = `
SELECT a.attname
FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
WHERE k.conrelid = to_regclass($1) AND k.contype = 'c'`

// checkNumbers looks for columns of numbers that no check is on. One that is added is not
// checked against the rows that exist, which would lock the table as long as it takes.
func checkNumbers(ctx context.Context, db Querier, t *schema.Table) (faults []Fault, err error) {
	checked, err := queryAll[string](ctx, db, checkedColumnsSQL, tableName(t))
	if err != nil {
		return nil, err
	}
	for _, c := range t.Columns() {
		if check := finite(t, c.Name); check != "" && !slices.Contains(checked, c.Name) {
			faults = append(faults, Fault{
				Column: c.Name, Problem: "may be NaN",
				Statement: "ALTER TABLE " + tableName(t) + " ADD " + check + " NOT VALID",
			})
		}
	}
	return faults, nil
}

const storageSQL = `
SELECT split_part(o, '=', 1) FROM pg_class, unnest(reloptions) AS o WHERE oid = to_regclass($1)`

// checkStorage looks for settings that are not made. One with another value is somebody's
// decision.
func checkStorage(ctx context.Context, db Querier, t *schema.Table) ([]Fault, error) {
	if !moves(t) {
		return nil, nil
	}
	found, err := queryAll[string](ctx, db, storageSQL, tableName(t))
	if err != nil {
		return nil, err
	}
	var missing, names []string
	for _, s := range storage {
		if !slices.Contains(found, s.name) {
			missing, names = append(missing, s.ddl()), append(names, s.name)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	return []Fault{{
		Problem:   "has no setting of " + strings.Join(names, ", "),
		Statement: "ALTER TABLE " + tableName(t) + " SET (" + strings.Join(missing, ", ") + ")",
	}}, nil
}

const indexesSQL = `
SELECT c.relname, i.indisvalid
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = to_regclass($1)`

// checkIndexes looks for indexes by name.
func checkIndexes(ctx context.Context, db Querier, t *schema.Table) (faults []Fault, err error) {
	rows, err := db.Query(ctx, indexesSQL, tableName(t))
	if err != nil {
		return nil, err
	}
	valid := map[string]bool{}
	var name string
	var ok bool
	if _, err := pgx.ForEachRow(rows, []any{&name, &ok}, func() error { valid[name] = ok; return nil }); err != nil {
		return nil, err
	}
	for _, index := range indexes(t) {
		name := indexName(t, index)
		switch ok, found := valid[name]; {
		case !found:
			faults = append(faults, Fault{Index: name, Problem: "has no index " + name, Statement: indexDDL(t, index)})
		case !ok:
			faults = append(faults, Fault{
				Index: name, Problem: "has the index " + name + ", which is not valid",
				Statement: "REINDEX INDEX obs." + name,
			})
		}
	}
	return faults, nil
}

func queryAll[T any](ctx context.Context, db Querier, sql string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}
