package replay

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// requestsAhead is how many requests to S3 a replay has under way at once. With 30 ms
// for an answer that is about 2,000 objects a second.
const requestsAhead = 64

// future is an object that is being read.
type future[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// read starts reading an object. f must end with ctx.
func read[T any](ctx context.Context, r *replay, f func() (T, error)) *future[T] {
	o := &future[T]{done: make(chan struct{})}
	r.work.Go(func() error {
		defer close(o.done)
		if o.err = send(ctx, r.requests, struct{}{}); o.err != nil {
			return nil
		}
		defer func() { <-r.requests }()
		o.value, o.err = f()
		return nil // who waits for the object deals with the error
	})
	return o
}

func (o *future[T]) wait() (T, error) {
	<-o.done
	return o.value, o.err
}

// budget is a number of bytes that are shared by what is in memory.
type budget struct {
	*semaphore.Weighted
	size int64
}

func newBudget(size int64) *budget { return &budget{semaphore.NewWeighted(size), size} }

// take waits for n bytes, or for all there are if n is more, and returns what gives
// them back.
func (b *budget) take(ctx context.Context, n int64) (giveBack func(), err error) {
	n = min(n, b.size)
	if err := b.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { b.Release(n) }, nil
}

// send sends v unless ctx ends first.
func send[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
