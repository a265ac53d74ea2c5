// Command gen writes the reference pages of the categories, docs/reference/, from
// the catalog, the declarations of the collectors and the example queries. Run it
// in the root of the module, after the catalog is up to date:
//
//	go run ./schemas/internal/gen
//	go run ./producers/internal/gen
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	if err := generate(".", true); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// viewsPage is written from the comments of the views, which only a database
// knows: by a test of package sql.
const viewsPage = "views.md"

// generate brings the pages under root, the root of the module, up to date.
// Without write it only checks; the error names every page that is stale.
func generate(root string, write bool) error {
	pages, err := pages(root)
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "docs", "reference")
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		path := filepath.Join(dir, name)
		old, err := os.ReadFile(path)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			faults = append(faults, err)
		case err == nil && bytes.Equal(old, pages[name]):
		case write:
			faults = append(faults, os.WriteFile(path, pages[name], 0o644))
		default:
			faults = append(faults, fmt.Errorf("docs/reference/%s is stale; run: go run ./producers/internal/gen", name))
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	faults = append(faults, err)
	for _, file := range files {
		if _, known := pages[filepath.Base(file)]; known || filepath.Base(file) == viewsPage {
			continue
		}
		if write {
			faults = append(faults, os.Remove(file))
		} else {
			faults = append(faults, fmt.Errorf("docs/reference/%s belongs to no category; run: go run ./producers/internal/gen", filepath.Base(file)))
		}
	}
	return errors.Join(faults...)
}
