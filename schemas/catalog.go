package schemas

import (
	"embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// CatalogCategory is what the catalog says about one category.
type CatalogCategory struct {
	// Name of the category and its table.
	Name string `json:"name"`
	// Mode of the category: snapshot or event.
	Mode string `json:"mode"`
	// Doc is the doc comment of the row type: paragraphs, separated by empty lines.
	Doc string `json:"doc"`
	// Columns in the order of the table.
	Columns []CatalogColumn `json:"columns"`
}

// CatalogColumn is what the catalog says about one column.
type CatalogColumn struct {
	// Name of the column.
	Name string `json:"name"`
	// Kind of the column, as schema.Kind names it.
	Kind string `json:"kind"`
	// Nullable columns may be absent from a row.
	Nullable bool `json:"nullable,omitempty"`
	// Key columns together are the natural key.
	Key bool `json:"key,omitempty"`
	// Slice is set on the column with a value that belongs to the scope.
	Slice bool `json:"slice,omitempty"`
	// Shape of the values of a JSON column: object, array, or "" for any.
	Shape string `json:"shape,omitempty"`
	// Personal is the class of personal data in the column, "" for none.
	Personal string `json:"personal,omitempty"`
	// Doc is the doc comment of the field, on one line: what, unit, meaning of null, source.
	Doc string `json:"doc"`
}

//go:embed catalog
var catalogFiles embed.FS

var catalog = sync.OnceValue(func() []CatalogCategory {
	files, err := catalogFiles.ReadDir("catalog")
	if err != nil {
		panic(err) // the directory is embedded
	}
	categories := make([]CatalogCategory, len(files))
	for i, file := range files {
		text, err := catalogFiles.ReadFile("catalog/" + file.Name())
		if err == nil {
			err = json.Unmarshal(text, &categories[i])
		}
		if err != nil {
			panic("schemas: catalog/" + file.Name() + ": " + err.Error()) // a test keeps it valid
		}
	}
	slices.SortFunc(categories, func(a, b CatalogCategory) int { return strings.Compare(a.Name, b.Name) })
	return categories
})

// Catalog returns the categories with the doc comments of their columns, in the
// order of [All]. The caller must not change it. It is read from catalog/, a file for each
// category, which is generated from this package:
//
//	go run ./internal/generate
func Catalog() []CatalogCategory { return catalog() }
