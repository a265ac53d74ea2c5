package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// entry is a file in an archive.
type entry struct {
	name string
	path string // of its content
	mode int64
}

// archives makes an archive of each program for each platform.
func (r *release) archives(context.Context) error {
	for _, p := range r.platforms {
		for _, program := range programs {
			name := fmt.Sprintf("%s_%s_%s", program.name, r.version, p)
			entries := []entry{{name + "/" + program.name, r.binary(p, program), 0o755}}
			for _, file := range []string{"LICENSE", "CHANGELOG.md"} {
				entries = append(entries, entry{name + "/" + file, file, 0o644})
			}
			err := writeFile(filepath.Join(r.out, name+".tar.gz"), func(w io.Writer) error {
				return compress(w, func(w io.Writer) error { return writeTar(w, r.time, entries) })
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// writeTar writes an archive.
func writeTar(w io.Writer, modified time.Time, entries []entry) error {
	archive := tar.NewWriter(w)
	for _, e := range entries {
		info, err := os.Stat(e.path)
		if err != nil {
			return err
		}
		header := &tar.Header{Name: e.name, Mode: e.mode, Size: info.Size(), ModTime: modified}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if err := copyFile(archive, e.path); err != nil {
			return err
		}
	}
	return archive.Close()
}

// compress writes what write writes, by gzip.
func compress(w io.Writer, write func(io.Writer) error) error {
	compressed := gzip.NewWriter(w)
	return errors.Join(write(compressed), compressed.Close())
}

// functions makes the zip of each program for each architecture of Lambda.
func (r *release) functions(context.Context) error {
	for _, p := range r.linux() {
		for _, program := range programs {
			err := writeFile(filepath.Join(r.out, functionName(program, p)), func(w io.Writer) error {
				return writeZip(w, r.time, entry{"bootstrap", r.binary(p, program), 0o755})
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// functionName returns the name of a program's zip.
func functionName(program program, p platform) string {
	return program.name + "-lambda-" + p.arch + ".zip"
}

// writeZip writes a zip of one file.
func writeZip(w io.Writer, modified time.Time, e entry) error {
	archive := zip.NewWriter(w)
	header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: modified}
	header.SetMode(fs.FileMode(e.mode))
	file, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	return errors.Join(copyFile(file, e.path), archive.Close())
}

// checksums writes the SHA-256 of each file, as sha256sum -c reads it.
func (r *release) checksums(context.Context) error {
	var lines strings.Builder
	err := filepath.WalkDir(r.out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(r.out, path)
		if err != nil {
			return err
		}
		sum, err := sha256Of(path)
		fmt.Fprintf(&lines, "%x  %s\n", sum, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, "checksums.txt"), []byte(lines.String()), 0o644)
}

// sha256Of returns the hash of a file.
func sha256Of(path string) ([]byte, error) {
	hash := sha256.New()
	err := copyFile(hash, path)
	return hash.Sum(nil), err
}

// writeFile makes a file of what write writes.
func writeFile(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// copyFile writes the content of a file.
func copyFile(w io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}
