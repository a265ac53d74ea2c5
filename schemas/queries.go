package schemas

import (
	"embed"
	"fmt"
	"strings"
)

// Query is one example query of a category.
type Query struct {
	// Title says what the query answers, on one line.
	Title string
	// SQL is one statement for PostgreSQL, ending with a semicolon.
	SQL string
}

//go:embed queries/*.sql
var queryFiles embed.FS

// Queries returns the example queries of a category, from queries/<category>.sql:
// statements, each under comment lines with its title. They read the tables in
// the database schema obs.
func Queries(category string) ([]Query, error) {
	content, err := queryFiles.ReadFile("queries/" + category + ".sql")
	if err != nil {
		return nil, fmt.Errorf("category %s has no example queries: %w", category, err)
	}
	var queries []Query
	for block := range strings.SplitSeq(strings.TrimSpace(string(content)), ";\n") {
		var q Query
		var title, sql []string
		for line := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(block), ";"), "\n") {
			if comment, ok := strings.CutPrefix(line, "-- "); ok && len(sql) == 0 {
				title = append(title, comment)
			} else {
				sql = append(sql, line)
			}
		}
		q.Title, q.SQL = strings.Join(title, " "), strings.Join(sql, "\n")+";"
		if q.Title == "" || len(sql) == 0 {
			return nil, fmt.Errorf("queries/%s.sql: a query is comment lines with its title and a statement: %q", category,
				block)
		}
		queries = append(queries, q)
	}
	return queries, nil
}
