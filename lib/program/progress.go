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
	// Log is where the command logs meanwhile: a line would tear the bar.
	Log *slog.Logger

	what string
	bar  *progressbar.ProgressBar // nil if there is no terminal
}

// NewProgress returns the Progress of what is done, a word such as "replaying".
func NewProgress(stderr io.Writer, log *slog.Logger, what string) *Progress {
	p := &Progress{Log: log, what: what}
	if file, ok := stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(stderr), progressbar.OptionClearOnFinish(),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(barRefresh))
		p.Log = slog.New(slog.DiscardHandler)
	}
	return p
}

// State is how far a command is.
type State struct {
	// Done of Total; a Total of 0 is not known.
	Done, Total int
	// Detail is what else there is to say: names and values in turn, as slog has them.
	Detail []any
	// Text says the same for people.
	Text string
}

// Start shows what state returns, until the returned function is called.
func (p *Progress) Start(ctx context.Context, state func() State) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	every := heartbeat
	if p.bar != nil {
		every = barRefresh
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
				p.show(state())
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

func (p *Progress) show(s State) {
	if p.bar == nil {
		p.Log.Info(p.what, append([]any{"done", s.Done, "of", s.Total}, s.Detail...)...)
		return
	}
	p.bar.ChangeMax(max(s.Total, s.Done, 1))
	p.bar.Describe(s.Text)
	p.bar.Set(s.Done)
}
