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
	list := exec.Command("git", "ls-files", "-z")
	list.Dir = ".."
	files, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	for _, name := range strings.Split(strings.TrimRight(string(files), "\x00"), "\x00") {
		content, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(content, []byte("\x7fELF")) {
			t.Errorf("%s is a program: git rm --cached %[1]s, and name it in .gitignore", name)
		}
	}
}
