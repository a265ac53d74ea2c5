package ingest

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
