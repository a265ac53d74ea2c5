package main

import (
	"errors"
	"fmt"

	"github.com/hubspoke/observability/schemas"
)

const advice = `A category only ever gains nullable columns: senders and receivers are upgraded
weeks apart, and archives are loaded years later. Undo the change, or declare a
new category next to the old one. (If nobody has installed the category yet,
delete its file in schemas/catalog first.)`

// compatible reports every difference between the committed catalog and the
// declared one that is not a nullable column or a category more.
func compatible(committed, declared []schemas.CatalogCategory) error {
	var faults []error
	now := map[string]schemas.CatalogCategory{}
	for _, category := range declared {
		now[category.Name] = category
	}
	for _, old := range committed {
		category, exists := now[old.Name]
		if !exists {
			faults = append(faults, fmt.Errorf("category %s: it is gone", old.Name))
			continue
		}
		if category.Mode != old.Mode {
			faults = append(faults, fmt.Errorf("category %s: its mode was %s and is %s", old.Name, old.Mode, category.Mode))
		}
		for _, err := range compatibleColumns(old.Columns, category.Columns) {
			faults = append(faults, fmt.Errorf("category %s: %w", old.Name, err))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w\n\n%s", errors.Join(faults...), advice)
}

func compatibleColumns(committed, declared []schemas.CatalogColumn) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	now := map[string]schemas.CatalogColumn{}
	for _, column := range declared {
		now[column.Name] = column
	}
	known := map[string]bool{}
	for _, old := range committed {
		known[old.Name] = true
		column, exists := now[old.Name]
		if !exists {
			fault("column %s: it is gone; columns are never removed or renamed", old.Name)
			continue
		}
		if column.Kind != old.Kind {
			fault("column %s: its kind was %s and is %s", old.Name, old.Kind, column.Kind)
		}
		if column.Nullable != old.Nullable {
			fault("column %s: nullable was %t and is %t", old.Name, old.Nullable, column.Nullable)
		}
		if column.Shape != old.Shape {
			fault("column %s: its shape was %q and is %q", old.Name, old.Shape, column.Shape)
		}
		if column.Key != old.Key || column.Slice != old.Slice {
			fault("column %s: the key or the slice of a category never changes", old.Name)
		}
	}
	for _, column := range declared {
		if !known[column.Name] && !column.Nullable {
			fault("column %s: it is new and not nullable; rows of older senders do not have it, so make the field a pointer",
				column.Name)
		}
	}
	return faults
}
