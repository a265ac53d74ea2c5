package internal_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestUnits: systemd takes the units, and counts them as well sandboxed; and each file that
// they name is beside them.
func TestUnits(t *testing.T) {
	units, err := filepath.Glob("../deploy/systemd/*.service")
	if err != nil || len(units) != 2 {
		t.Fatalf("%q, %v", units, err)
	}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^EnvironmentFile=/etc/(.*)$`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat("../deploy/systemd/" + m[1]); err != nil {
				t.Error(err)
			}
		}
		// The program is not installed here.
		installed := regexp.MustCompile(`(?m)^ExecStart=\S+`).ReplaceAllString(string(text), "ExecStart=/bin/true")
		copied := filepath.Join(t.TempDir(), filepath.Base(unit))
		if err := os.WriteFile(copied, []byte(installed), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"verify"}, {"security", "--offline=yes", "--threshold=20"}} {
			tool, err := exec.LookPath("systemd-analyze")
			if err != nil {
				t.Log("systemd-analyze is missing: the unit is not verified")
				break
			}
			out, err := exec.Command(tool, append(args, copied)...).CombinedOutput()
			if err != nil || args[0] == "verify" && strings.TrimSpace(string(out)) != "" {
				t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		}
	}
}
