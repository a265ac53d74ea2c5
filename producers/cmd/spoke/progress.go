package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	barRefresh    = 200 * time.Millisecond
	heartbeatTime = 10 * time.Second
)

// console is standard error: lines of the log push the bar down.
type console struct {
	io.Writer
	mu  sync.Mutex
	bar *progressbar.ProgressBar // nil while there is none
}

// Write writes above the bar, which draws itself anew a moment later.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bar != nil {
		c.bar.Clear()
	}
	return c.Writer.Write(b)
}

func (c *console) show(bar *progressbar.ProgressBar) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bar = bar
}

// progress shows how far a long command is: a bar if standard error is a
// terminal, else a line in the log now and then.
type progress struct {
	counter
	log     *slog.Logger
	console *console
	bar     *progressbar.ProgressBar // nil if there is no terminal
}

func newProgress(c *console, log *slog.Logger) *progress {
	p := &progress{log: log, console: c}
	if file, ok := c.Writer.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(file), progressbar.OptionClearOnFinish(),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(barRefresh))
	}
	return p
}

// start shows progress until the returned function is called.
func (p *progress) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	every := heartbeatTime
	if p.bar != nil {
		every = barRefresh
		p.bar.ChangeMax(p.total)
		p.console.show(p.bar)
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
				p.show()
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
		if p.bar != nil {
			p.console.show(nil)
			p.bar.Finish()
		}
	}
}

func (p *progress) show() {
	done, rows := int(p.done.Load()), p.rows.Load()
	if p.bar == nil {
		p.log.Info("collecting", "done", done, "of", p.total, "rows", rows, "faults", p.faults.Load())
		return
	}
	p.bar.Describe(fmt.Sprintf("%d rows", rows))
	p.bar.Set(min(done, p.total)) // a sliced category has more runs than scopes
}
