package schemas_test

import (
	"strings"
	"testing"

	"github.com/hubspoke/observability/schemas"
)

func TestEveryCategoryHasQueries(t *testing.T) {
	for _, table := range schemas.All() {
		queries, err := schemas.Queries(table.Name())
		if err != nil {
			t.Error(err)
		}
		if len(queries) < 2 {
			t.Errorf("category %s has %d example queries; write at least two", table, len(queries))
		}
		for _, q := range queries {
			if !strings.HasPrefix(q.SQL, "SELECT ") || !strings.HasSuffix(q.SQL, ";") ||
				!strings.Contains(q.SQL, "current_"+table.Name()) {
				t.Errorf("category %s: %q is not a SELECT of current_%s, which readers may use:\n%s", table, q.Title, table, q.SQL)
			}
		}
	}
	if _, err := schemas.Queries("unknown"); err == nil {
		t.Error("an unknown category has queries")
	}
}
