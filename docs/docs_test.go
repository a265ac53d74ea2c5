// Package docs_test keeps the documents true where that is cheap: files, headings,
// make targets, flags, metrics and packages that they name exist, those that exist
// are named where a document says that it lists them all, and the program in
// another language works.
package docs_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

const root = ".."

// documents returns the text of every Markdown file by its path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == "node_modules" || name == "bin" || path != root && strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".md"):
			text, err := os.ReadFile(path)
			texts[path] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) < 10 {
		t.Fatalf("only %d documents found", len(texts))
	}
	return texts
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	blockRE   = regexp.MustCompile("(?ms)^```.*?^```$")
	linkRE    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	headingRE = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notSlugRE = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// slug is the anchor that GitHub gives a heading.
func slug(heading string) string {
	return strings.ReplaceAll(notSlugRE.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

func TestLinksLead(t *testing.T) {
	for path, text := range documents(t) {
		for _, m := range linkRE.FindAllStringSubmatch(blockRE.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			content, err := os.ReadFile(target)
			if info, statErr := os.Stat(target); statErr == nil && info.IsDir() {
				content, err = nil, nil
			}
			if err != nil {
				t.Errorf("%s: link %s: %v", path, m[1], err)
				continue
			}
			if anchor == "" {
				continue
			}
			var slugs []string
			for _, h := range headingRE.FindAllStringSubmatch(blockRE.ReplaceAllString(string(content), ""), -1) {
				slugs = append(slugs, slug(h[1]))
			}
			if !slices.Contains(slugs, anchor) {
				t.Errorf("%s: link %s: there is no such heading; there are %v", path, m[1], slugs)
			}
		}
	}
}

func TestMakeTargetsExist(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets[m[1]] = true
	}
	namedRE := regexp.MustCompile(`(?m)(?:\x60|^|&& |; |=[^ ]+ )make ([a-z-]+)`)
	for path, text := range documents(t) {
		for _, m := range namedRE.FindAllStringSubmatch(text, -1) {
			if !targets[m[1]] {
				t.Errorf("%s: make %s: there is no such target", path, m[1])
			}
		}
	}
}

// commands are those of each program; "" is the program itself.
var commands = map[string][]string{
	"spoke": {"", "once", "run", "categories", "policy", "config", "doctor", "rules", "plan"},
	"hub": {"", "migrate", "check", "consume", "lambda", "replay", "refresh", "status", "verify", "forget",
		"rejects list", "rejects show", "config", "plan", "dashboard", "show"},
	"demo": {"", "demo", "up", "down"},
}

var (
	flagRE = regexp.MustCompile(`--(?:\[no-\])?([a-z][a-z-]+)`)
	// othersRE is a command of another program, in backticks or to the end of its line, with flags of its own.
	othersRE = regexp.MustCompile("`(?:aws|npm|skopeo) [^`]*`|\\b(?:aws|npm|skopeo) [a-z0-9-]+ (?:.*\\\\\n)*.*")
)

// flags builds the programs and returns the flags that each shows with -h.
func flags(t *testing.T) map[string]map[string]bool {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir, "./producers/cmd/spoke", "./consumers/cmd/hub", "./cmd/demo")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does, which then has compiled the SDK already
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	all := map[string]map[string]bool{}
	for name, list := range commands {
		all[name] = map[string]bool{}
		for _, command := range list {
			help := exec.Command(filepath.Join(dir, name), append(strings.Fields(command), "-h")...)
			out, err := help.Output()
			if err != nil {
				t.Fatalf("%s %s -h: %v", name, command, err)
			}
			_, section, _ := bytes.Cut(out, []byte("\nFlags:\n"))
			for _, m := range regexp.MustCompile(`(?m)^  (?:-.,|   ) (--\S+)`).FindAllSubmatch(section, -1) {
				all[name][flagRE.FindStringSubmatch(string(m[1]))[1]] = true
			}
		}
	}
	return all
}

func TestFlagsExist(t *testing.T) {
	known := flags(t)
	publish := exec.Command("bash", "deploy/package/publish.sh", "-h")
	publish.Dir = root
	usage, err := publish.Output()
	if err != nil {
		t.Fatal(err)
	}
	known["publish"] = map[string]bool{}
	for _, m := range flagRE.FindAllSubmatch(usage, -1) {
		known["publish"][string(m[1])] = true
	}
	for path, text := range documents(t) {
		for _, m := range flagRE.FindAllStringSubmatch(othersRE.ReplaceAllString(text, ""), -1) {
			if !known["spoke"][m[1]] && !known["hub"][m[1]] && !known["demo"][m[1]] && !known["publish"][m[1]] {
				t.Errorf("%s: no program has the flag --%s", path, m[1])
			}
		}
	}
	operations := read(t, "docs/operations.md")
	for _, name := range []string{"spoke", "hub"} {
		for _, flag := range slices.Sorted(maps.Keys(known[name])) {
			if !strings.Contains(operations, "`--"+flag+"`") {
				t.Errorf("docs/operations.md: --%s of %s is missing", flag, name)
			}
		}
	}
}

func TestMetricsAreListed(t *testing.T) {
	declared := map[string]bool{}
	for _, path := range []string{
		"producers/cmd/spoke/metrics.go", "consumers/cmd/hub/metrics.go", "consumers/cmd/hub/dashboard_metrics.go",
	} {
		for _, m := range regexp.MustCompile(`"((?:spoke|hub)_[a-z_]+)"`).FindAllStringSubmatch(read(t, path), -1) {
			declared[m[1]] = true
		}
	}
	listed := map[string]bool{}
	nameRE := regexp.MustCompile(`(?:spoke|hub)_[a-z_]+`)
	for line := range strings.Lines(read(t, "docs/operations.md")) {
		if strings.HasPrefix(line, "| `spoke_") || strings.HasPrefix(line, "| `hub_") {
			cell, _, _ := strings.Cut(line[1:], "|")
			for _, name := range nameRE.FindAllString(cell, -1) {
				listed[name] = true
			}
		}
	}
	if !maps.Equal(declared, listed) {
		t.Errorf("metrics of the programs:\n%v\nof docs/operations.md:\n%v", slices.Sorted(maps.Keys(declared)),
			slices.Sorted(maps.Keys(listed)))
	}
}

func TestPackagesAreOnTheMap(t *testing.T) {
	text := read(t, "lib/README.md")
	list := exec.Command("go", "list", "-f", "{{if .GoFiles}}{{.ImportPath}}{{end}}", "./lib/...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(string(out)) {
		_, name, _ := strings.Cut(path, "/lib/")
		if !strings.HasPrefix(name, "internal/") && !regexp.MustCompile("(?m)^\\| `"+name+"` +\\|").MatchString(text) {
			t.Errorf("lib/README.md: package %s is missing", name)
		}
	}
}

// The producer in another language makes records that the hub takes.
func TestPythonProducerKeepsTheWireFormat(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		programtest.Missing(t, "python3 is missing:", err)
	}
	_, text, _ := strings.Cut(read(t, "docs/wire-format.md"), "```python\n")
	text, _, _ = strings.Cut(text, "```")
	program := exec.Command("python3", "-c", text)
	program.Stderr = os.Stderr
	out, err := program.Output()
	if err != nil {
		t.Fatal(err)
	}
	opener := envelope.NewDecoder()
	defer opener.Close()
	rows := rowjson.NewDecoder(schemas.Secrets.Table, nil)
	defer rows.Release()
	var records []envelope.Record
	for line := range bytes.Lines(out) {
		var record struct {
			PartitionKey string
			Data         []byte
		}
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		r, err := envelope.Parse(record.Data)
		if err != nil {
			t.Fatalf("%q: %v", record.Data, err)
		}
		records = append(records, r)
		if key := envelope.PartitionKey(r.Scope); record.PartitionKey != key {
			t.Errorf("partition key %s, want %s", record.PartitionKey, key)
		}
		if r.End != nil {
			continue
		}
		body, err := opener.Body(nil, r.Part, r.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range envelope.Lines(body) {
			if err := rows.Append(row, r.Slice); err != nil {
				t.Errorf("%s: %v", row, err)
			}
		}
	}
	if len(records) != 2 || rows.Len() != 1 || records[0].Part == nil || records[1].End == nil {
		t.Fatalf("%d rows in the records %#v", rows.Len(), records)
	}
	part, end := records[0].Part, records[1].End
	if end.Scope != part.Scope || end.Run != part.Run || end.Outcome != schema.OK || end.Parts != 1 || end.Rows != 1 ||
		end.Every != time.Hour {
		t.Errorf("the part %#v is closed by %#v", part, end)
	}
}

// The documents say how many lines the example takes, without imports, comments
// and empty lines.
func TestExampleIsAsShortAsTheySay(t *testing.T) {
	_, code, _ := strings.Cut(read(t, "docs/example/lamps.go"), "\n)\n")
	lines := 0
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			lines++
		}
	}
	for _, path := range []string{"README.md", "lib/README.md"} {
		if m := regexp.MustCompile(`in (\d+) lines`).FindStringSubmatch(read(t, path)); m == nil ||
			m[1] != strconv.Itoa(lines) {
			t.Errorf("%s says %q; the example has %d", path, m, lines)
		}
	}
}
