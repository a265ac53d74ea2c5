package ingest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/stream"
)

// lane fills batches with the records of its sessions and applies them in order.
type lane struct {
	pipeline *Pipeline

	mu     sync.Mutex
	open   *batch // being filled; nil if nothing waits
	spare  map[string]*rowjson.Decoder
	sealed []*batch // full; bounded by the budget
	urgent bool     // the open batch is wanted now
	// stopped: nothing is applied any more, and nothing taken.
	stopped bool
	signal  chan struct{}
}

func newLane(p *Pipeline) *lane { return &lane{pipeline: p, signal: make(chan struct{}, 1)} }

// notify tells the committer that something has changed.
func (l *lane) notify() {
	select {
	case l.signal <- struct{}{}:
	default:
	}
}

// add appends a record to the open batch, and seals the batch when it is full. The
// cost was taken from the budget, which has it back when the batch is released.
func (l *lane) add(s *session, r stream.Record, cost int64) {
	d := l.pipeline.readers.Get().(*reader)
	full := l.append(s, r, d.read(r), cost)
	l.pipeline.readers.Put(d)
	l.notify()
	if full != nil {
		full.identify()
	}
}

// append returns the batch that the record has filled, nil if there is room left.
func (l *lane) append(s *session, r stream.Record, in input, cost int64) (full *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		l.pipeline.budget.Release(cost)
		s.queue(stream.Position{Sequence: r.Sequence}) // and Drain waits for the pipeline's error
		return nil
	}
	b := l.openBatch()
	b.bytes += cost
	b.add(s, r, in)
	if b.full() {
		l.seal()
		return b
	}
	if l.pipeline.waiting.Load() > 0 {
		l.urgent = true // the waiting caller has flushed only what was there before
	}
	return nil
}

// addEnd notes that the session's shard has ended.
func (l *lane) addEnd(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		s.queue(stream.Position{Ended: true})
		return
	}
	b := l.openBatch()
	to := b.advanceOf(s).To
	b.advance(s, stream.Position{Sequence: to.Sequence, Ended: true}, time.Time{})
	l.notify()
}

func (l *lane) openBatch() *batch {
	if l.open == nil {
		l.open, l.spare = newBatch(l.pipeline, l.spare), nil
	}
	return l.open
}

// seal moves the open batch to those that are ready.
func (l *lane) seal() {
	l.spare = l.open.seal()
	l.sealed = append(l.sealed, l.open)
	l.open, l.urgent = nil, false
}

// flush has the open batch applied without waiting for it to fill or age.
func (l *lane) flush() {
	l.mu.Lock()
	l.urgent = l.open != nil
	l.mu.Unlock()
	l.notify()
}

// run applies batches until ctx is done.
func (l *lane) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	defer l.discard()
	for {
		b, wait := l.next()
		if b != nil {
			if err := l.commit(ctx, b); err != nil {
				return err
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.signal:
		case <-timer.C:
		}
	}
}

// next returns the batch to apply now, or how long there will be none. An open
// batch that is old enough is taken as it is: it kept filling while the committer
// was busy.
func (l *lane) next() (*batch, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sealed) == 0 && l.open != nil {
		age := time.Since(l.open.started)
		if !l.urgent && age < l.pipeline.config.BatchAge {
			return nil, l.pipeline.config.BatchAge - age
		}
		l.seal()
	}
	if len(l.sealed) == 0 {
		return nil, time.Hour
	}
	b := l.sealed[0]
	l.sealed = slices.Delete(l.sealed, 0, 1)
	return b, 0
}

// commit applies a batch and tells its sessions.
func (l *lane) commit(ctx context.Context, b *batch) error {
	defer b.release()
	b.identify()
	sessions := b.withoutFailed()
	result, err := l.pipeline.loader.Apply(ctx, &b.Batch)
	if err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	for _, i := range result.Moved {
		sessions[i].fail(ErrSuperseded)
	}
	for i, s := range sessions {
		if s.failure() == nil {
			s.commit(b.Advances[i].To)
		}
	}
	for category, why := range result.Parked {
		l.pipeline.config.Logger.Error("category is parked until its table fits", "category", category, "error", why)
	}
	b.callHooks(result)
	return nil
}

// discard drops what was not applied when the pipeline stops. A session that has
// not noticed may still be about to add a record, or be identifying a batch.
func (l *lane) discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	if l.open != nil {
		l.seal()
	}
	for _, b := range l.sealed {
		b.release()
	}
	l.sealed = nil
	releaseAll(l.spare)
	l.spare = nil
}

var _ stream.Sink = (*Pipeline)(nil)

// shardName names a record for people.
func shardName(s load.Shard, r stream.Record) string {
	return s.Stream + "/" + s.ID + "/" + r.Sequence
}
