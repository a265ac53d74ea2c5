package schemas_test

import (
	"slices"
	"testing"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

func TestAllIsOrderedAndUnique(t *testing.T) {
	var names []string
	for _, table := range schemas.All() {
		names = append(names, table.Name())
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("All is not ordered by name without repeats: %q", names)
	}
}

// Queries rely on what JSON columns hold, so each says it.
func TestColumnsOfJSONSayTheirShape(t *testing.T) {
	anyShape := []string{"security_services.settings"} // each service has its own
	for _, table := range schemas.All() {
		for _, c := range table.Columns() {
			name := table.Name() + "." + c.Name
			if c.Kind == schema.KindJSON && c.Shape == schema.AnyShape && !slices.Contains(anyShape, name) {
				t.Errorf("%s: tag it object or array", name)
			}
		}
	}
}
