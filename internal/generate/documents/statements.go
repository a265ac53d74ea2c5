package main

import "github.com/hubspoke/observability/lib/load"

// statements renders the SQL of each category's table, which hub migrate runs, for a
// reviewer.
func statements(_ string, categories []category) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, c := range categories {
		files["sql/testdata/ddl/"+c.Name+".sql"] = []byte(load.DDL(c.Table) + ";\n")
	}
	return files, nil
}
