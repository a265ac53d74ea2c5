package sql

import (
	"strings"
	"testing"

	"github.com/hubspoke/observability/schemas"
)

func TestRenderCategories(t *testing.T) {
	got := string(renderCategories([]schemas.CatalogCategory{{
		Name: "things", Mode: "event", Doc: "A thing.",
		Columns: []schemas.CatalogColumn{{Name: "owner", Doc: "The owner; it's null for none."}},
	}}))
	for _, want := range []string{
		"CREATE VIEW current_things AS\nSELECT account_id,\n       region,\n       owner,\n       collected_at,\n       " +
			"first_seen_at\nFROM obs.things\nWHERE deleted_at IS NULL;",
		"COMMENT ON COLUMN current_things.owner IS 'The owner; it''s null for none.';",
		"COMMENT ON COLUMN obs.things.collected_at IS 'Start of the run that last changed the row (snapshot) or last " +
			"named it (event).';",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "current_things.row_key") {
		t.Error("the view has a comment for a column that it does not have")
	}
}
