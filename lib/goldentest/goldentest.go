// Package goldentest compares what a test got with a file that was checked by
// a person once, and rewrites the file on request.
//
//	goldentest.Equal(t, "report.txt", report)
//
// compares with testdata/report.txt in the directory of the test. go test with
// the flag -update writes the file instead; the failure of a test prints the
// command. Importing the package defines that flag.
package goldentest

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

var update = flag.Bool("update", false, "write the golden files under testdata instead of comparing with them")

// Updating reports whether tests write files instead of comparing with them, for those that
// write others besides: go test runs with the flag -update.
func Updating() bool { return *update }

// Equal fails the test if got differs from the file testdata/name, and prints
// the differing lines; the test goes on. With -update it writes the file.
func Equal[T ~string | ~[]byte](t testing.TB, name string, got T) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := write(path, []byte(got)); err != nil {
			t.Errorf("goldentest: %v", err)
		}
		return
	}
	if difference := compare(path, []byte(got)); difference != "" {
		t.Errorf("goldentest: %s\nIf the new value is right, run:\n\t%s", difference, updateCommand(t.Name()))
	}
}

// compare returns how got differs from the file, "" if it does not.
func compare(path string, got []byte) string {
	want, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path + " does not exist; the test got:\n" + string(got)
	}
	if err != nil {
		return err.Error()
	}
	return string(diff.Diff(path, want, "got", got))
}

func write(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(content) {
		return nil // leave the time of the file alone
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}

// updateCommand is the command that updates the files of one test, to be run
// in the root of the module.
func updateCommand(test string) string {
	elements := strings.Split(test, "/")
	for i, element := range elements {
		elements[i] = "^" + regexp.QuoteMeta(element) + "$"
	}
	return fmt.Sprintf("go test %s -run '%s' -update", packageDir(), strings.Join(elements, "/"))
}

// packageDir is the directory of the test, relative to the root of its module.
func packageDir() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for root := dir; root != filepath.Dir(root); root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
			continue
		}
		if rel, err := filepath.Rel(root, dir); err == nil && rel != "." {
			return "./" + filepath.ToSlash(rel)
		}
		break
	}
	return "."
}
