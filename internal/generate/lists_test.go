package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hubspoke/observability/internal/generate/files"
)

const root = "../.."

// TestLists fails when a list is stale.
func TestLists(t *testing.T) {
	lists, err := renderLists(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Update(root, lists, false); err != nil {
		t.Error(err)
	}
}

// TestListsNeedNothingThatCompiles: a list that names what is gone is written anew.
func TestListsNeedNothingThatCompiles(t *testing.T) {
	dir := t.TempDir()
	for name, source := range map[string]string{
		"schemas/topics.go": "package schemas\n\nvar Topics = schema.Of[Topic](schema.Spec{Name: \"topics\"})\n",
		"schemas/queues.go": "package schemas\n\nvar other = 1\n\nvar Queues = schema.Of[Queue](schema.Spec{Name: " +
			"\"queues\"})\n",
		"schemas/all.go": "package schemas\n\nfunc All() { <<<<<<< both",
		"producers/collectors/queues.go": "package collectors\n\nvar Queues = collect.Collector[schemas.Queue]{}\n\n" +
			"var sqsService = collect.Service{ID: \"SQS\", Name: \"sqs\"}\n\nvar amqService = collect.Service{Name: \"mq\"}\n",
		"producers/collectors/queues_test.go": "package collectors\n\nvar Fake = collect.Collector[schemas.Queue]{}\n",
		"producers/simulate/queues.go":        "package simulate\n\nvar queues = kind[schemas.Queue]{}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lists, err := renderLists(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"schemas/all.go":                       "{\n\t\tQueues.Table,\n\t\tTopics.Table,\n\t}",
		"producers/collectors/all.go":          "{\n\t\tQueues,\n\t}",
		"producers/collectors/all_services.go": "{\n\t\tamqService,\n\t\tsqsService,\n\t}",
		"producers/collectors/all_test.go":     "\n\nfunc TestQueues(t *testing.T) { testCollector(t, Queues) }\n",
		"producers/simulate/all.go":            "{\n\t\tqueues,\n\t}",
	} {
		if !strings.Contains(string(lists[name]), want) {
			t.Errorf("%s does not have\n%s\nbut is\n%s", name, want, lists[name])
		}
	}
}

// TestNamesBeginWithTheCategory: a flat package has room for many categories only if no
// name can be that of another one.
func TestNamesBeginWithTheCategory(t *testing.T) {
	for _, dir := range []string{"producers/collectors", "producers/simulate"} {
		tables, err := filepath.Glob(filepath.Join(root, "schemas", "queries", "*.sql"))
		if err != nil || len(tables) == 0 {
			t.Fatal(tables, err)
		}
		for _, table := range tables {
			category := strings.TrimSuffix(filepath.Base(table), ".sql")
			file := dir + "/" + category + ".go"
			syntax, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Error(err)
				continue
			}
			for _, name := range packageNames(syntax) {
				if !beginsWith(name, category) {
					t.Errorf("%s: the name %s does not begin with that of the category", file, name)
				}
			}
		}
	}
}

// packageNames returns the names that a file declares in its package, but for those of
// services, which several categories share.
func packageNames(file *ast.File) (names []string) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, s.Name.Name)
				case *ast.ValueSpec:
					if len(s.Values) == 1 && typeOf(s.Values[0]) == "collect.Service" {
						continue
					}
					for _, name := range s.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// beginsWith reports whether a name begins with that of a category, in the plural or the
// singular, or with one word before it, such as collect or new.
func beginsWith(name, category string) bool {
	stem := strings.TrimSuffix(strings.ReplaceAll(category, "_", ""), "s")
	stem = strings.TrimSuffix(stem, "ie") // policies, policy
	if strings.HasSuffix(stem, "che") {
		stem = strings.TrimSuffix(stem, "e") // patches, patch
	}
	word := len(name) - len(strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz"))
	return strings.HasPrefix(strings.ToLower(name), stem) || strings.HasPrefix(strings.ToLower(name[word:]), stem)
}
