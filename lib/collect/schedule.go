package collect

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// firstRetry is how soon a run that failed is repeated, if its interval is
// longer. It doubles until it reaches the interval.
const firstRetry = 15 * time.Minute

// Run collects every scope at its interval until ctx is done, and then returns
// nil: results are in the log and the hooks. A run is repeated sooner if it failed or
// was throttled, or if its rows did not reach the archive and the stream.
func (r *Runner) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, t := range r.targets {
		wg.Go(func() { r.repeat(ctx, t) })
	}
	wg.Wait()
	return nil
}

func (r *Runner) repeat(ctx context.Context, t *target) {
	every, failures := t.declared.Every, 0
	due := time.Now()
	if jitter := min(r.cfg.Jitter, every); jitter > 0 {
		due = due.Add(rand.N(jitter))
	}
	for sleepUntil(ctx, due) {
		release, err := r.acquire(ctx, t.long())
		if err != nil {
			return
		}
		results := r.collect(ctx, t, every)
		release()

		now := time.Now()
		if due = due.Add(every); due.Before(now) {
			due = now // one run late, not a pile of missed ones
		}
		if !retryable(results) {
			failures = 0
			continue
		}
		if sooner := now.Add(firstRetry << min(failures, 10)); sooner.Before(due) {
			due = sooner
		}
		failures++
	}
}

// retryable reports whether another run soon has a chance to do better: a row
// that is refused today, or a permission that is missing, stays so for a while, and
// requests that AWS charges for are not repeated.
func retryable(results []Result) bool {
	for _, r := range results {
		if r.PublishErr != nil || r.ArchiveErr != nil {
			return true
		}
		if errors.Is(r.CollectErr, errPaidLimit) {
			continue // what is too expensive once is not better twice
		}
		if why := Classify(r.CollectErr); why == schema.Failed || why == schema.Throttled {
			return true
		}
	}
	return false
}

func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// mark is from where an incremental collector goes on. It lives in memory only:
// after a restart everything is read once.
type mark struct {
	full time.Time // start of the last run that read everything, and sent it
	last time.Time // start of the last run that read what it asked for, and sent it
}

// since returns what Env.Since is for a run that starts at now.
func (m mark) since(now time.Time, i *Incremental) time.Time {
	if i == nil || m.full.IsZero() || now.Sub(m.full) >= i.FullEvery {
		return time.Time{}
	}
	return m.last.Add(-i.Overlap)
}

// advance takes the results of a collection into account: what a run did not read
// or send must be asked for again. A row that was refused must not: it would be
// refused again, and everything be read every time because of it.
func (m *mark) advance(results []Result) {
	for _, r := range results {
		if r.CollectErr != nil || r.PublishErr != nil || r.ArchiveErr != nil {
			return
		}
	}
	start := results[0].Run.Time()
	if results[0].Since.IsZero() {
		m.full = start
	}
	m.last = start
}
