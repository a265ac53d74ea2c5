package program

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	barRefresh = 200 * time.Millisecond
	heartbeat  = 10 * time.Second
)

// Progress shows how far a long command is: a bar if standard error is a
// terminal, else a line in the log now and then.
type Progress struct {
	log     *slog.Logger
	what    string
	console *console // nil if there is no terminal
}

// NewProgress returns the Progress of what is done, a word such as "replaying".
// stderr is that of the [Program] that Run gave to the command: there the lines of
// the log and the bar do not tear each other. For any other writer there is no bar.
func NewProgress(stderr io.Writer, log *slog.Logger, what string) *Progress {
	p := &Progress{log: log, what: what}
	if c, ok := stderr.(*console); ok && c.terminal {
		p.console = c
	}
	return p
}

// State is how far a command is.
type State struct {
	// Done of Total, which may grow meanwhile; a Total of 0 is not known.
	Done, Total int
	// Detail is what else there is to say: names and values in turn, as slog has them.
	Detail []any
	// Text says the same for people.
	Text string
}

// Start shows what state returns, until the returned function is called.
func (p *Progress) Start(ctx context.Context, state func() State) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	every, show, end := heartbeat, p.beat, func() {}
	if p.console != nil {
		p.console.begin()
		every, show, end = barRefresh, p.console.draw, p.console.end
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				show(state())
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
		end()
	}
}

func (p *Progress) beat(s State) {
	p.log.Info(p.what, append([]any{"done", s.Done, "of", s.Total}, s.Detail...)...)
}

// console is standard error: what is written, such as lines of the log, pushes
// the bar down.
type console struct {
	w        io.Writer
	terminal bool

	mu  sync.Mutex
	bar *progressbar.ProgressBar // nil while there is none; used under mu, as it shares w
}

func newConsole(w io.Writer) *console {
	file, ok := w.(*os.File)
	return &console{w: w, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

// Write writes in place of the bar, which is drawn anew a moment later.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bar != nil {
		c.bar.Clear()
	}
	return c.w.Write(b)
}

func (c *console) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	// An unknown length, -1, would start a goroutine that draws whenever it likes.
	// The throttle makes the three changes of a State one drawing.
	c.bar = progressbar.NewOptions(1, progressbar.OptionSetWriter(c.w), progressbar.OptionClearOnFinish(),
		progressbar.OptionShowCount(),
		progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(false),
		progressbar.OptionThrottle(barRefresh/2))
}

func (c *console) draw(s State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bar.ChangeMax(max(s.Total, s.Done+1)) // a bar that reaches its end is gone for good
	c.bar.Describe(s.Text)
	c.bar.Set(s.Done)
}

func (c *console) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bar.Finish()
	c.bar = nil
}
