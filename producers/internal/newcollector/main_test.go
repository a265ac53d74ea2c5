package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../../.."

// TestSkeletonFollowsTheRules: what the skeleton shows is copied.
func TestSkeletonFollowsTheRules(t *testing.T) {
	dir := t.TempDir()
	next, err := create(dir, "s3_bucket_policies")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Table: hub migrate makes it.",
	} {
		if !strings.Contains(next, want) {
			t.Errorf("%q is not in the next steps\n%s", want, next)
		}
	}
	collector := read(t, filepath.Join(dir, "producers/collectors/s3_bucket_policies.go"))
	for _, want := range []string{"each(ctx, pages,", "emitEach(list,", "jsonObject(tagMap("} {
		if !strings.Contains(collector, want) {
			t.Errorf("%q is not in the collector\n%s", want, collector)
		}
	}
	if queries := read(t, filepath.Join(dir, "schemas/queries/s3_bucket_policies.sql")); strings.Contains(queries, "FROM obs.") {
		t.Errorf("a query does not ask the view\n%s", queries)
	}
}

// TestSkeletonPassesTheFastTests writes a skeleton into a copy of the module, does the
// steps that need no thought, and runs the tests that need no database.
func TestSkeletonPassesTheFastTests(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles much of the module once more")
	}
	dir := t.TempDir()
	copyModule(t, dir)
	if _, err := create(dir, "s3_bucket_policies"); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range []string{
		"run ./internal/generate",
		// Four tests ask every collector, and this one is not written yet.
		"test -skip ^(TestAnswersThatAreNone|TestServices|TestEveryListIsReadToItsEnd|TestActionsExist|TestS3BucketPolicies)$ " +
			"./schemas/... ./producers/collectors ./internal/generate/documents",
	} {
		command := exec.CommandContext(t.Context(), "go", strings.Fields(arguments)...)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", arguments, err, out)
		}
	}
	queries := read(t, filepath.Join(dir, "docs/reference/s3_bucket_policies.md"))
	if !strings.Contains(queries, "FROM current_s3_bucket_policies") {
		t.Errorf("the reference page asks no view:\n%s", queries)
	}
}

// copyModule copies what git knows of the module, or would take.
func copyModule(t *testing.T, to string) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "producers", "collectors", "topics.go")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := create(dir, "topics"); err == nil || !strings.Contains(err.Error(), "producers/collectors/topics.go exists already") {
		t.Errorf("error %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "mine" {
		t.Errorf("the file was overwritten: %s", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "schemas")); err == nil {
		t.Error("other files were written")
	}
}

func TestNames(t *testing.T) {
	for category, want := range map[string]names{
		"s3_buckets":         {Plural: "S3Buckets", Row: "S3Bucket"},
		"iam_policies":       {Plural: "IAMPolicies", Row: "IAMPolicy"},
		"vpc_endpoint_ids":   {Plural: "VPCEndpointIds", Row: "VPCEndpointID"},
		"inventory":          {Plural: "Inventory", Row: "InventoryRow"},
		"network_access":     {Plural: "NetworkAccess", Row: "NetworkAccessRow"},
		"health_events_2024": {Plural: "HealthEvents2024", Row: "HealthEvents2024Row"},
	} {
		want.Category = category
		if got := namesOf(category); got != want {
			t.Errorf("%s: %+v, want %+v", category, got, want)
		}
	}
	for _, bad := range []string{"", "S3", "a-b", "1a", "a__b", "_a", "a_", "../x", strings.Repeat("a", maxName+1)} {
		if _, err := create(t.TempDir(), bad); err == nil {
			t.Errorf("the name %q is accepted", bad)
		}
	}
}
