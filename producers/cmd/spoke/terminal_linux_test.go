package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
)

func TestTablesFitATerminal(t *testing.T) {
	t.Setenv("COLUMNS", "")
	denied := fmt.Errorf("AccessDeniedException: %s is not authorized to perform securityhub:GetFindings", roleARN)
	for _, test := range []struct {
		args, want string
		find       findSources
	}{
		{"categories", "secretsmanager:ListSecrets", nil},
		{"once", "more columns: use -o json", fixed(collector(things, denied, thing{ID: strings.Repeat("long", 30)}))},
		{"once --bucket hub-archive", "│ partial │    1 │", fixed(collector(things, denied, thing{ID: "a"}))},
	} {
		fake(t)
		t.Setenv("COLUMNS", "")
		tty, output := programtest.Terminal(t, 80)
		code := run(t.Context(), tty, tty, test.find, append(strings.Fields(test.args), "--log-level", "error"))
		text := output()
		if code != program.ExitDone && code != program.ExitPartly || !strings.Contains(text, test.want) {
			t.Errorf("spoke %s: exit code %d:\n%s", test.args, code, text)
		}
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 && !strings.HasPrefix(line, "time=") {
				t.Errorf("spoke %s: a line of %d characters:\n%s", test.args, n, text)
				break
			}
		}
		if testing.Verbose() {
			t.Logf("spoke %s\n%s", test.args, text)
		}
	}
}
