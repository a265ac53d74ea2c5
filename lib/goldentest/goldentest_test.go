package goldentest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// failures is a test that records what Equal reports.
type failures struct {
	testing.TB
	text string
}

func (f *failures) Helper() {}

func (f *failures) Name() string { return f.TB.Name() }

func (f *failures) Errorf(format string, args ...any) { f.text += fmt.Sprintf(format, args...) }

func TestEqual(t *testing.T) {
	Equal(t, "lines.txt", "one\ntwo\nthree\n")
	Equal(t, "lines.txt", []byte("one\ntwo\nthree\n"))
}

func TestDifferenceIsReadable(t *testing.T) {
	t.Run("a (b)", func(t *testing.T) {
		f := &failures{TB: t}
		Equal(f, "lines.txt", "one\n2\nthree\n")
		for _, want := range []string{
			"--- testdata/lines.txt\n+++ got\n", "\n one\n-two\n+2\n three\n",
			`go test ./lib/goldentest -run '^TestDifferenceIsReadable$/^a_\(b\)$' -update`,
		} {
			if !strings.Contains(f.text, want) {
				t.Errorf("%q is not in the report:\n%s", want, f.text)
			}
		}
	})
}

func TestMissingFileFails(t *testing.T) {
	f := &failures{TB: t}
	Equal(f, "missing.txt", "content")
	if !strings.Contains(f.text, "does not exist") || !strings.Contains(f.text, "content") {
		t.Errorf("report %q", f.text)
	}
}

func TestUpdate(t *testing.T) {
	t.Chdir(t.TempDir())
	*update = true
	t.Cleanup(func() { *update = false })
	const name, content = "new/file.txt", "content\n"
	path := filepath.Join("testdata", name)
	Equal(t, name, content)
	past := time.Unix(1e9, 0)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
	Equal(t, name, content)
	if info, err := os.Stat(path); err != nil || !info.ModTime().Equal(past) {
		t.Errorf("the file was written again without a change: %v, %v", info.ModTime(), err)
	}
	*update = false
	Equal(t, name, content)
	f := &failures{TB: t}
	Equal(f, name, content+"more\n")
	if f.text == "" {
		t.Error("without -update a difference was accepted")
	}
}
