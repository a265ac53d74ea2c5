package pgserver

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// binaries makes empty programs in a directory.
func binaries(t *testing.T, dir string, names ...string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFind(t *testing.T) {
	root, versions, config := t.TempDir(), t.TempDir(), t.TempDir()
	complete := binaries(t, filepath.Join(root, "complete"), "postgres", "initdb")
	half := binaries(t, filepath.Join(root, "half"), "postgres")
	linked := filepath.Join(root, "linked")
	if err := os.Mkdir(linked, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(complete, "postgres"), filepath.Join(linked, "postgres")); err != nil {
		t.Fatal(err)
	}
	binaries(t, filepath.Join(versions, "9", "bin"), "postgres", "initdb")
	newest := binaries(t, filepath.Join(versions, "17", "bin"), "postgres", "initdb")
	binaries(t, filepath.Join(versions, "18", "bin"), "postgres") // client and half a server
	script := "#!/bin/sh\necho " + complete + "\n"
	if err := os.WriteFile(filepath.Join(config, "pg_config"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}

	tests := map[string]struct{ path, versions, want string }{
		"in PATH":          {complete, versions, complete},
		"linked into PATH": {linked, versions, complete},
		"half in PATH":     {half, versions, newest},
		"newest version":   {"", versions, newest},
		"pg_config":        {config, root, complete},
		"nowhere":          {"", root, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", test.path)
			got, err := find(test.versions)
			if got != test.want || (test.want == "") != errors.Is(err, ErrNotFound) {
				t.Errorf("found %q, %v; want %q", got, err, test.want)
			}
		})
	}
}
