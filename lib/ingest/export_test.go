package ingest

import (
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/stream"
)

// Read returns why the record is refused, nil if it is not.
func (p *Pipeline) Read(r stream.Record) *load.Reject { return newReader(p).read(r).reject }

// Waiting returns how many callers wait for the budget.
func (p *Pipeline) Waiting() int64 { return p.waiting.Load() }

// Unspent reports whether the whole budget is there.
func (p *Pipeline) Unspent() bool {
	if !p.budget.TryAcquire(p.config.Budget) {
		return false
	}
	p.budget.Release(p.config.Budget)
	return true
}

// Cost is what a record costs of the budget.
var Cost = cost

// Wait makes it look as if somebody waited for the budget.
func (p *Pipeline) Wait() { p.waiting.Add(1) }
