// Package files keeps generated files up to date.
package files

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Command writes all generated files anew.
const Command = "go run ./internal/generate"

// Update brings files under root, the root of the module, up to date: their content by
// their path from the root, with slashes. Without write it only checks; the error names
// every file that is stale.
func Update(root string, files map[string][]byte, write bool) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(root, filepath.FromSlash(name))
		old, err := os.ReadFile(path)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			faults = append(faults, err)
		case err == nil && bytes.Equal(old, files[name]):
		case write:
			faults = append(faults, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, files[name], 0o644))
		default:
			faults = append(faults, fmt.Errorf("%s is stale; run: %s", name, Command))
		}
	}
	return errors.Join(faults...)
}

// Extra removes the files that match a pattern under root and are not among files. Without
// write the error names them.
func Extra(root, pattern string, files map[string][]byte, write bool) error {
	found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
	if err != nil {
		return err
	}
	var faults []error
	for _, path := range found {
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if _, known := files[name]; known {
			continue
		}
		if write {
			faults = append(faults, os.Remove(path))
		} else {
			faults = append(faults, fmt.Errorf("%s belongs to no category; run: %s", name, Command))
		}
	}
	return errors.Join(faults...)
}
