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

// progress shows how far a long command is: a bar if standard error is a
// terminal, else a line in the log now and then.
type progress struct {
	counter
	log *slog.Logger
	bar *progressbar.ProgressBar // nil if there is no terminal
}

func newProgress(stderr io.Writer, log *slog.Logger) *progress {
	p := &progress{log: log}
	if file, ok := stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(stderr), progressbar.OptionClearOnFinish(),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(barRefresh))
		// A line of the log would tear the bar; the results say the same at the end.
		p.log = slog.New(slog.DiscardHandler)
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
