package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hubspoke/observability/schemas"
)

// TestViewsAreUpToDate fails when sql/views/10_categories.sql is not what the
// catalog says.
func TestViewsAreUpToDate(t *testing.T) {
	if err := generate("../..", schemas.Catalog(), false); err != nil {
		t.Error(err)
	}
}

func TestGenerate(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "views"), 0o755); err != nil {
		t.Fatal(err)
	}
	catalog := []schemas.CatalogCategory{{
		Name: "things", Mode: "event", Doc: "A thing.",
		Columns: []schemas.CatalogColumn{{Name: "owner", Doc: "Whose it is; it's null for none."}},
	}}
	if err := generate(dir, catalog, false); err == nil || !strings.Contains(err.Error(), "go run ./sql/internal/gen") {
		t.Errorf("error %v; want one that says what to run", err)
	}
	if err := generate(dir, catalog, true); err != nil {
		t.Fatal(err)
	}
	if err := generate(dir, catalog, false); err != nil {
		t.Errorf("right after it was written: %v", err)
	}
	written, err := os.ReadFile(filepath.Join(dir, "views", "10_categories.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"CREATE VIEW current_things AS\nSELECT account_id,\n       region,\n       owner,\n       collected_at\nFROM obs.things\nWHERE deleted_at IS NULL;",
		"COMMENT ON COLUMN current_things.owner IS 'Whose it is; it''s null for none.';",
		"COMMENT ON COLUMN obs.things.run_id IS 'Name of the run that last named the row.';",
	} {
		if !strings.Contains(string(written), want) {
			t.Errorf("the file lacks %s; it is\n%s", want, written)
		}
	}
	if strings.Contains(string(written), "current_things.row_key") {
		t.Error("the view has a comment for a column that it does not have")
	}
}
