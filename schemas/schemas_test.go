package schemas_test

import (
	"slices"
	"testing"

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
