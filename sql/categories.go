package sql

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// renderCategories returns the view current_<category> of every category, and the comments
// of tables, views and their columns.
func renderCategories(catalog []schemas.CatalogCategory) []byte {
	b := &bytes.Buffer{}
	for _, category := range catalog {
		names := []string{"account_id", "region"}
		for _, column := range category.Columns {
			names = append(names, column.Name)
		}
		names = append(names, "collected_at", "first_seen_at")

		fmt.Fprintf(b, "\nCREATE VIEW current_%s AS\nSELECT %s\nFROM obs.%[1]s\nWHERE deleted_at IS NULL;\n\n",
			category.Name, strings.Join(names, ",\n       "))
		comment(b, "VIEW current_"+category.Name, viewDoc(category))
		for _, column := range viewColumns(category) {
			comment(b, fmt.Sprintf("COLUMN current_%s.%s", category.Name, column.Name), column.Doc)
		}
		comment(b, "TABLE obs."+category.Name, category.Doc)
		for _, column := range tableColumns(category) {
			comment(b, fmt.Sprintf("COLUMN obs.%s.%s", category.Name, column.Name), column.Doc)
		}
	}
	return b.Bytes()
}

func comment(b *bytes.Buffer, object, text string) {
	fmt.Fprintf(b, "COMMENT ON %s IS '%s';\n", object, strings.ReplaceAll(text, "'", "''"))
}

func viewDoc(category schemas.CatalogCategory) string {
	return "Rows of " + category.Name + " that are not gone. " + category.Doc
}

// viewColumns are those that current_<category> has.
func viewColumns(category schemas.CatalogCategory) []schema.SystemColumn {
	return slices.DeleteFunc(tableColumns(category), func(c schema.SystemColumn) bool {
		return slices.Contains([]string{"row_key", "row_hash", "run_id", "deleted_at"}, c.Name)
	})
}

// tableColumns are the columns of a category's table with their documentation.
func tableColumns(category schemas.CatalogCategory) []schema.SystemColumn {
	columns := slices.Clone(schema.SystemColumns)
	for _, c := range category.Columns {
		columns = append(columns, schema.SystemColumn{Name: c.Name, Doc: c.Doc})
	}
	return columns
}
