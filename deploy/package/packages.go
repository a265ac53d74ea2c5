package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The tools are run by version and are no modules of this project: they need hundreds that
// it does not.
const (
	nfpm      = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2"
	cyclonedx = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"
)

// packages makes a package of Debian and one of RPM of each program, with its unit.
func (r *release) packages(ctx context.Context) error {
	out, err := filepath.Abs(r.out)
	if err != nil {
		return err
	}
	for _, program := range programs {
		files, err := r.packaged(program)
		if err != nil {
			return err
		}
		for _, p := range r.linux() {
			env := []string{"PROGRAM=" + program.name, "UNIT=" + program.unit, "DESCRIPTION=" + program.description,
				"VERSION=" + r.version, "ARCH=" + p.arch, "BINARY=" + r.binary(p, program),
				fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.time.Unix())}
			for _, format := range []string{"deb", "rpm"} {
				err := r.run(ctx, files, env, "go", "run", nfpm, "package", "--config", "nfpm.yaml", "--packager", format,
					"--target", out)
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// components lists the modules in each program, as CycloneDX.
func (r *release) components(ctx context.Context) error {
	if !r.sbom {
		return nil
	}
	dir := filepath.Join(r.out, "sbom")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, p := range r.platforms {
		for _, program := range programs {
			name := fmt.Sprintf("%s_%s_%s.cdx.json", program.name, r.version, p)
			err := r.run(ctx, "", nil, "go", "run", cyclonedx, "bin", "-json", "-noserial", "-notimestamp", "-std",
				"-version", r.version, "-output", filepath.Join(dir, name), r.binary(p, program))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// packaged makes a directory with what is in a package beside the program.
func (r *release) packaged(program program) (dir string, err error) {
	dir = filepath.Join(r.work, "package", program.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for from, to := range map[string]string{
		"deploy/package/nfpm.yaml":                    "nfpm.yaml",
		"deploy/package/postinstall.sh":               "postinstall.sh",
		"deploy/package/preremove.sh":                 "preremove.sh",
		"deploy/systemd/" + program.unit + ".service": "unit",
		"deploy/systemd/" + program.name + ".env":     "settings",
		"LICENSE": "LICENSE",
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			return "", err
		}
		installed := strings.NewReplacer("@UNIT@", program.unit, "/usr/local/bin/", "/usr/bin/").Replace(string(text))
		if to == "unit" { // above its first section it says how to install it by hand
			installed = installed[strings.Index(installed, "[Unit]"):]
		}
		if err := os.WriteFile(filepath.Join(dir, to), []byte(installed), 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}
