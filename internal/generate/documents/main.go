// Command documents writes the files that are derived from the compiled declarations of
// the categories: schemas/catalog, sql/testdata/ddl, docs/reference except the pages that
// tests of package sql write, and parts of the templates in deploy/cloudformation.
// go run ./internal/generate runs it.
package main

import (
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/hubspoke/observability/internal/generate/files"
)

func main() {
	if err := generate(".", true); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// ofDatabase are pages that tests of package sql write, because only a database knows the
// types of columns of views.
var ofDatabase = []string{"docs/reference/views.md", "docs/reference/legacy.md"}

// generate brings the documents under root, the root of the module, up to date. Without
// write it only checks; the error names what is stale, what is wrong with the
// declarations, and which changes are not compatible.
func generate(root string, write bool) error {
	categories, err := readModel(root)
	if err != nil {
		return err
	}
	all := map[string][]byte{}
	for _, page := range ofDatabase {
		all[page] = nil
	}
	for _, render := range []func(string, []category) (map[string][]byte, error){
		catalog, statements, reference, permissions, templates,
	} {
		rendered, err := render(root, categories)
		if err != nil {
			return err
		}
		maps.Copy(all, rendered)
	}
	var faults []error
	for _, pattern := range []string{catalogDir + "/*.json", "sql/testdata/ddl/*.sql", "docs/reference/*.md"} {
		faults = append(faults, files.Extra(root, pattern, all, write))
	}
	for _, page := range ofDatabase {
		delete(all, page)
	}
	return errors.Join(append(faults, files.Update(root, all, write))...)
}
