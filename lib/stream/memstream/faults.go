package memstream

import "math/rand/v2"

// Faults are what goes wrong, each with a probability from 0 to 1 that is drawn
// from Seed. With one worker and one publisher that do not depend on time, a seed gives
// the same faults again.
type Faults struct {
	// Seed of all choices. Defaults to 0, a seed like any other.
	Seed uint64
	// Duplicate is how likely a message is stored twice.
	Duplicate float64
	// Refuse is how likely a message is not stored, and Publish says so.
	Refuse float64
	// LoseAnswer is how likely a Publish stores its messages and says that it
	// stored none.
	LoseAnswer float64
	// Abandon is how likely a delivery is followed by the loss of the shard's
	// lease: the session is abandoned, and another begins from Progress.
	Abandon float64
	// Empty is how likely a delivery without records comes before one with records.
	Empty float64
	// MaxBatch makes deliveries hold 1 to MaxBatch records, any size as likely.
	// Defaults to 0: always as many as there are, up to 1,000.
	MaxBatch int
}

// Injected counts what the faults really did, so that a test can tell "survived
// the fault" from "never met it". Its fields are those of Faults.
type Injected struct {
	Duplicate, Refuse, LoseAnswer, Abandon, Empty int
}

// Inject replaces the faults. Faults{} ends them. The counts go on.
func (s *Stream) Inject(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	s.rand = rand.New(rand.NewPCG(f.Seed, 0))
}

// Injected returns how often each fault happened since New.
func (s *Stream) Injected() Injected {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.injected
}

// RefuseNext refuses the next len(errs) messages with these errors. A nil error
// lets its message pass.
func (s *Stream) RefuseNext(errs ...error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = append(s.refuse, errs...)
}

// LoseLease takes a shard away from the worker that reads it, as an expired
// lease does: its session is abandoned at once, even while it is delivering, and
// the shard is free. It reports whether the shard had a session.
func (s *Stream) LoseLease(shard string) bool {
	s.mu.Lock()
	sh, err := s.find(shard)
	if err != nil || sh.lease == nil || sh.lease.session == nil {
		s.mu.Unlock()
		return false
	}
	l := sh.lease
	sh.lease = nil
	s.mu.Unlock()
	l.session.Abandon()
	l.lost()
	s.wake()
	return true
}

// wake is notify for callers without mu.
func (s *Stream) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notify()
}

// refusal returns why the next message is not stored, or nil; mu must be held.
func (s *Stream) refusal() error {
	if len(s.refuse) > 0 {
		err := s.refuse[0]
		s.refuse = s.refuse[1:]
		if err != nil {
			s.injected.Refuse++
		}
		return err
	}
	if s.chance(s.faults.Refuse) {
		s.injected.Refuse++
		return ErrRefused
	}
	return nil
}

// chance draws whether something happens; mu must be held.
func (s *Stream) chance(probability float64) bool {
	return probability > 0 && s.rand.Float64() < probability
}

// batchSize draws how many records the next delivery may hold; mu must be held.
func (s *Stream) batchSize() int {
	if s.faults.MaxBatch <= 0 {
		return 1000
	}
	return 1 + s.rand.IntN(s.faults.MaxBatch)
}
