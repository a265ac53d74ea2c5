package load

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/schema"
)

// Fault is one way in which a category's table is not as declared.
type Fault struct {
	// Category whose table it is.
	Category string
	// Column, "" where the table itself is missing or its key is wrong.
	Column string
	// Problem in words.
	Problem string
	// Statement that mends it; "" where no single statement can.
	Statement string
}

// String returns the problem and the statement that mends it.
func (f Fault) String() string {
	text := "obs." + f.Category
	if f.Column != "" {
		text += "." + f.Column
	}
	text += " " + f.Problem
	if f.Statement != "" {
		text += "; run: " + f.Statement
	}
	return text
}

// Querier runs a query: a pool, a connection or a transaction of pgx.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Check compares tables with the database: name, type and nullability of every
// column, and the primary key. It returns the faults in the order of the tables.
func Check(ctx context.Context, db Querier, tables ...*schema.Table) ([]Fault, error) {
	var faults []Fault
	for _, t := range tables {
		found, err := checkTable(ctx, db, t)
		if err != nil {
			return nil, fmt.Errorf("load: check table obs.%s: %w", t.Name(), err)
		}
		faults = append(faults, found...)
	}
	return faults, nil
}

// tableColumn is a column of a table, declared or found.
type tableColumn struct {
	Name, Type          string
	NotNull, HasDefault bool
}

// declaredColumns returns the columns that a category's table must have.
func declaredColumns(t *schema.Table) []tableColumn {
	columns := []tableColumn{
		{Name: "row_key", Type: "uuid", NotNull: true},
		{Name: "row_hash", Type: "uuid", NotNull: true},
		{Name: "account_id", Type: "text", NotNull: true},
		{Name: "region", Type: "text", NotNull: true},
		{Name: "run_id", Type: "uuid", NotNull: true},
		{Name: "collected_at", Type: "timestamp with time zone", NotNull: true},
		{Name: "deleted_at", Type: "timestamp with time zone"},
	}
	for _, c := range t.Columns() {
		columns = append(columns, tableColumn{Name: c.Name, Type: c.Kind.PostgresType(), NotNull: !c.Nullable})
	}
	return columns
}

func (c tableColumn) ddl() string {
	if c.NotNull {
		return c.Name + " " + c.Type + " NOT NULL"
	}
	return c.Name + " " + c.Type
}

// DDL returns the statement that creates the table of a category, in schema obs.
func DDL(t *schema.Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE obs.%s (\n", t.Name())
	for _, c := range declaredColumns(t) {
		b.WriteString("    " + c.ddl() + ",\n")
	}
	b.WriteString("    PRIMARY KEY (row_key)\n)")
	return b.String()
}

const columnsSQL = `
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef OR a.attidentity <> ''
FROM pg_attribute a
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`

const primaryKeySQL = `
SELECT a.attname
FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = to_regclass($1) AND i.indisprimary`

func checkTable(ctx context.Context, db Querier, t *schema.Table) ([]Fault, error) {
	rows, err := db.Query(ctx, columnsSQL, tableName(t))
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[tableColumn])
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return []Fault{{Category: t.Name(), Problem: "is missing", Statement: DDL(t)}}, nil
	}
	rows, err = db.Query(ctx, primaryKeySQL, tableName(t))
	if err != nil {
		return nil, err
	}
	key, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	faults := compareColumns(t, found)
	if !slices.Equal(key, []string{"row_key"}) {
		faults = append(faults, Fault{
			Category: t.Name(), Problem: fmt.Sprintf("has the primary key (%s), not (row_key)", strings.Join(key, ", ")),
			Statement: "ALTER TABLE " + tableName(t) + " ADD PRIMARY KEY (row_key)",
		})
	}
	return faults, nil
}

func compareColumns(t *schema.Table, found []tableColumn) []Fault {
	var faults []Fault
	fault := func(column, statement, format string, args ...any) {
		faults = append(faults, Fault{t.Name(), column, fmt.Sprintf(format, args...), statement})
	}
	alter := "ALTER TABLE " + tableName(t) + " "
	declared := map[string]bool{}
	for _, want := range declaredColumns(t) {
		declared[want.Name] = true
		i := slices.IndexFunc(found, func(c tableColumn) bool { return c.Name == want.Name })
		if i < 0 {
			fault(want.Name, alter+"ADD COLUMN "+want.ddl(), "is missing")
			continue
		}
		have := found[i]
		if have.Type != want.Type {
			fault(want.Name, alter+"ALTER COLUMN "+want.Name+" TYPE "+want.Type, "is %s, not %s", have.Type, want.Type)
		}
		switch {
		case have.NotNull && !want.NotNull:
			fault(want.Name, alter+"ALTER COLUMN "+want.Name+" DROP NOT NULL", "is NOT NULL, but the category allows null")
		case !have.NotNull && want.NotNull:
			fault(want.Name, alter+"ALTER COLUMN "+want.Name+" SET NOT NULL", "allows null, but the category does not")
		}
	}
	for _, have := range found {
		if !declared[have.Name] && have.NotNull && !have.HasDefault {
			fault(have.Name, alter+"ALTER COLUMN "+have.Name+" DROP NOT NULL", "is not declared, is NOT NULL and has no default")
		}
	}
	return faults
}

// checkCache remembers how the attributes of a table looked when they were last
// found right, so that a change under a running loader is noticed at once.
type checkCache struct {
	mu   sync.Mutex
	good map[string]string
}

// verify checks the table again if its attributes are not those that were right.
func (c *checkCache) verify(ctx context.Context, db Querier, t *schema.Table, attributes string) error {
	c.mu.Lock()
	good := c.good[t.Name()]
	c.mu.Unlock()
	if good == attributes && good != "" {
		return nil
	}
	faults, err := checkTable(ctx, db, t)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return &MisfitError{t.Name(), faults}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.good == nil {
		c.good = map[string]string{}
	}
	c.good[t.Name()] = attributes
	return nil
}

func (c *checkCache) forget(category string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.good, category)
}

// Misfits groups faults by category into errors.
func Misfits(faults []Fault) map[string]*MisfitError {
	misfits := map[string]*MisfitError{}
	for _, f := range faults {
		if misfits[f.Category] == nil {
			misfits[f.Category] = &MisfitError{Category: f.Category}
		}
		misfits[f.Category].Faults = append(misfits[f.Category].Faults, f)
	}
	return misfits
}
