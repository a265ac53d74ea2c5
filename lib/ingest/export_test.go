package ingest

import (
	"slices"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/stream"
)

// Read returns why the record is refused, nil if it is not.
func (p *Pipeline) Read(r stream.Record) *load.Reject { return newReader(p).read(r).reject }

// Waiting returns how many callers wait for the budget.
func (p *Pipeline) Waiting() int64 { return p.waiting.Load() }

// Unspent reports whether the whole budget is there.
func (p *Pipeline) Unspent() bool { return p.Has(p.config.Budget) }

// Has reports whether n bytes of the budget are there.
func (p *Pipeline) Has(n int64) bool {
	if !p.budget.TryAcquire(n) {
		return false
	}
	p.budget.Release(n)
	return true
}

// Cost is what a record costs of the budget.
var Cost = cost

// Wait makes it look as if somebody waited for the budget.
func (p *Pipeline) Wait() { p.waiting.Add(1) }

// Hold keeps every record from being added until the function returned is called.
func (p *Pipeline) Hold() (release func()) {
	for _, l := range p.lanes {
		l.mu.Lock()
	}
	return func() {
		for _, l := range p.lanes {
			l.mu.Unlock()
		}
	}
}

// Lane returns on which lane a session is.
func Lane(s stream.Session) int {
	l := s.(*session).lane
	return slices.Index(l.pipeline.lanes, l)
}
