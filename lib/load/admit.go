package load

import (
	"fmt"
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// Refusal says why what was read cannot be applied.
type Refusal struct {
	Reason schema.Reason
	Detail string
}

// Error returns reason and detail.
func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.Detail }

// Admit decides whether a run may be applied, whatever source it comes from, and
// returns the table of its category. arrived is when the source stored it, by the
// source's clock: the run may start later by Config.ClockAhead. Of a zero arrived
// nothing is known, and any start is good. A refused run has a Refusal, an admitted
// one nil.
func (l *Loader) Admit(scope schema.Scope, run schema.RunID, arrived time.Time) (*schema.Table, *Refusal) {
	if d := run.Time().Sub(arrived); d > l.config.ClockAhead && !arrived.IsZero() {
		return nil, &Refusal{ReasonClockAhead, fmt.Sprintf("the run starts %v after it arrived; set the clock of the spoke",
			d.Round(time.Second))}
	}
	t := l.Table(scope.Category)
	if t == nil {
		return nil, &Refusal{ReasonUnknownCategory,
			"this hub does not know the category; update the hub and replay the archive"}
	}
	if err := t.ValidateSlice(scope.Slice); err != nil {
		return nil, &Refusal{schema.ReasonSlice, err.Error()}
	}
	return t, nil
}
