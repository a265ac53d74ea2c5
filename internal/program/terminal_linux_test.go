package program_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
)

// widthCommand shows what it knows of its outputs.
type widthCommand struct{}

func (widthCommand) Run(p program.Program) error {
	fmt.Fprint(p.Stdout, program.Width(p.Stdout), " ", program.Terminal(p.Stdout) != nil, " ", program.Width(p.Stderr))
	return nil
}

func TestWidthOfATerminal(t *testing.T) {
	for _, test := range []struct {
		columns int
		env     string
		want    string
	}{{97, "", "97 true 0"}, {0, "", "80 true 0"}, {97, "60", "60 true 60"}} {
		t.Setenv("COLUMNS", test.env)
		tty, output := programtest.Terminal(t, test.columns)
		p := program.Program{Name: "prog", Stdout: tty, Stderr: io.Discard}
		if code := p.Run(t.Context(), &struct {
			Width widthCommand `cmd:""`
		}{}, []string{"width"}); code != program.ExitDone {
			t.Errorf("exit code %d", code)
		}
		if got := output(); got != test.want {
			t.Errorf("%d columns, COLUMNS=%q: %q, want %q", test.columns, test.env, got, test.want)
		}
	}
}

func TestTableInATerminal(t *testing.T) {
	t.Setenv("COLUMNS", "")
	tty, output := programtest.Terminal(t, 80)
	table := program.NewTable(tty, "name", "reason")
	table.AppendRow([]any{"x", strings.Repeat("word ", 40)})
	table.Render()
	if text := output(); widest(text) != 80 || strings.Count(text, "word") != 40 {
		t.Errorf("%d characters:\n%s", widest(text), text)
	}
}
