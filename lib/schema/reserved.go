package schema

import "slices"

// reserved are the words that PostgreSQL takes for a column or a table only in
// double quotes, which everybody who writes a query would have to know: those that
// appendix C of its manual calls reserved, in any of the versions 15 to 17. Sorted.
var reserved = []string{
	"all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization",
	"binary", "both", "case", "cast", "check", "collate", "collation", "column", "concurrently",
	"constraint", "create", "cross", "current_catalog", "current_date", "current_role",
	"current_schema", "current_time", "current_timestamp", "current_user", "default", "deferrable",
	"desc", "distinct", "do", "else", "end", "except", "false", "fetch", "for", "foreign", "freeze",
	"from", "full", "grant", "group", "having", "ilike", "in", "initially", "inner", "intersect",
	"into", "is", "isnull", "join", "lateral", "leading", "left", "like", "limit", "localtime",
	"localtimestamp", "natural", "not", "notnull", "null", "offset", "on", "only", "or", "order",
	"outer", "overlaps", "placing", "primary", "references", "returning", "right", "select",
	"session_user", "similar", "some", "symmetric", "system_user", "table", "tablesample", "then",
	"to", "trailing", "true", "union", "unique", "user", "using", "variadic", "verbose", "when",
	"where", "window", "with",
}

// pgColumns are the columns that PostgreSQL gives every table (chapter 5.5, System
// Columns). No other column can have their names, not even in quotes.
var pgColumns = []string{"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"}

func isReserved(name string) bool {
	_, found := slices.BinarySearch(reserved, name)
	return found
}
