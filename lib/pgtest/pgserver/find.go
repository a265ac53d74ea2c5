package pgserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrNotFound says that no PostgreSQL server is installed. Its text names the
// commands that install one.
var ErrNotFound = errors.New("no PostgreSQL server is installed; install one with " +
	"`apt-get install postgresql` (Debian, Ubuntu) or `brew install postgresql` (macOS)")

// debianRoot is where Debian and Ubuntu keep the binaries of each major
// version, outside PATH.
const debianRoot = "/usr/lib/postgresql"

// Find returns the directory of the binaries postgres and initdb. It looks in
// PATH, then under /usr/lib/postgresql, newest version first, then where
// pg_config --bindir points. If there are none the error is ErrNotFound.
func Find() (binDir string, err error) {
	return find(debianRoot)
}

func find(versionsRoot string) (string, error) {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		// A package may link only some of its binaries into PATH.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		dirs = append(dirs, filepath.Dir(path))
	}
	dirs = append(dirs, versionDirs(versionsRoot)...)
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, dir := range dirs {
		if checkBinDir(dir) == nil {
			return filepath.Abs(dir)
		}
	}
	return "", ErrNotFound
}

// versionDirs lists root/<major>/bin, highest major version first.
func versionDirs(root string) []string {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil
	}
	var majors []int
	for _, e := range entries {
		if major, err := strconv.Atoi(e.Name()); err == nil {
			majors = append(majors, major)
		}
	}
	slices.Sort(majors)
	slices.Reverse(majors)
	dirs := make([]string, len(majors))
	for i, major := range majors {
		dirs[i] = filepath.Join(root, strconv.Itoa(major), "bin")
	}
	return dirs
}

func checkBinDir(dir string) error {
	for _, name := range []string{"postgres", "initdb"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}
