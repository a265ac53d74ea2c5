package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hubspoke/observability/schemas"
)

// catalogDir has a file for each category: its columns with their doc comments.
const catalogDir = "schemas/catalog"

// catalog renders the catalog. It is an error if that is not a compatible change of what
// root has.
func catalog(root string, categories []category) (map[string][]byte, error) {
	declared := make([]schemas.CatalogCategory, len(categories))
	for i, c := range categories {
		declared[i] = c.CatalogCategory
	}
	return catalogOf(root, declared)
}

func catalogOf(root string, declared []schemas.CatalogCategory) (map[string][]byte, error) {
	files := map[string][]byte{}
	committed, err := committedCatalog(root)
	if err != nil {
		return files, err
	}
	if err := compatible(committed, declared); err != nil {
		return files, err
	}
	for _, c := range declared {
		var content bytes.Buffer
		encoder := json.NewEncoder(&content)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(c); err != nil {
			return files, err
		}
		files[catalogDir+"/"+c.Name+".json"] = content.Bytes()
	}
	return files, nil
}

// committedCatalog reads the catalog that root has.
func committedCatalog(root string) ([]schemas.CatalogCategory, error) {
	found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(catalogDir), "*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(found)
	var committed []schemas.CatalogCategory
	var faults []error
	for _, file := range found {
		var c schemas.CatalogCategory
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &c)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", file, err))
		}
		committed = append(committed, c)
	}
	return committed, errors.Join(faults...)
}
