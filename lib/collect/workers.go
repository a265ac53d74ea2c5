package collect

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"
)

// Workers bounds how many collections run at the same time, of one runner or several.
//
// Long ones take at most half of the places (and one where there is only one), so that
// hours of reading packages and resources do not keep what is due every 15 minutes
// waiting. A collection is long if its collector says so (Collector.Long), or if the
// last one took more than 5 minutes.
type Workers struct {
	all, long *semaphore.Weighted
}

// NewWorkers returns workers for so many collections at once, at least one.
func NewWorkers(places int) *Workers {
	places = max(places, 1)
	return &Workers{
		all:  semaphore.NewWeighted(int64(places)),
		long: semaphore.NewWeighted(int64(max(places/2, 1))),
	}
}

// longRun is how long a collection may take that is not long.
const longRun = 5 * time.Minute

// acquire waits for a place of the runner, and then for one that it shares with others.
// The caller releases both.
func (r *Runner) acquire(ctx context.Context, long bool) (release func(), err error) {
	own, err := r.own.acquire(ctx, long)
	if err != nil {
		return nil, err
	}
	shared, err := r.cfg.Workers.acquire(ctx, long)
	if err != nil {
		own()
		return nil, err
	}
	return func() { shared(); own() }, nil
}

// acquire waits for a place; nil workers have any number. The caller releases it.
func (w *Workers) acquire(ctx context.Context, long bool) (release func(), err error) {
	if w == nil {
		return func() {}, nil
	}
	if !long {
		return func() { w.all.Release(1) }, w.all.Acquire(ctx, 1)
	}
	// In this order: one that waits for its share must not hold a place.
	if err := w.long.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	if err := w.all.Acquire(ctx, 1); err != nil {
		w.long.Release(1)
		return nil, err
	}
	return func() { w.all.Release(1); w.long.Release(1) }, nil
}

// long reports whether the next collection of the target may take long.
func (t *target) long() bool { return t.declared.Long || t.took > longRun }
