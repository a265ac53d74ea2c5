package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const root = "../../.."

// TestDocuments fails when a document is stale, when a declaration is not a compatible
// change of the catalog, and when a column has no doc comment.
func TestDocuments(t *testing.T) {
	if err := generate(root, false); err != nil {
		t.Error(err)
	}
}

func TestStaleDocumentsAreFound(t *testing.T) {
	dir := t.TempDir()
	for _, tree := range []string{"deploy/cloudformation", "docs/reference", "producers/collectors", "schemas",
		"sql/testdata/ddl"} {
		if err := os.CopyFS(filepath.Join(dir, tree), os.DirFS(filepath.Join(root, tree))); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{
		"docs/reference/secrets.md":     "old",
		"docs/reference/permissions.md": "old",
		"docs/reference/gone.md":        "",
		"sql/testdata/ddl/gone.sql":     "",
		"sql/testdata/ddl/secrets.sql":  "old",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	template := filepath.Join(dir, templatesDir, "spoke.yaml")
	content, err := os.ReadFile(template)
	if err == nil {
		err = os.WriteFile(template, bytes.ReplaceAll(content, []byte("- acm:ListCertificates\n"), nil), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "schemas/catalog/secrets.json")); err != nil {
		t.Fatal(err)
	}
	err = generate(dir, false)
	for _, want := range []string{
		"cloudformation/spoke.yaml is stale",
		"reference/secrets.md is stale", "permissions.md is stale", "gone.md belongs to no category",
		"gone.sql belongs to no category", "ddl/secrets.sql is stale", "catalog/secrets.json is stale",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	if err := generate(dir, true); err != nil {
		t.Fatal(err)
	}
	if err := generate(dir, false); err != nil {
		t.Errorf("right after they were written: %v", err)
	}
}

// TestReadmeSaysWhatReadingCosts: the figure of the README is that of the declarations.
func TestReadmeSaysWhatReadingCosts(t *testing.T) {
	categories, err := readModel(root)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("about USD %.0f a month", totalPrice(categories)); !strings.Contains(string(readme), want) {
		t.Errorf("README.md does not say %q, which is what Cost Explorer costs an account", want)
	}
}

func TestCollectorNeedsADocComment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "things.go")
	for source, want := range map[string]string{
		"package collectors\n\n// Things are listed.\n//\n// For nothing.\nvar things = 1\n": "Things are listed.\n\nFor " +
			"nothing.",
		"package collectors\n\nvar things = 1\n": "",
	} {
		if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := collectorDoc(file); got != want || (err == nil) != (want != "") {
			t.Errorf("%q, error %v; want %q", got, err, want)
		}
	}
}

func TestEvery(t *testing.T) {
	for d, want := range map[time.Duration]string{
		24 * time.Hour: "24h", 15 * time.Minute: "15m", 90 * time.Minute: "1h30m", 10 * time.Second: "10s",
		time.Hour + time.Second: "1h0m1s",
	} {
		if got := every(d); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
}
