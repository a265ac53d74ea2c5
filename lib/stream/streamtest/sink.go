package streamtest

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"

	"github.com/hubspoke/observability/lib/stream"
)

// Errors that sessions of a Sink return.
var (
	// ErrSuperseded says that the shard has a newer session, or that its
	// position moved since the session's Progress.
	ErrSuperseded = errors.New("the shard has a newer session or position")
	// ErrAbandoned says that the session was abandoned.
	ErrAbandoned = errors.New("the session was abandoned")
)

// Sink is a [stream.Sink] that keeps in memory what it is given and checks how
// it is called. Like a database it moves the position of a shard together with
// the records, by compare-and-set, so that it may be shared by several sources
// at once. The zero value is ready to use.
//
// Set the fields before the first use. All methods may be called concurrently.
type Sink struct {
	// Hold is how many of the newest records of a session stay delivered but not
	// applied until Drain or End: Abandon drops them, and they must be delivered
	// again. Defaults to 0: applied before Deliver returns.
	Hold int
	// BeforeDeliver is called by every Deliver with its arguments. It may block,
	// and its error fails the session. Defaults to nothing.
	BeforeDeliver func(ctx context.Context, shard string, records []stream.Record) error
	// BeforeProgress is called by every Progress, which fails with its error.
	// Defaults to nothing.
	BeforeProgress func(ctx context.Context, shard string) error
	// Parents returns the shards that must have ended before a record of the
	// shard may be delivered. Defaults to none.
	Parents func(shard string) []string

	mu         sync.Mutex
	shards     map[string]*shard
	changed    chan struct{}
	violations []error
}

// shard is what a Sink knows of one shard; guarded by Sink.mu.
type shard struct {
	position  stream.Position
	told      map[stream.Position]bool // what Progress returned
	current   *session
	opened    int
	delivered int
	applied   []stream.Record
	gaps      []stream.Gap
}

// shard returns the state of a shard; mu must be held.
func (s *Sink) shard(name string) *shard {
	sh := s.shards[name]
	if sh == nil {
		if s.shards == nil {
			s.shards = map[string]*shard{}
		}
		sh = &shard{told: map[stream.Position]bool{{}: true}}
		s.shards[name] = sh
	}
	return sh
}

// notify wakes those who Wait; mu must be held.
func (s *Sink) notify() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// violate keeps a breach of the contract; mu must be held.
func (s *Sink) violate(shard, format string, args ...any) error {
	err := fmt.Errorf("%s: %w", shard, fmt.Errorf(format, args...))
	s.violations = append(s.violations, err)
	s.notify()
	return err
}

// Progress returns how far the shard has been applied.
func (s *Sink) Progress(ctx context.Context, shard string) (stream.Position, error) {
	if s.BeforeProgress != nil {
		if err := s.BeforeProgress(ctx, shard); err != nil {
			return stream.Position{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return stream.Position{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shard(shard)
	sh.told[sh.position] = true
	return sh.position, nil
}

// Open starts a session; an earlier one of the shard can apply nothing any more.
// from must be the zero Position or one that Progress returned, and not the end.
func (s *Sink) Open(shard string, from stream.Position) stream.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shard(shard)
	switch {
	case from.Ended:
		_ = s.violate(shard, "a session was opened at the end of the shard")
	case !sh.told[from]:
		_ = s.violate(shard, "a session was opened at %q, which Progress never returned", from.Sequence)
	}
	sh.opened++
	sh.current = &session{sink: s, name: shard, shard: sh, last: from.Sequence, applied: from.Sequence}
	s.notify()
	return sh.current
}

// Gap keeps the gap for Gaps.
func (s *Sink) Gap(_ context.Context, shard string, gap stream.Gap) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shard(shard)
	sh.gaps = append(sh.gaps, gap)
	s.notify()
	return nil
}

// Err returns every breach of the contract of [stream.Sink] and [stream.Session]
// so far, joined; nil if there was none.
func (s *Sink) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.violations...)
}

// Shards returns the names of the shards that had a session, sorted.
func (s *Sink) Shards() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name, sh := range s.shards {
		if sh.opened > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Applied returns the applied records of a shard in order. The slice is the
// caller's, the data are not.
func (s *Sink) Applied(shard string) []stream.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.shard(shard).applied)
}

// Held returns the records that the shard's newest session was given and that
// are not applied, in order.
func (s *Sink) Held(shard string) []stream.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.shard(shard).current; c != nil {
		return slices.Clone(c.held)
	}
	return nil
}

// Count returns how many records of all shards were applied.
func (s *Sink) Count() int {
	return s.sum(func(sh *shard) int { return len(sh.applied) })
}

// Delivered returns how many records Deliver accepted in all shards, repeated
// ones included.
func (s *Sink) Delivered() int {
	return s.sum(func(sh *shard) int { return sh.delivered })
}

func (s *Sink) sum(of func(*shard) int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, sh := range s.shards {
		n += of(sh)
	}
	return n
}

// Opened returns how many sessions the shard had.
func (s *Sink) Opened(shard string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shard(shard).opened
}

// Ended returns whether the shard's end was applied.
func (s *Sink) Ended(shard string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shard(shard).position.Ended
}

// Active returns the shards, sorted, that have a session which Drain, End or Abandon
// did not end.
func (s *Sink) Active() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name, sh := range s.shards {
		if c := sh.current; c != nil && (c.over == "" || c.over == failedDeliver) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Gaps returns the gaps of a shard, in the order in which they were told.
func (s *Sink) Gaps(shard string) []stream.Gap {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.shard(shard).gaps)
}

// Wait returns nil when until returns true, the error of Err at the first breach
// of the contract, or the error of ctx. until is asked after every change of
// the Sink.
func (s *Sink) Wait(ctx context.Context, until func() bool) error {
	for {
		s.mu.Lock()
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		if err := s.Err(); err != nil {
			return err
		}
		if until() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// failedDeliver ends a session that must still be abandoned.
const failedDeliver = "a failed Deliver"

// session is a session of a Sink; guarded by Sink.mu.
type session struct {
	sink    *Sink
	name    string
	shard   *shard
	last    string          // sequence number of the last delivered record
	applied string          // position of the shard after what this session applied
	held    []stream.Record // delivered, not applied
	busy    string          // the method that is running
	over    string          // the method that ended the session
	late    bool            // the one call that may cross Abandon came, or cannot come
}

// begin checks that a method may be called now.
func (s *session) begin(method string) error {
	sink := s.sink
	sink.mu.Lock()
	defer sink.mu.Unlock()
	switch {
	case s.busy != "":
		return sink.violate(s.name, "%s was called while %s was running", method, s.busy)
	case s.over == "Abandon" && !s.late:
		// Abandon may be called at any time, so that one call can cross it.
		s.late = true
		return ErrAbandoned
	case s.over != "":
		return sink.violate(s.name, "%s was called after %s", method, s.over)
	}
	s.busy = method
	return nil
}

// finish ends a method; ended says that the session ends with it.
func (s *session) finish(method string, ended bool) {
	s.busy = ""
	if ended && s.over == "" {
		s.over = method
	}
	s.sink.notify()
}

// Deliver takes records; see [Sink] for what may make it block or fail.
func (s *session) Deliver(ctx context.Context, records []stream.Record) error {
	if err := s.begin("Deliver"); err != nil {
		return err
	}
	err := s.allow(ctx, records)
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	if err == nil {
		err = s.take(records)
	}
	if err == nil {
		err = s.apply(s.sink.Hold)
	}
	if err != nil {
		s.finish(failedDeliver, true)
		return err
	}
	s.finish("Deliver", false)
	return nil
}

// allow asks the hook and looks at the shard's parents, without the lock.
func (s *session) allow(ctx context.Context, records []stream.Record) error {
	if s.sink.BeforeDeliver != nil {
		if err := s.sink.BeforeDeliver(ctx, s.name, records); err != nil {
			return err
		}
	}
	if s.sink.Parents == nil || len(records) == 0 {
		return nil
	}
	for _, parent := range s.sink.Parents(s.name) {
		if !s.sink.Ended(parent) {
			s.sink.mu.Lock()
			defer s.sink.mu.Unlock()
			return s.sink.violate(s.name, "a record was delivered before the end of the parent %s", parent)
		}
	}
	return nil
}

// take checks the order of the records and keeps them.
func (s *session) take(records []stream.Record) error {
	if s.over == "Abandon" {
		return ErrAbandoned
	}
	for _, r := range records {
		if n, ok := new(big.Int).SetString(r.Sequence, 10); !ok || n.Sign() < 0 {
			return s.sink.violate(s.name, "sequence number %q is no number", r.Sequence)
		}
		if stream.CompareSequences(r.Sequence, s.last) <= 0 {
			return s.sink.violate(s.name, "record %s was delivered after %s", r.Sequence, s.last)
		}
		s.last = r.Sequence
	}
	s.held = append(s.held, records...)
	s.shard.delivered += len(records)
	return nil
}

// apply applies all held records but the last keep ones.
func (s *session) apply(keep int) error {
	if s.over == "Abandon" {
		return ErrAbandoned
	}
	if s.shard.current != s || s.shard.position != (stream.Position{Sequence: s.applied}) {
		return ErrSuperseded
	}
	n := len(s.held) - keep
	if n <= 0 {
		return nil
	}
	s.shard.applied = append(s.shard.applied, s.held[:n]...)
	s.applied = s.held[n-1].Sequence
	s.shard.position.Sequence = s.applied
	s.held = slices.Clone(s.held[n:])
	return nil
}

// Drain applies everything delivered and ends the session.
func (s *session) Drain(ctx context.Context) (stream.Position, error) {
	if err := s.begin("Drain"); err != nil {
		return stream.Position{}, err
	}
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	defer s.finish("Drain", true)
	err := ctx.Err()
	if err == nil {
		err = s.apply(0)
	}
	return stream.Position{Sequence: s.applied}, err
}

// End applies everything delivered and the end of the shard.
func (s *session) End(ctx context.Context) error {
	if err := s.begin("End"); err != nil {
		return err
	}
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	defer s.finish("End", true)
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.apply(0); err != nil {
		return err
	}
	s.shard.position.Ended = true
	return nil
}

// Abandon drops what is held. Abandoning again, or after Drain or End, is allowed.
func (s *session) Abandon() {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	if s.over == "" || s.over == failedDeliver {
		s.late = s.over == failedDeliver // the source knows the error: nothing can cross Abandon any more
		s.over = "Abandon"
		s.held = nil
	}
	s.sink.notify()
}
