package program_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

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

func TestWatchDrawsInPlace(t *testing.T) {
	t.Setenv("COLUMNS", "")
	tty, output := programtest.Terminal(t, 80)
	ctx, stop := context.WithCancel(t.Context())
	calls := 0
	err := program.Program{Stdout: tty}.Watch(ctx, time.Nanosecond, func(p program.Program) error {
		if calls++; calls == 2 {
			stop()
		}
		if program.Width(p.Stdout) != 80 {
			t.Errorf("the width is %d", program.Width(p.Stdout))
		}
		for n := range 30 {
			fmt.Fprintln(p.Stdout, "call", calls, "line", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	text := output()
	for _, want := range []string{"\x1b[?1049h", "\x1b[H20", "\ncall 1 line 21\x1b[K\n… 8 more lines: make the " +
		"window higher\x1b[K\x1b[J"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is missing or there twice", want)
		}
	}
	if strings.Contains(text, "line 22") || !strings.HasSuffix(text, "\x1b[?1049l") {
		t.Errorf("%q", text)
	}
}
