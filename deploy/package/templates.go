package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// templates has the names of the templates in a release, by which users of the predecessor
// know them. "" is not released.
var templates = map[string]string{
	"hub.yaml":          "A360-Analytics.yaml",
	"spoke.yaml":        "A360-Sender.yaml",
	"spoke-region.yaml": "A360-Sender-Region.yaml",
	"organization.yaml": "A360-Organization.yaml",
	"athena.yaml":       "A360-Athena.yaml",
	"dashboards.json":   "A360-Dashboards.json",
	"stack-policy.json": "stack-policy.json",
	"accepted.yaml":     "",
}

// functionArch is the architecture of the functions in the templates.
const functionArch = "arm64"

// templates writes the templates, with the release's artefacts as defaults of parameters.
func (r *release) templates(context.Context) error {
	artefacts, err := r.artefacts()
	if err != nil || artefacts == nil {
		return err
	}
	files, err := os.ReadDir("deploy/cloudformation")
	if err != nil {
		return err
	}
	for _, file := range files {
		if file.IsDir() {
			continue
		}
		name, ok := templates[file.Name()]
		if !ok {
			return fmt.Errorf("deploy/cloudformation/%s has no name in a release: give it one in templates.go", file.Name())
		}
		if name == "" {
			continue
		}
		text, err := os.ReadFile(filepath.Join("deploy/cloudformation", file.Name()))
		if err != nil {
			return err
		}
		if text, err = fill(text, artefacts); err != nil {
			return fmt.Errorf("deploy/cloudformation/%s: %w", file.Name(), err)
		}
		if err := os.WriteFile(filepath.Join(r.out, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// artefacts returns the values of parameters by their names; nil if the functions of the
// templates are not made.
func (r *release) artefacts() (map[string]string, error) {
	p := platform{"linux", functionArch}
	if !slices.Contains(r.platforms, p) {
		fmt.Fprintln(os.Stderr, "package: no templates: their functions are those of", functionArch)
		return nil, nil
	}
	values := map[string]string{}
	for parameter, program := range map[string]program{"Hub": programs[0], "Spoke": programs[1]} {
		name := functionName(program, p)
		sum, err := sha256Of(filepath.Join(r.out, name))
		if err != nil {
			return nil, err
		}
		values[parameter+"ZipKey"] = "releases/" + r.version + "/" + name
		values[parameter+"ZipSha256"] = base64.StdEncoding.EncodeToString(sum)
	}
	return values, nil
}

// fill gives the parameters of a template that are in values a default.
func fill(template []byte, values map[string]string) ([]byte, error) {
	for parameter, value := range values {
		block := regexp.MustCompile(`(?m)^  ` + parameter + `:\n(    .*\n)+`)
		found := block.FindIndex(template)
		if found == nil {
			continue
		}
		text := string(template[found[0]:found[1]])
		if strings.Contains(text, "\n    Default:") {
			return nil, fmt.Errorf("parameter %s has a default, which the release sets", parameter)
		}
		text = strings.Replace(text, "\n", fmt.Sprintf("\n    Default: %q\n", value), 1)
		template = slices.Replace(slices.Clone(template), found[0], found[1], []byte(text)...)
	}
	return template, nil
}
