package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hubspoke/observability/internal/programtest"
)

// npm has the types that Grafana publishes, and their compiler.
const npm = "../../internal/emulators/node_modules"

// TestSchema compiles the dashboards against the types that Grafana publishes. They pass, and
// one with a property that Grafana does not know, or with a wrong value, does not.
func TestSchema(t *testing.T) {
	if _, err := os.Stat(filepath.Join(npm, "@grafana/schema")); err != nil {
		programtest.Missing(t, "Grafana's schema is missing; make emulators installs it:", err)
	}
	dashboards := map[string]string{}
	for path, text := range generated(t) {
		dashboards[strings.TrimSuffix(filepath.Base(path), ".json")] = string(text)
	}
	maps.Copy(dashboards, faulty(t, dashboards))
	for name, faults := range compile(t, dashboards) {
		if isFaulty := strings.HasPrefix(name, "faulty"); isFaulty && faults == "" {
			t.Errorf("%s passes", name)
		} else if !isFaulty && faults != "" {
			t.Errorf("Grafana would not take\n%s", faults)
		}
	}
}

// faulty returns dashboards with one fault each.
func faulty(t *testing.T, dashboards map[string]string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for i, fault := range [][2]string{
		{`"schemaVersion": 41`, `"schemaVersion": "41"`},
		{`"type": "query"`, `"type": "quest"`},
		{`"orientation": "horizontal"`, `"orientation": "across"`},
		{`"colorMode": "value"`, `"colour": "value"`},
		{`"fillOpacity"`, `"opacity"`},
		{`"drawStyle": "line"`, `"drawStyle": "curve"`},
		{`"id": "decimals"`, `"id": "digits"`},
		{`"id": "custom.cellOptions"`, `"id": "custom.cells"`},
		{`"format": "time_series"`, `"format": "series"`},
		{`"mode": "fixed"`, `"mode": "constant"`},
		{`"id": "groupingToMatrix",`, ``},
		{`"showHeader": true`, `"showHeader": "true"`},
	} {
		name := fmt.Sprintf("faulty%d", i)
		for _, of := range slices.Sorted(maps.Keys(dashboards)) {
			if before, after, found := strings.Cut(dashboards[of], fault[0]); found {
				all[name] = before + fault[1] + after
			}
		}
		if all[name] == "" {
			t.Errorf("no dashboard has %s", fault[0])
		}
	}
	return all
}

// compile returns what the compiler says of each dashboard, "" if nothing.
func compile(t *testing.T, dashboards map[string]string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	modules, err := filepath.Abs(npm)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	arguments := []string{"node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck",
		"--module", "preserve", "--moduleResolution", "bundler", "--pretty", "false"}
	said := map[string]string{}
	for name, text := range dashboards {
		text = "import type { Dashboard } from './schema';\nexport const dashboard: Dashboard = " + text
		if err := os.WriteFile(filepath.Join(dir, name+".ts"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		arguments, said[name] = append(arguments, name+".ts"), ""
	}
	compiler := exec.CommandContext(t.Context(), "node", arguments...)
	compiler.Dir = dir
	out, err := compiler.Output()
	if err == nil {
		return said
	}
	if len(out) == 0 {
		t.Fatal(err)
	}
	name := ""
	for line := range strings.Lines(string(out)) {
		if file, _, found := strings.Cut(line, ".ts("); found && !strings.HasPrefix(line, " ") {
			name = file
		}
		if _, known := said[name]; !known {
			t.Fatalf("the compiler says %v: %s", err, out)
		}
		said[name] += line
	}
	return said
}
