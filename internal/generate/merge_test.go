package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hubspoke/observability/internal/generate/files"
	"github.com/hubspoke/observability/internal/moduletest"
)

// TestTwoBranchesEachAddACategory: git merges them without a conflict, although both
// insert at the same place of every list, and what is generated afterwards is right. Only
// go.mod and go.sum may need a hand, which neither touches here.
func TestTwoBranchesEachAddACategory(t *testing.T) {
	dir := moduletest.Copy(t, root)
	git := func(command string) string {
		t.Helper()
		return moduletest.Run(t, dir, "git -c user.name=test -c user.email=test@example.com "+command)
	}
	git("init -q -b main")
	git("add -A")
	git("commit -q -m base")
	for _, name := range []string{"lamps", "lanterns"} {
		git("checkout -q -b " + name + " main")
		addCategory(t, dir, name)
		generateIn(t, dir)
		git("add -A")
		git("commit -q -m " + name)
	}
	git("merge -q --no-edit lamps") // on the branch lanterns; a conflict fails it
	merged := git("diff --name-only main")
	generateIn(t, dir)
	moduletest.Run(t, dir, "go build ./schemas ./producers/collectors ./producers/simulate")
	for _, l := range lists {
		text := moduletest.Read(t, dir, l.file)
		lower := strings.ToLower(text)
		if first := strings.Index(lower, "lamps"); first < 0 || strings.Index(lower, "lanterns") < first {
			t.Errorf("%s does not name lamps and then lanterns:\n%s", l.file, text)
		}
		if !strings.Contains(merged, l.file) {
			t.Errorf("the branches do not change %s, so that nothing was merged", l.file)
		}
	}
	policy := moduletest.Read(t, dir, "docs/reference/permissions.md")
	for _, want := range []string{`"lamps:ListLamps",`, `"lanterns:ListLanterns",`} {
		if !strings.Contains(policy, want) {
			t.Errorf("%s is not in the policy\n%s", want, policy)
		}
	}
}

// generateIn is go run ./internal/generate in the copy, but for the program that writes the
// lists, which is this one.
func generateIn(t *testing.T, dir string) {
	t.Helper()
	rendered, err := renderLists(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Update(dir, rendered, true); err != nil {
		t.Fatal(err)
	}
	moduletest.Run(t, dir, "go run ./internal/generate/documents")
}

// addCategory adds a category with a service of its own, as CONTRIBUTING says.
func addCategory(t *testing.T, dir, name string) {
	t.Helper()
	plural := strings.ToUpper(name[:1]) + name[1:]
	row := strings.TrimSuffix(plural, "s")
	moduletest.Write(t, dir, "schemas/"+name+".go", fmt.Sprintf(`package schemas

import "github.com/hubspoke/observability/lib/schema"

// %[2]s is a source of light. Columns come from List%[3]s.
type %[2]s struct {
	// Name of the source (Name).
	Name string `+"`col:\"name,key\"`"+`
}

// %[3]s is the category %[1]q.
var %[3]s = schema.Of[%[2]s](schema.Spec{Name: %[1]q, Mode: schema.Snapshot})
`, name, row, plural))
	moduletest.Write(t, dir, "schemas/queries/"+name+".sql",
		strings.Repeat("-- Which there are\nSELECT name FROM current_"+name+";\n\n", 2))
	moduletest.Write(t, dir, "producers/collectors/"+name+".go", fmt.Sprintf(`package collectors

import (
	"context"
	"time"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// They are listed.
var %[3]s = collect.Collector[schemas.%[2]s]{
	Category: schemas.%[3]s,
	Reach:    collect.PerRegion,
	Every:    time.Hour,
	Calls:    []string{"%[1]s:List%[3]s"},
	Collect:  func(context.Context, *collect.Env, func(schemas.%[2]s) error) error { return nil },
}

var %[1]sService = collect.Service{
	ID:    %[3]q,
	Name:  %[1]q,
	Rate:  collect.Rate{PerSecond: 1, Burst: 1},
	Quota: "https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html",
}
`, name, row, plural))
	moduletest.Write(t, dir, "producers/simulate/"+name+".go", fmt.Sprintf(`package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

var %[1]s = kind[schemas.%[2]s]{
	of:   collectors.%[3]s,
	size: 3,
	make: func(g *gen) schemas.%[2]s { return schemas.%[2]s{Name: g.hex(8)} },
}
`, name, row, plural))
	changes := moduletest.Read(t, dir, "CHANGELOG.md")
	moduletest.Write(t, dir, "CHANGELOG.md", strings.Replace(changes, "### Added\n\n",
		"### Added\n\n- **"+name+"** are collected.\n", 1))
}
