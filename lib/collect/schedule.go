package collect

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// firstRetry is how soon a run that failed is repeated, if its interval is
// longer. It doubles until it reaches the interval.
const firstRetry = 15 * time.Minute

// Run collects every scope at its interval until ctx is done, and then returns
// nil: results are in the log and the hooks. A run is repeated sooner if it failed or
// was throttled, or if its rows did not reach the archive and the stream, and after a
// hint (see Hear).
//
// Only collections at work have a goroutine: in a hundred accounts there are ten thousand
// scopes that wait.
func (r *Runner) Run(ctx context.Context) error {
	now := time.Now()
	for _, t := range r.targets {
		t.due = now
		if jitter := min(r.cfg.Jitter, t.declared.Every); jitter > 0 {
			t.due = now.Add(rand.N(jitter))
		}
	}
	var working sync.WaitGroup
	for _, kind := range []*kind{&r.long, &r.short} {
		working.Go(func() { r.dispatch(ctx, kind, &working) })
	}
	working.Wait()
	return nil
}

// kind is all targets of a runner that are long, or all others: they wait for places of
// their own.
type kind struct {
	long bool
	wake chan struct{} // has room for one: a target may be due sooner
}

func newKind(long bool) kind { return kind{long, make(chan struct{}, 1)} }

// wakeUp makes the runner look again when its next run is due.
func (r *Runner) wakeUp() {
	for _, kind := range []*kind{&r.long, &r.short} {
		select {
		case kind.wake <- struct{}{}:
		default:
		}
	}
}

// dispatch starts runs as they become due, that of the longest wait first.
func (r *Runner) dispatch(ctx context.Context, kind *kind, working *sync.WaitGroup) {
	for r.waitForDue(ctx, kind) {
		release, err := r.acquire(ctx, kind.long)
		if err != nil {
			return
		}
		t := r.take(kind)
		if t == nil {
			release()
			continue
		}
		working.Go(func() {
			r.runAgain(ctx, t, release)
			r.mu.Lock()
			t.running = false
			r.mu.Unlock()
			r.wakeUp()
		})
	}
}

// runAgain collects a target and says when it is due again.
func (r *Runner) runAgain(ctx context.Context, t *target, release func()) {
	every, due := t.declared.Every, t.due
	start := time.Now()
	early := start.Before(due)
	results := r.collect(ctx, t, every, early)
	release()

	now := time.Now()
	switch {
	case !early:
		due = due.Add(every)
	case results[0].Since.IsZero() && allSent(results):
		due = start.Add(every) // it did what the regular run would have done
	}
	if due.Before(now) {
		due = now // one run late, not a pile of missed ones
	}
	if !retryable(results) {
		t.failures = 0
	} else {
		due = earlier(due, now.Add(firstRetry<<min(t.failures, 10)))
		t.failures++
	}
	if exhausted(results) {
		t.hints.block(due)
	}
	t.due = due
}

// next returns the target of a kind that is due first, and when; nil if all are at work.
func (r *Runner) next(kind *kind) (first *target, due time.Time) {
	for _, t := range r.targets {
		if t.running || t.long() != kind.long {
			continue
		}
		if at := t.hints.due(t.due); first == nil || at.Before(due) {
			first, due = t, at
		}
	}
	return first, due
}

// take returns the target that is due first and marks it as running; nil if none is due.
func (r *Runner) take(kind *kind) *target {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, due := r.next(kind)
	if t == nil || due.After(time.Now()) {
		return nil
	}
	t.running = true
	return t
}

// waitForDue sleeps until a target is due, because of a hint or at the regular time, and
// reports false once ctx is done.
func (r *Runner) waitForDue(ctx context.Context, kind *kind) bool {
	for {
		r.mu.Lock()
		t, due := r.next(kind)
		r.mu.Unlock()
		var fires <-chan time.Time // never, where all are at work
		if t != nil {
			fires = time.After(time.Until(due))
		}
		select {
		case <-ctx.Done():
			return false
		case <-kind.wake:
		case <-fires:
			return ctx.Err() == nil
		}
	}
}

// exhausted reports whether nothing may be asked before the next regular run or the
// retry, whatever events say.
func exhausted(results []Result) bool {
	return slices.ContainsFunc(results, func(r Result) bool {
		return errors.Is(r.CollectErr, errPaidLimit) || Classify(r.CollectErr) == schema.Throttled
	})
}

// retryable reports whether any of the runs is worth another try.
func retryable(results []Result) bool { return slices.ContainsFunc(results, Result.Retryable) }

// hintOverlap is how far before the last run one that a hint made due begins.
const hintOverlap = time.Minute

// mark is from where an incremental collector goes on. It lives in memory only:
// after a restart everything is read once.
//
// A run that a hint made due asks for what changed since the last run of any kind, and
// moves only last. Regular runs go on from the one before, so that what a hinted run did
// not see yet is read all the same.
type mark struct {
	full    time.Time // start of the last run that read everything, and sent it
	regular time.Time // start of the last regular run that read what it asked for, and sent it
	last    time.Time // start of the last run of any kind that did
}

// since returns what Env.Since is for a run of the target that starts at now.
func (r *Runner) since(t *target, now time.Time, early bool) time.Time {
	i := t.declared.Incremental
	switch {
	case !r.cfg.Stateless:
		return t.mark.since(now, i, early)
	case i == nil || r.cfg.Scheduled.IsZero():
		return time.Time{}
	}
	return r.cfg.Scheduled.Add(-2*t.declared.Every - i.Overlap)
}

// since returns what Env.Since is for a run that starts at now.
func (m mark) since(now time.Time, i *Incremental, early bool) time.Time {
	switch {
	case i == nil || m.full.IsZero():
		return time.Time{}
	case early:
		return m.last.Add(-hintOverlap)
	case now.Sub(m.full) >= i.FullEvery:
		return time.Time{}
	}
	return m.regular.Add(-i.Overlap)
}

// advance takes the results of a collection into account: what a run did not read
// or send must be asked for again. A row that was refused must not: it would be
// refused again, and everything be read every time because of it.
func (m *mark) advance(results []Result, early bool) {
	if !allSent(results) {
		return
	}
	m.last = results[0].Run.Time()
	if results[0].Since.IsZero() {
		m.full, m.regular = m.last, m.last
	} else if !early {
		m.regular = m.last
	}
}

// allSent reports whether runs read and sent everything that they asked for, but for
// rows that were refused.
func allSent(results []Result) bool {
	return !slices.ContainsFunc(results, func(r Result) bool {
		return r.CollectErr != nil || r.PublishErr != nil || r.ArchiveErr != nil
	})
}
