package ingest

import (
	"context"
	"sync"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/stream"
)

// session takes the records of one shard.
type session struct {
	pipeline *Pipeline
	lane     *lane
	shard    load.Shard

	mu        sync.Mutex
	queued    stream.Position // of the last record in a batch
	committed stream.Position
	err       error         // why the session has failed; nil while it works
	changed   chan struct{} // closed and replaced when committed or err changes
}

// fail ends the session; what it has in batches is left out of them.
func (s *session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		s.wake()
	}
}

func (s *session) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// failure returns why the session does not work any more, nil if it does.
func (s *session) failure() error {
	select {
	case <-s.pipeline.failed:
		return s.pipeline.failure
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// queue notes that everything up to p was taken.
func (s *session) queue(p stream.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queued = p
}

// commit notes that everything up to p is applied.
func (s *session) commit(p stream.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.committed = p
	s.wake()
}

// Deliver decodes records into the lane's open batch. It blocks while the budget
// is spent. Without records it tells whether the session still works.
func (s *session) Deliver(ctx context.Context, records []stream.Record) error {
	ctx, cancel := s.whileWorking(ctx)
	defer cancel(nil)
	for _, r := range records {
		if err := s.failure(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		cost := cost(r)
		if err := s.pipeline.acquire(ctx, cost); err != nil {
			return context.Cause(ctx)
		}
		s.lane.add(s, r, cost)
	}
	return s.failure()
}

// whileWorking returns a context that ends when the session or the pipeline fails.
func (s *session) whileWorking(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		for {
			s.mu.Lock()
			err, changed := s.err, s.changed
			s.mu.Unlock()
			if err != nil {
				cancel(err)
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-s.pipeline.failed:
				cancel(s.pipeline.failure)
				return
			case <-changed:
			}
		}
	}()
	return ctx, cancel
}

// Drain waits until everything delivered is applied. With an error it returns the
// position that is known to be.
func (s *session) Drain(ctx context.Context) (stream.Position, error) {
	defer s.pipeline.close(s)
	err := s.wait(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.committed, err
}

// End waits likewise, and records that the shard has ended.
func (s *session) End(ctx context.Context) error {
	defer s.pipeline.close(s)
	s.lane.addEnd(s)
	return s.wait(ctx)
}

// Abandon drops what is not yet applied.
func (s *session) Abandon() {
	s.fail(errAbandoned)
	s.pipeline.close(s)
}

// wait waits until everything queued is committed.
func (s *session) wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		done, err, changed := s.committed == s.queued, s.err, s.changed
		s.mu.Unlock()
		if err != nil || done {
			return err
		}
		s.lane.flush()
		select {
		case <-ctx.Done():
			s.fail(errAbandoned)
			return context.Cause(ctx)
		case <-s.pipeline.failed:
			return s.pipeline.failure
		case <-changed:
		}
	}
}
