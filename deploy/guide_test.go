package deploy_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// released are the templates by their names in a release.
var released = map[string]string{
	"A360-Analytics.yaml": hub, "A360-Sender.yaml": spoke, "A360-Sender-Region.yaml": spokeRegion,
	"A360-Organization.yaml": organization, "A360-Athena.yaml": athena, "A360-Dashboards.json": dashboards,
}

// A command of a document that deploys a template.
type command struct {
	document, template string
	given              []string // parameters
}

var (
	deployRE   = regexp.MustCompile(`aws cloudformation deploy (?:.*\\\n)*.*`)
	templateRE = regexp.MustCompile(`--template-file \S*/(\S+)`)
	overrideRE = regexp.MustCompile(`\b([A-Z][A-Za-z0-9]+)=`)
)

// commands returns those of the documents, in the order in which people meet them. In place of $SPOKE stands what the
// hub hands over.
func commands(t *testing.T, handedOver string) (all []command) {
	t.Helper()
	documents := []string{"deployment.md", "quicksight.md", "archive-format.md", "upgrade.md", "live-check.md"}
	for _, document := range documents {
		text, err := os.ReadFile("../docs/" + document)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range deployRE.FindAllString(string(text), -1) {
			c := command{document: document}
			if file := templateRE.FindStringSubmatch(line); file != nil {
				c.template = file[1]
			}
			if source, ok := released[c.template]; ok {
				c.template = source
			}
			_, overrides, _ := strings.Cut(line, "--parameter-overrides")
			overrides = strings.ReplaceAll(overrides, "$SPOKE ", handedOver)
			for _, override := range overrideRE.FindAllStringSubmatch(overrides, -1) {
				c.given = append(c.given, override[1])
			}
			all = append(all, c)
		}
	}
	return all
}

// TestGuidesGiveParameters: the commands in the documents give parameters that there are, and the first command for a
// template gives all that have no default.
func TestGuidesGiveParameters(t *testing.T) {
	ts := read(t)
	handedOver := strings.Join(leaves(get(ts[hub].root, "Outputs", "SpokeParameters", "Value")), "")
	seen := map[string]bool{}
	for _, c := range commands(t, handedOver) {
		template := ts[c.template]
		if template == nil {
			t.Errorf("docs/%s: there is no template %q", c.document, c.template)
			continue
		}
		parameters := template.section("Parameters")
		for _, name := range c.given {
			if !slices.Contains(parameters, name) {
				t.Errorf("docs/%s: %s has no parameter %s", c.document, c.template, name)
			}
		}
		for _, name := range parameters {
			byRelease := strings.HasSuffix(name, "ZipKey") || strings.HasSuffix(name, "ZipSha256")
			hasDefault := get(template.root, "Parameters", name, "Default") != nil
			if !seen[c.template] && !hasDefault && !byRelease && !slices.Contains(c.given, name) {
				t.Errorf("docs/%s: the first command for %s does not give %s", c.document, c.template, name)
			}
		}
		seen[c.template] = true
	}
	for name := range ts {
		if !seen[name] && name != spokeRegion { // which organization.yaml deploys
			t.Errorf("no document has a command for %s", name)
		}
	}
}
