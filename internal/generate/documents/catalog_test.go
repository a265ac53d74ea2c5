package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

func TestCompatible(t *testing.T) {
	column := schemas.CatalogColumn{Name: "status", Kind: "text", Nullable: true}
	key := schemas.CatalogColumn{Name: "arn", Kind: "text", Key: true}
	with := func(change func(c *schemas.CatalogColumn)) []schemas.CatalogColumn {
		changed := column
		change(&changed)
		return []schemas.CatalogColumn{key, changed}
	}
	category := func(columns ...schemas.CatalogColumn) []schemas.CatalogCategory {
		return []schemas.CatalogCategory{{Name: "things", Mode: "snapshot", Columns: columns}}
	}
	committed := category(key, column)

	tests := []struct {
		name     string
		declared []schemas.CatalogCategory
		want     string // in the error; "" for none
	}{
		{"same", category(key, column), ""},
		{"order of columns", category(column, key), ""},
		{"doc", category(with(func(c *schemas.CatalogColumn) { c.Doc = "Better." })...), ""},
		{"nullable column", category(key, column, schemas.CatalogColumn{Name: "more", Kind: "bool", Nullable: true}), ""},
		{"new category", append(category(key, column), schemas.CatalogCategory{Name: "others"}), ""},
		{"column that is not nullable", category(key, column, schemas.CatalogColumn{Name: "more", Kind: "bool"}),
			"column more: it is new and not nullable"},
		{"column removed", category(key), "column status: it is gone"},
		{"column renamed", category(with(func(c *schemas.CatalogColumn) { c.Name = "state" })...),
			"column status: it is gone"},
		{"kind", category(with(func(c *schemas.CatalogColumn) { c.Kind = "int64" })...), "its kind was text and is int64"},
		{"not nullable any more", category(with(func(c *schemas.CatalogColumn) { c.Nullable = false })...),
			"nullable was true and is false"},
		{"key", category(with(func(c *schemas.CatalogColumn) { c.Key = true })...), "never changes"},
		{"slice", category(with(func(c *schemas.CatalogColumn) { c.Slice = true })...), "never changes"},
		{"mode", []schemas.CatalogCategory{{Name: "things", Mode: "event", Columns: committed[0].Columns}},
			"its mode was snapshot and is event"},
		{"category removed", nil, "category things: it is gone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := compatible(committed, test.declared)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) ||
				!strings.Contains(err.Error(), advice)):
				t.Errorf("error %v; want one that says %q and what to do", err, test.want)
			}
		})
	}
}

// thing is declared once more, with its comments, in the file that the tests write.
type thing struct {
	ARN    string  `col:"arn,key"`
	Status *string `col:"status"`
}

const documented = `package things

// thing is one thing.
//
// It has
// two paragraphs.
type thing struct {
	// ARN of the
	// thing.
	ARN string
	// Status <of> the thing. Null: it has none.
	Status *string
}
`

// things returns a directory with source and the table of thing.
func things(t *testing.T, source string) (string, []*schema.Table) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "things.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, []*schema.Table{schema.Of[thing](schema.Spec{Name: "things", Mode: schema.Snapshot}).Table}
}

func TestCatalog(t *testing.T) {
	dir, tables := things(t, documented)
	declared, err := describe(dir, tables)
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := catalogOf(dir, declared)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "name": "things",
  "mode": "snapshot",
  "doc": "thing is one thing.\n\nIt has two paragraphs.",
  "columns": [
    {
      "name": "arn",
      "kind": "text",
      "key": true,
      "doc": "ARN of the thing."
    },
    {
      "name": "status",
      "kind": "text",
      "nullable": true,
      "doc": "Status <of> the thing. Null: it has none."
    }
  ]
}
`
	const name = "schemas/catalog/things.json"
	if got := string(rendered[name]); got != want {
		t.Errorf("the catalog is\n%s\nwant\n%s", got, want)
	}

	incompatible := strings.Replace(want, `"status"`, `"state"`, 1)
	if err := os.MkdirAll(filepath.Join(dir, catalogDir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(incompatible), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := catalogOf(dir, declared); err == nil || !strings.Contains(err.Error(), "column state: it is gone") {
		t.Errorf("incompatible change: error %v", err)
	}
	if _, err := catalogOf(dir, nil); err == nil || !strings.Contains(err.Error(), "category things: it is gone") {
		t.Errorf("a category is gone: error %v", err)
	}
}

func TestEveryColumnNeedsADocComment(t *testing.T) {
	for name, test := range map[string]struct{ old, new, want string }{
		"field": {"	// Status <of> the thing. Null: it has none.\n", "",
			"thing.Status: column status has no doc comment"},
		"full stop": {"it has none.", "it has none", "column status does not end with a full stop"},
		"type": {"// thing is one thing.\n//\n// It has\n// two paragraphs.\n", "",
			"thing: the type has no doc comment"},
		"not declared": {"type thing", "type other", "thing: the type has no doc comment"},
		"line behind it": {"	// ARN of the\n	// thing.\n	ARN string", "	ARN string // ARN of the thing.",
			"thing.ARN: column arn has no doc comment"},
	} {
		t.Run(name, func(t *testing.T) {
			source := strings.Replace(documented, test.old, test.new, 1)
			if source == documented {
				t.Fatal("the test changes nothing")
			}
			dir, tables := things(t, source)
			if _, err := describe(dir, tables); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v; want one that says %q", err, test.want)
			}
		})
	}
}

func TestPackageReadsTheCatalog(t *testing.T) {
	var names []string
	for i, category := range schemas.Catalog() {
		names = append(names, category.Name)
		if table := schemas.All()[i]; table.Name() != category.Name || len(category.Columns) != len(table.Columns()) {
			t.Errorf("category %d is %s with %d columns in the catalog, %s with %d in All", i, category.Name,
				len(category.Columns), table.Name(), len(table.Columns()))
		}
	}
	if len(names) != len(schemas.All()) || !slices.IsSorted(names) {
		t.Errorf("the catalog has the categories %q", names)
	}
}
