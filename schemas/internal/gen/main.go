// Command gen writes schemas/catalog.json: the columns of every category with
// their doc comments. It refuses to write a catalog that is not a compatible
// change of the old one. Run it in the root of the module:
//
//	go run ./schemas/internal/gen
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

func main() {
	if err := generate("schemas", schemas.All(), true); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// generate brings catalog.json in dir up to date with tables, whose types are
// declared in dir. Without write it only checks: the error says what is wrong with
// the declarations, which changes are not compatible, or that the file is stale.
func generate(dir string, tables []*schema.Table, write bool) error {
	catalog, err := describe(dir, tables)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "catalog.json")
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(old) > 0 {
		var committed []schemas.CatalogCategory
		if err := json.Unmarshal(old, &committed); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := compatible(committed, catalog); err != nil {
			return err
		}
	}
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(catalog); err != nil {
		return err
	}
	if bytes.Equal(content.Bytes(), old) {
		return nil
	}
	if !write {
		return fmt.Errorf("%s is stale; run: go run ./schemas/internal/gen", file)
	}
	return os.WriteFile(file, content.Bytes(), 0o644)
}
