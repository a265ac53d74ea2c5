package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../../.."

// TestSkeletonCompiles builds the skeleton as part of the real packages.
func TestSkeletonCompiles(t *testing.T) {
	dir := t.TempDir()
	next, err := create(dir, "s3_bucket_policies")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(next, "func TestS3BucketPolicies(t *testing.T) { collecttest.Run(t, s3BucketPolicies) }") {
		t.Errorf("the next steps are\n%s", next)
	}
	module, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		replace[filepath.Join(module, name)] = path
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(replace) != 4 {
		t.Errorf("%d files were written: %v", len(replace), replace)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", file, "./schemas", "./producers/collectors")
	build.Dir = module
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
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
		"s3_buckets":         {Plural: "S3Buckets", Row: "S3Bucket", Collector: "s3Buckets"},
		"iam_policies":       {Plural: "IAMPolicies", Row: "IAMPolicy", Collector: "iamPolicies"},
		"vpc_endpoint_ids":   {Plural: "VPCEndpointIds", Row: "VPCEndpointID", Collector: "vpcEndpointIds"},
		"inventory":          {Plural: "Inventory", Row: "InventoryRow", Collector: "inventory"},
		"network_access":     {Plural: "NetworkAccess", Row: "NetworkAccessRow", Collector: "networkAccess"},
		"health_events_2024": {Plural: "HealthEvents2024", Row: "HealthEvents2024Row", Collector: "healthEvents2024"},
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
