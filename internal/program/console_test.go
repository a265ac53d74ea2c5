package program

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// longCommand is a command of a program with a terminal as its standard error.
type longCommand struct{}

func (longCommand) Run(p Program, log *slog.Logger, work func(*console, *slog.Logger)) error {
	c := p.Stderr.(*console)
	c.terminal = true
	work(c, log)
	return nil
}

type longArguments struct {
	Long longCommand `cmd:""`
	LogFlags
}

// screen returns the lines that a terminal shows after all of text: a carriage
// return goes back to the start of the line, and what follows overwrites it.
func screen(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		var shown []rune
		at := 0
		for _, r := range strings.TrimSuffix(line, "\n") {
			switch {
			case r == '\r':
				at = 0
				continue
			case at < len(shown):
				shown[at] = r
			default:
				shown = append(shown, r)
			}
			at++
		}
		if text := strings.TrimRight(string(shown), " "); text != "" {
			lines = append(lines, text)
		}
	}
	return lines
}

func TestLinesPushTheBarDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := Program{Name: "prog", Stdout: io.Discard, Stderr: &out}
		work := func(c *console, log *slog.Logger) {
			done := 0
			stop := NewProgress(c, log, "replaying").Start(t.Context(), func() State {
				done++
				return State{Done: done, Total: 4, Text: "some rows"}
			})
			shown := func() []string {
				synctest.Wait()
				c.mu.Lock()
				defer c.mu.Unlock()
				return screen(out.String())
			}
			time.Sleep(2*barRefresh + barRefresh/2)
			if lines := shown(); len(lines) != 1 || !strings.HasPrefix(lines[0], "some rows") {
				t.Errorf("there is no bar: %q", lines)
			}
			log.Info("first")
			if lines := shown(); len(lines) != 1 || !strings.HasPrefix(lines[0], "time=") ||
				!strings.HasSuffix(lines[0], "msg=first") {
				t.Errorf("the line has not replaced the bar: %q", lines)
			}
			time.Sleep(5 * barRefresh) // meanwhile more is done than the total says
			if lines := shown(); len(lines) != 2 || !strings.HasPrefix(lines[1], "some rows") {
				t.Errorf("the bar is not below the line: %q", lines)
			}
			stop()
			if lines := shown(); len(lines) != 1 {
				t.Errorf("the bar is left behind: %q", lines)
			}
			log.Info("second")
			if lines := shown(); len(lines) != 2 || !strings.HasSuffix(lines[1], "msg=second") {
				t.Errorf("after the bar: %q", lines)
			}
		}
		if code := p.Run(t.Context(), new(longArguments), []string{"long"}, work); code != ExitDone ||
			strings.Contains(out.String(), "replaying") {
			t.Errorf("exit code %d, or a heartbeat beside the bar:\n%s", code, out.String())
		}
	})
}
