package program

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// frame is what is drawn on a terminal at once.
type frame struct {
	bytes.Buffer
	terminal *os.File // nil if what is drawn on is none
}

// What a terminal is told: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l" // a screen of its own, no cursor, lines are cut
	leaveScreen = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	toTop       = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// Watch shows something over and over, until ctx is done: show writes to the standard output
// of the Program that it gets, and is called again so long after it is done. On a terminal it
// is drawn in place, as much as there is room for; elsewhere one comes after the other, each
// below a line with the time. An error of the first call is returned; a later one is shown,
// and the next call may mend it.
func (p Program) Watch(ctx context.Context, every time.Duration, show func(Program) error) error {
	terminal := Terminal(p.Stdout)
	for first := true; ; first = false {
		f := &frame{terminal: terminal}
		fmt.Fprintf(f, "%s UTC, every %v; Ctrl-C ends it\n", time.Now().UTC().Format(time.DateTime), every)
		inner := p
		inner.Stdout = f
		switch err := show(inner); {
		case ctx.Err() != nil:
			return nil
		case err != nil && first:
			return err
		case err != nil:
			fmt.Fprintf(f, "%v\n", err)
		}
		if terminal == nil {
			f.WriteString("\n")
		} else if first {
			fmt.Fprint(p.Stdout, enterScreen)
			defer fmt.Fprint(p.Stdout, leaveScreen)
		}
		if _, err := p.Stdout.Write(f.drawn()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

// drawn returns what to write, on a terminal over what is there.
func (f *frame) drawn() []byte {
	if f.terminal == nil {
		return f.Bytes()
	}
	lines := strings.Split(strings.TrimRight(f.String(), "\n"), "\n")
	if _, height, err := term.GetSize(int(f.terminal.Fd())); err == nil && height > 1 && len(lines) > height {
		more := len(lines) - height + 1
		lines = append(lines[:height-1], fmt.Sprintf("… %d more lines: make the window higher", more))
	}
	return []byte(toTop + strings.Join(lines, clearLine+"\n") + clearLine + clearBelow)
}
