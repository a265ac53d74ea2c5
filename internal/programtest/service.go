package programtest

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// EnvironmentFile returns the settings with a prefix in an example of an environment file, as
// NAME=value, those included that are commented out. Lines must be settings or comments.
func EnvironmentFile(t testing.TB, path, prefix string) (settings []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	settingRE := regexp.MustCompile(`^#?([A-Z][A-Z0-9_]*)=(\S+)$`)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		if !settingRE.MatchString(line) {
			t.Errorf("%s: %q is neither a setting nor a comment", path, line)
		}
		if line = strings.TrimPrefix(line, "#"); strings.HasPrefix(line, prefix) {
			settings = append(settings, line)
		}
	}
	if len(settings) < 5 {
		t.Errorf("%s has only the settings %q", path, settings)
	}
	return settings
}

// AllInForce checks what `config -o json` said of an environment with the settings: it knows
// each, and takes its value from the environment.
func AllInForce(t testing.TB, settings []string, code int, stdout, stderr string) {
	t.Helper()
	var got struct {
		Settings []struct{ Variable, Origin string }
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, stdout, stderr)
	}
	origin := map[string]string{}
	for _, s := range got.Settings {
		origin[s.Variable] = s.Origin
	}
	for _, setting := range settings {
		name, _, _ := strings.Cut(setting, "=")
		if origin[name] != "environment" {
			t.Errorf("%s is no setting of the command: its origin is %q", name, origin[name])
		}
	}
}
