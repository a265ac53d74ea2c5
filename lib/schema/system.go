package schema

import "slices"

// SystemColumn is a column that every category table has besides its own.
type SystemColumn struct {
	// Name of the column.
	Name string
	// PostgresType of the column, as format_type prints it.
	PostgresType string
	// Nullable columns may be null.
	Nullable bool
	// Default is the SQL expression of rows that others insert; "" if there is none.
	Default string
	// Doc says what the column means, for people.
	Doc string
}

// SystemColumns are the columns that every category table has before its own, in the
// order of the table. They come from the envelope and the loader; a data column named
// like one is an error. Nobody must change the list.
var SystemColumns = []SystemColumn{
	{Name: "row_key", PostgresType: "uuid", Doc: "Primary key: a hash of category, account, region and the key columns."},
	{Name: "row_hash", PostgresType: "uuid",
		Doc: "Hash of the columns of the category that are not in the key; it changes when the row changes."},
	{Name: "account_id", PostgresType: "text", Doc: "Account in which the row was read, 12 digits."},
	{Name: "region", PostgresType: "text", Doc: "Region in which the row was read; global for services without regions."},
	{Name: "run_id", PostgresType: "uuid", Doc: "Run that last changed the row (snapshot) or last named it (event)."},
	{Name: "collected_at", PostgresType: "timestamp with time zone",
		Doc: "Start of the run that last changed the row (snapshot) or last named it (event)."},
	{Name: "first_seen_at", PostgresType: "timestamp with time zone", Default: "now()",
		Doc: "Start of the run that made the row: the first that named it and was applied. It stays when the row " +
			"changes, and when it is gone and comes back. Of rows of before this column: what collected_at was then."},
	{Name: "deleted_at", PostgresType: "timestamp with time zone", Nullable: true,
		Doc: "When a complete run no longer named the row. Null: it is there. Always null in event categories."},
}

func isSystemColumn(name string) bool {
	return slices.ContainsFunc(SystemColumns, func(c SystemColumn) bool { return c.Name == name })
}
