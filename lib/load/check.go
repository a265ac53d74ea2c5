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
	// Category of the table.
	Category string
	// Column, "" where the table itself is missing or its key is wrong.
	Column string
	// Index that is missing or not valid, by name.
	Index string
	// Problem in words.
	Problem string
	// Statement that mends it, or several with semicolons between them; "" where none
	// can. It can be executed on a table with rows, and makes the next run fill what it
	// cannot know.
	Statement string
	// Additive is whether [Ensure] executes the statement: it adds what is missing and
	// changes no value that is stored.
	Additive bool
	// OldKeys is set where rows have keys of an earlier version, which [Rekey] mends.
	OldKeys bool
	// Minor faults keep no row from being written: an index, a check or a setting of the
	// table is missing. They are looked for where the columns are right.
	Minor bool
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

// Database runs queries and begins transactions: a pool or a connection of pgx.
type Database interface {
	Querier
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Check compares tables with the database: name, type and nullability of every
// column, the primary key, whether the keys of the rows are those of this version
// (see [Rekey]), and indexes, checks and settings. It returns the faults in the order
// of the tables.
func Check(ctx context.Context, db Querier, tables ...*schema.Table) ([]Fault, error) {
	var faults []Fault
	for _, t := range tables {
		found, err := checkWhole(ctx, db, t)
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
	// Default that is declared; "" if there is none, or the column was found.
	Default string `db:"-"`
}

// declaredColumns returns the columns that a category's table must have.
func declaredColumns(t *schema.Table) []tableColumn {
	var columns []tableColumn
	for _, c := range schema.SystemColumns {
		columns = append(columns, tableColumn{Name: c.Name, Type: c.PostgresType, NotNull: !c.Nullable, Default: c.Default})
	}
	for _, c := range t.Columns() {
		columns = append(columns, tableColumn{Name: c.Name, Type: c.Kind.PostgresType(), NotNull: !c.Nullable})
	}
	return columns
}

func (c tableColumn) ddl() string {
	ddl := c.Name + " " + c.Type
	if c.NotNull {
		ddl += " NOT NULL"
	}
	if c.Default != "" {
		ddl += " DEFAULT " + c.Default
	}
	return ddl
}

// emptyValue is what a column that must not be null has until the next run fills it.
var emptyValue = map[schema.Kind]string{
	schema.KindText: "''", schema.KindBool: "false",
	schema.KindInt64: "0", schema.KindFloat64: "0", schema.KindDecimal: "0",
	schema.KindTimestamp: "'1970-01-01 00:00:00+00'", schema.KindDate: "'1970-01-01'",
}

// unknownHashSQL is unknownHash.
const unknownHashSQL = "'00000000-0000-0000-0000-000000000000'"

// forgetHashes returns the statement that makes the next run write all live rows of a
// table, whatever it had sent before: they have not the content that their hashes are of.
func forgetHashes(t *schema.Table) string {
	return fmt.Sprintf("UPDATE %s SET row_hash = %s WHERE deleted_at IS NULL AND row_hash <> %[2]s",
		tableName(t), unknownHashSQL)
}

// firstSeenAt is the column that is set when a row is inserted, and stays.
const firstSeenAt = "first_seen_at"

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
		return missingTable(ctx, db, t)
	}
	rows, err = db.Query(ctx, primaryKeySQL, tableName(t))
	if err != nil {
		return nil, err
	}
	key, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	faults := compareColumns(t, found, tablePast{})
	if len(faults) > 0 {
		past, err := tablePastOf(ctx, db, t)
		if err != nil {
			return nil, err
		}
		faults = compareColumns(t, found, past)
	}
	old, err := hasOldKeys(ctx, db, t)
	if err != nil {
		return nil, err
	}
	if old {
		faults = append(faults, Fault{Category: t.Name(), Problem: "has row keys of an earlier version", OldKeys: true})
	}
	if !slices.Equal(key, []string{"row_key"}) {
		faults = append(faults, Fault{
			Category: t.Name(), Problem: fmt.Sprintf("has the primary key (%s), not (row_key)", strings.Join(key, ", ")),
			Statement: "ALTER TABLE " + tableName(t) + " ADD PRIMARY KEY (row_key)",
		})
	}
	return faults, nil
}

// missingTable returns the fault of a table that does not exist.
func missingTable(ctx context.Context, db Querier, t *schema.Table) ([]Fault, error) {
	statement := DDL(t)
	hasSchema, err := queryOne[bool](ctx, db, "SELECT to_regnamespace('obs') IS NOT NULL")
	if err != nil {
		return nil, err
	}
	if !hasSchema {
		statement = SchemaDDL + ";\n" + statement
	}
	return []Fault{{Category: t.Name(), Problem: "is missing", Statement: statement, Additive: true}}, nil
}

// tablePast is what a table has gone through.
type tablePast struct {
	// rows is whether it has any.
	rows bool
	// dropped is whether it ever lost a column: then one that is added may be that one,
	// and the hashes of rows may be of values that are gone. One that never was there
	// is missing in all hashes, so that the first value changes them.
	dropped bool
}

func tablePastOf(ctx context.Context, db Querier, t *schema.Table) (p tablePast, err error) {
	if p.rows, err = queryOne[bool](ctx, db, "SELECT EXISTS (SELECT FROM "+tableName(t)+")"); err != nil {
		return p, err
	}
	p.dropped, err = queryOne[bool](ctx, db,
		"SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attisdropped)", tableName(t))
	return p, err
}

func compareColumns(t *schema.Table, found []tableColumn, past tablePast) []Fault {
	var faults []Fault
	fault := func(column, problem string, statements ...string) {
		faults = append(faults, Fault{
			Category: t.Name(), Column: column, Problem: problem, Statement: strings.Join(statements, ";\n"),
		})
	}
	alter := "ALTER TABLE " + tableName(t) + " "
	declared := map[string]bool{}
	for _, want := range declaredColumns(t) {
		declared[want.Name] = true
		i := slices.IndexFunc(found, func(c tableColumn) bool { return c.Name == want.Name })
		if i < 0 {
			faults = append(faults, missingColumn(t, want, past))
			continue
		}
		have := found[i]
		if have.Type != want.Type {
			statements := []string{fmt.Sprintf("%sALTER COLUMN %s TYPE %s USING %[2]s::%[3]s", alter, want.Name, want.Type)}
			if past.rows {
				statements = append(statements, forgetHashes(t))
			}
			fault(want.Name, fmt.Sprintf("is %s, not %s", have.Type, want.Type), statements...)
		}
		switch {
		case have.NotNull && !want.NotNull:
			fault(want.Name, "is NOT NULL, but the category allows null", alter+"ALTER COLUMN "+want.Name+" DROP NOT NULL")
		case !have.NotNull && want.NotNull:
			var statements []string
			if empty, ok := want.fill(t); ok && past.rows {
				statements = append(statements, fmt.Sprintf("UPDATE %s SET %s = %s, row_hash = %s WHERE %[2]s IS NULL",
					tableName(t), want.Name, empty, unknownHashSQL))
			}
			statements = append(statements, alter+"ALTER COLUMN "+want.Name+" SET NOT NULL")
			fault(want.Name, "allows null, but the category does not", statements...)
		}
	}
	for _, have := range found {
		if !declared[have.Name] && have.NotNull && !have.HasDefault {
			fault(have.Name, "is not declared, is NOT NULL and has no default", alter+"ALTER COLUMN "+have.Name+" DROP NOT NULL")
		}
	}
	return faults
}

// missingColumn returns the fault of a column that the table does not have.
func missingColumn(t *schema.Table, want tableColumn, past tablePast) Fault {
	add := "ALTER TABLE " + tableName(t) + " ADD COLUMN " + want.ddl()
	f := Fault{Category: t.Name(), Column: want.Name, Problem: "is missing", Statement: add, Additive: true}
	empty, filled := want.fill(t)
	switch {
	case !past.rows:
	case want.Name == "deleted_at":
		// Rows that were gone come back; that their scopes' live rows are not known makes
		// the next runs look at them.
		f.Statement += fmt.Sprintf(";\nUPDATE hub.scope SET live_rows = -1 WHERE category = '%s'", t.Name())
	case want.Name == firstSeenAt:
		f.Statement += fmt.Sprintf(";\nUPDATE %s SET %s = collected_at", tableName(t), firstSeenAt)
	case want.NotNull && !filled:
		f.Problem = "is missing, and tells its rows apart: restore it from a backup, " +
			"or TRUNCATE the table, run hub migrate, and let the next runs fill it"
		f.Statement, f.Additive = "", false
	case want.NotNull:
		f.Statement += fmt.Sprintf(" DEFAULT %s;\nALTER TABLE %s ALTER COLUMN %s DROP DEFAULT;\n%s",
			empty, tableName(t), want.Name, forgetHashes(t))
	case past.dropped:
		f.Statement += ";\n" + forgetHashes(t)
	}
	return f
}

// fill returns the value that the column of existing rows gets until the next run
// writes them, and false for columns that runs do not write again: keys.
func (c tableColumn) fill(t *schema.Table) (value string, ok bool) {
	switch c.Name {
	case "row_hash":
		return unknownHashSQL, true
	case firstSeenAt:
		return "collected_at", true
	}
	i, own := t.Index(c.Name)
	if !own || t.Columns()[i].Key {
		return "", false
	}
	return emptyValue[t.Columns()[i].Kind], true
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

// trouble are the categories that were parked last. They are applied alone, so that their
// trouble does not make all others of a batch start again. It is safe for concurrent use.
type trouble struct {
	mu         sync.Mutex
	categories map[string]bool
}

func (t *trouble) begin(c *category) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.categories == nil {
		t.categories = map[string]bool{}
	}
	t.categories[c.table.Name()] = true
}

func (t *trouble) over(c *category) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.categories, c.table.Name())
}

// separate divides categories into those without trouble and those with.
func (t *trouble) separate(categories []*category) (without, with []*category) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range categories {
		if t.categories[c.table.Name()] {
			with = append(with, c)
		} else {
			without = append(without, c)
		}
	}
	return without, with
}

// Misfits groups the faults that keep rows from being written by category into errors.
func Misfits(faults []Fault) map[string]*MisfitError {
	misfits := map[string]*MisfitError{}
	for _, f := range faults {
		if f.Minor {
			continue
		}
		if misfits[f.Category] == nil {
			misfits[f.Category] = &MisfitError{Category: f.Category}
		}
		misfits[f.Category].Faults = append(misfits[f.Category].Faults, f)
	}
	return misfits
}
