package memstream

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hubspoke/observability/lib/stream"
)

const (
	// pause before a shard is opened again after its session failed.
	pause = 10 * time.Millisecond
	// idle is how often an idle session is asked whether it still works.
	idle = 100 * time.Millisecond
	// drainTimeout is how long a worker that stops waits for a session to drain.
	drainTimeout = 10 * time.Second
)

// worker is one Run.
type worker struct {
	stream *Stream
	sink   stream.Sink
}

// Run is a worker: it drives sink with the shards until ctx is done, and then
// drains the open sessions, for 10 seconds at most, and returns nil. It has one
// goroutine per shard. Workers that run at the same time share the shards
// evenly. A session that fails is abandoned, and another is opened from
// Progress after 10 milliseconds.
//
// If the cause of ctx is [ErrKilled], the worker dies without warning: it calls
// nothing any more, and its shards are free for others.
func (s *Stream) Run(ctx context.Context, sink stream.Sink) error {
	w := &worker{stream: s, sink: sink}
	s.mu.Lock()
	s.workers = append(s.workers, w)
	s.notify()
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.workers = slices.DeleteFunc(s.workers, func(x *worker) bool { return x == w })
		s.notify()
	}()

	var shards sync.WaitGroup
	defer shards.Wait()
	for known := 0; ; {
		s.mu.Lock()
		added, changed := s.shards[known:], s.changed
		known = len(s.shards)
		s.mu.Unlock()
		for _, sh := range added {
			shards.Go(func() { w.follow(ctx, sh) })
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// follow reads a shard whenever it is this worker's turn, until the shard has
// ended or ctx is done.
func (w *worker) follow(ctx context.Context, sh *shard) {
	for {
		l, ctxLease := w.acquire(ctx, sh)
		if l == nil {
			return
		}
		ended, err := w.read(ctx, ctxLease, sh, l)
		w.release(sh, l) // children that wait for the shard's end look again
		if ended || ctx.Err() != nil {
			return
		}
		if err != nil {
			sleep(ctx, pause)
		}
	}
}

// sleep waits for d or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// acquire waits for the lease of a shard. Its context ends when ctx does or the
// lease is lost. The lease is nil when ctx is done.
func (w *worker) acquire(ctx context.Context, sh *shard) (*lease, context.Context) {
	s := w.stream
	for ctx.Err() == nil {
		s.mu.Lock()
		if sh.lease == nil && s.assigned(sh) == w {
			ctxLease, lost := context.WithCancel(ctx)
			sh.lease = &lease{lost: lost}
			defer s.mu.Unlock()
			return sh.lease, ctxLease
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return nil, nil
}

// assigned returns the worker that is to read the shard: shards are dealt out
// to the workers in turn; mu must be held.
func (s *Stream) assigned(sh *shard) *worker {
	if len(s.workers) == 0 {
		return nil
	}
	return s.workers[slices.Index(s.shards, sh)%len(s.workers)]
}

// release gives the lease back, unless it was lost.
func (w *worker) release(sh *shard, l *lease) {
	w.stream.mu.Lock()
	defer w.stream.mu.Unlock()
	l.lost()
	if sh.lease == l {
		sh.lease = nil
		w.stream.notify()
	}
}

// read reads a shard for as long as the lease holds. It returns whether the
// shard has ended.
func (w *worker) read(ctx, ctxLease context.Context, sh *shard, l *lease) (ended bool, err error) {
	if ready, err := w.awaitParents(ctxLease, sh); !ready {
		return false, err
	}
	from, err := w.sink.Progress(ctxLease, sh.name)
	if err != nil {
		return false, err
	}
	if from.Ended {
		return true, nil
	}
	if err := w.tellGap(ctxLease, sh, from); err != nil {
		return false, err
	}
	session := w.sink.Open(sh.name, from)
	if !w.hold(sh, l, session) {
		session.Abandon()
		return false, nil
	}
	next, err := w.deliver(ctxLease, sh, l, session, from.Sequence)
	if errors.Is(context.Cause(ctx), ErrKilled) || w.lost(sh, l) {
		return false, nil // dead, or LoseLease has abandoned the session
	}
	ctxFinish, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	switch next {
	case drain:
		_, err = session.Drain(ctxFinish)
	case end:
		err = session.End(ctxFinish)
	}
	if err != nil || next == abandon {
		session.Abandon()
		return false, err
	}
	return next == end, nil
}

// awaitParents waits until the sink has applied the ends of all parents. It
// returns false when the shard is no longer this worker's, or with an error.
func (w *worker) awaitParents(ctx context.Context, sh *shard) (bool, error) {
	for _, parent := range sh.parents {
		for {
			w.stream.mu.Lock()
			changed, assigned := w.stream.changed, w.stream.assigned(sh)
			w.stream.mu.Unlock()
			if assigned != w {
				return false, nil
			}
			position, err := w.sink.Progress(ctx, parent)
			if err != nil {
				return false, err
			}
			if position.Ended {
				break
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return false, ctx.Err()
			}
		}
	}
	return true, nil
}

// tellGap tells the sink of records behind from that the shard has lost.
func (w *worker) tellGap(ctx context.Context, sh *shard, from stream.Position) error {
	w.stream.mu.Lock()
	trimmed := sh.trimmed
	gap := stream.Gap{After: from.Sequence, Reason: "the stream has trimmed the records"}
	if len(sh.records) > 0 {
		gap.Until = sh.records[0].Sequence
	}
	w.stream.mu.Unlock()
	if stream.CompareSequences(trimmed, from.Sequence) <= 0 {
		return nil
	}
	return w.sink.Gap(ctx, sh.name, gap)
}

// hold makes the session known to LoseLease. It reports whether the lease is
// still there.
func (w *worker) hold(sh *shard, l *lease, session stream.Session) bool {
	w.stream.mu.Lock()
	defer w.stream.mu.Unlock()
	l.session = session
	return sh.lease == l
}

// lost reports whether the lease was taken away.
func (w *worker) lost(sh *shard, l *lease) bool {
	w.stream.mu.Lock()
	defer w.stream.mu.Unlock()
	return sh.lease != l
}

// step is what a reader does next.
type step int

const (
	deliver step = iota
	wait
	drain
	end
	abandon
)

// deliver delivers records until the session is to end, and says how.
func (w *worker) deliver(ctx context.Context, sh *shard, l *lease, session stream.Session, at string) (step, error) {
	for {
		t := w.next(ctx, sh, l, at)
		switch t.step {
		case deliver:
			if t.emptyFirst {
				if err := session.Deliver(ctx, nil); err != nil {
					return abandon, err
				}
			}
			at = t.records[len(t.records)-1].Sequence
			if err := session.Deliver(ctx, t.records); err != nil {
				return abandon, err
			}
			if w.unlucky() {
				return abandon, nil
			}
		case wait:
			select {
			case <-t.changed:
			case <-ctx.Done():
			case <-time.After(idle):
				if err := session.Deliver(ctx, nil); err != nil {
					return abandon, err
				}
			}
		default:
			return t.step, nil
		}
	}
}

// turn is a step with what it needs.
type turn struct {
	step       step
	records    []stream.Record // to deliver
	emptyFirst bool            // after a delivery of nothing
	changed    <-chan struct{} // to wait for
}

// next decides what to do behind the sequence number at.
func (w *worker) next(ctx context.Context, sh *shard, l *lease, at string) turn {
	s := w.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case sh.lease != l:
		return turn{step: abandon}
	case ctx.Err() != nil || s.assigned(sh) != w:
		return turn{step: drain}
	}
	if records := sh.after(at, s.batchSize()); len(records) > 0 {
		t := turn{step: deliver, records: records, emptyFirst: s.chance(s.faults.Empty)}
		if t.emptyFirst {
			s.injected.Empty++
		}
		return t
	}
	if sh.closed {
		return turn{step: end}
	}
	return turn{step: wait, changed: s.changed}
}

// unlucky draws whether the lease is lost now.
func (w *worker) unlucky() bool {
	w.stream.mu.Lock()
	defer w.stream.mu.Unlock()
	if !w.stream.chance(w.stream.faults.Abandon) {
		return false
	}
	w.stream.injected.Abandon++
	return true
}
