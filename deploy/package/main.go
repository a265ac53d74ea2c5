// Package makes the files of a release: archives of the programs, zips for Lambda, images,
// packages of Debian and RPM, lists of the modules inside, templates and checksums.
//
//	go run ./deploy/package -version v0.1.0 -out dist
//
// The files depend on the sources, the version, the time given by SOURCE_DATE_EPOCH and the
// version of Go alone: two builds are the same byte for byte, wherever they run.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// program is one that is released.
type program struct{ name, source, unit, description string }

var programs = []program{
	{"hub", "./consumers/cmd/hub", "hub-consume", "Hub: applies what spokes send to the database"},
	{"spoke", "./producers/cmd/spoke", "spoke", "Spoke: sends the state of this AWS account to the hub"},
}

// platform is an operating system and an architecture, by Go's names.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "_" + p.arch }

var platforms = []platform{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "arm64"}}

func main() {
	version := flag.String("version", "", "`version` of the release, such as v0.1.0")
	out := flag.String("out", "dist", "`directory` for the files, which must be empty")
	arch := flag.String("arch", "amd64 arm64", "architectures, separated by spaces")
	components := flag.Bool("sbom", true, "list the modules in each program, by a tool that takes a minute to build")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := newRelease(*version, *out, strings.Fields(*arch), os.Getenv("SOURCE_DATE_EPOCH"))
	if err == nil {
		r.sbom = *components
		err = r.make(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

// release is what is made.
type release struct {
	version   string // v0.1.0
	out       string
	time      time.Time // of every file in an archive
	platforms []platform
	sbom      bool
	work      string // directory of what is no part of the release
}

var versionRE = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

func newRelease(version, out string, arches []string, epoch string) (*release, error) {
	if !versionRE.MatchString(version) {
		return nil, fmt.Errorf("-version must be one such as v0.1.0, and is %q", version)
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("SOURCE_DATE_EPOCH must be the time of the release in seconds since 1970, as "+
			"git log -1 --format=%%ct prints it: %w", err)
	}
	r := &release{version: version, out: out, time: time.Unix(seconds, 0).UTC()}
	for _, p := range platforms {
		if slices.Contains(arches, p.arch) {
			r.platforms = append(r.platforms, p)
		}
	}
	for _, arch := range arches {
		if !slices.ContainsFunc(r.platforms, func(p platform) bool { return p.arch == arch }) {
			return nil, fmt.Errorf("-arch: there is no release for %q, choose from amd64 and arm64", arch)
		}
	}
	if len(r.platforms) == 0 {
		return nil, errors.New("-arch names no architecture")
	}
	return r, nil
}

// make makes the files.
func (r *release) make(ctx context.Context) (err error) {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	if old, err := os.ReadDir(r.out); err != nil || len(old) > 0 {
		return cmp.Or(err, fmt.Errorf("%s is not empty: delete it, so that nothing of another release stays in it", r.out))
	}
	if r.work, err = os.MkdirTemp("", "release"); err != nil {
		return err
	}
	defer os.RemoveAll(r.work)
	for _, p := range r.platforms {
		if err := r.build(ctx, p); err != nil {
			return err
		}
	}
	steps := []func(context.Context) error{
		r.archives, r.functions, r.images, r.packages, r.components, r.templates, r.checksums,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// build builds the programs for a platform.
func (r *release) build(ctx context.Context, p platform) error {
	args := []string{
		"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version=" + r.version,
		"-o", filepath.Join(r.work, p.String()) + "/",
	}
	for _, program := range programs {
		args = append(args, program.source)
	}
	return r.run(ctx, "", []string{"CGO_ENABLED=0", "GOOS=" + p.os, "GOARCH=" + p.arch}, "go", args...)
}

// linux returns the platforms of Lambda, images and packages.
func (r *release) linux() []platform {
	return slices.DeleteFunc(slices.Clone(r.platforms), func(p platform) bool { return p.os != "linux" })
}

// binary returns the path of a program.
func (r *release) binary(p platform, program program) string {
	return filepath.Join(r.work, p.String(), program.name)
}

// run runs a command in a directory, "" for this one, with variables beside those of this process.
func (r *release) run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}
