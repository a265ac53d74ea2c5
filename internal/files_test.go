package internal_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestNoProgramIsKept: go build leaves programs beside the sources, and git add takes them.
func TestNoProgramIsKept(t *testing.T) {
	for _, name := range tracked(t) {
		content, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(content, []byte("\x7fELF")) {
			t.Errorf("%s is a program: git rm --cached %[1]s, and name it in .gitignore", name)
		}
	}
}

// tracked returns the files that Git has, relative to the root, of the given patterns. None
// are all files.
func tracked(t *testing.T, patterns ...string) []string {
	t.Helper()
	list := exec.Command("git", append([]string{"ls-files", "-z", "--"}, patterns...)...)
	list.Dir = ".."
	files, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	return strings.Split(strings.TrimRight(string(files), "\x00"), "\x00")
}
