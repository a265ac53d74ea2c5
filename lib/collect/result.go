package collect

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// maxNamed is how many refused rows of a run are named; the others are counted.
const maxNamed = 10

// Refused is a row that a collector emitted and that cannot be sent.
type Refused struct {
	// Key of the row: the values of the key columns, separated by slashes.
	Key string
	// Err is why.
	Err *schema.RowError
}

// String returns the key and the reason.
func (r Refused) String() string { return fmt.Sprintf("%.200q: %v", r.Key, r.Err) }

// Result is what became of one run.
type Result struct {
	// Scope of the run.
	Scope schema.Scope
	// Run is its id. Its time is the start of the run.
	Run schema.RunID
	// Outcome of the run in the stream, whether or not it took the end that says so;
	// without a Publisher that of the archive's manifest. The archive's may be better.
	Outcome schema.Outcome
	// Since is set when only what changed since then was asked for.
	Since time.Time
	// Hinted is the time of the oldest event that the run answers (see Runner.Hear), as
	// far as it is complete; zero if there is none.
	Hinted time.Time
	// Rows of the run, without duplicates and refused ones.
	Rows int
	// Parts that the rows were packed into, whether or not they were stored.
	Parts int
	// Bytes of the parts that the stream has.
	Bytes int64
	// Stored is set when the stream or the archive has at least some of the rows.
	Stored bool
	// SameAs is the run that this one equals, if the outcome is unchanged: Rows and Parts are
	// 0 then, because none are sent.
	SameAs schema.RunID
	// Requests is how many requests were sent to AWS, repeated ones included,
	// PaidRequests how many of them went to services with a Price, and USDMicros what they
	// cost, in millionths of USD. Where one collection is several runs, the first tells those
	// of all.
	Requests, PaidRequests, USDMicros int64
	// Duplicates is how many rows repeated an earlier row of the run and were dropped.
	// A row that repeats only the key of another one is refused, unless the collector
	// is incremental: then it is one of these.
	Duplicates int
	// RefusedRows is how many rows were refused; Refused names the first of them.
	RefusedRows int
	Refused     []Refused
	// NulledTimes is how many times are null because no column can hold them.
	NulledTimes int
	// CollectErr is the error that the collector ended with.
	CollectErr error
	// ArchiveErr is why the archive does not have the whole run. The rows were
	// published all the same.
	ArchiveErr error
	// PublishErr is why the stream does not have the whole run.
	PublishErr error
	// Duration of the run.
	Duration time.Duration
}

// Retryable reports whether another run soon has a chance to do better: a row
// that is refused today, or a permission that is missing, stays so for a while, and
// requests that AWS charges for are not repeated.
func (r Result) Retryable() bool {
	if r.PublishErr != nil || r.ArchiveErr != nil {
		return true
	}
	if errors.Is(r.CollectErr, errPaidLimit) {
		return false // what is too expensive once is not better twice
	}
	why := Classify(r.CollectErr)
	return why == schema.Failed || why == schema.Throttled
}

// Fault returns what somebody should look at, or nil: a run that is complete,
// and one of a service that is not enabled, have no fault.
func (r Result) Fault() error {
	var faults []error
	if r.Outcome != schema.Disabled && r.CollectErr != nil {
		faults = append(faults, r.CollectErr)
	}
	if r.RefusedRows > 0 {
		faults = append(faults, r.refusal())
	}
	if r.PublishErr != nil {
		faults = append(faults, fmt.Errorf("publish: %w", r.PublishErr))
	}
	if r.ArchiveErr != nil {
		faults = append(faults, fmt.Errorf("archive: %w", r.ArchiveErr))
	}
	return errors.Join(faults...)
}

func (r Result) refusal() error {
	return fmt.Errorf("%d rows refused, the first: %v", r.RefusedRows, r.Refused[0])
}

// collectText is why the collection is not complete, for the manifest.
func (r Result) collectText() string {
	var texts []string
	if r.CollectErr != nil {
		texts = append(texts, r.CollectErr.Error())
	}
	if r.RefusedRows > 0 {
		texts = append(texts, r.refusal().Error())
	}
	return strings.Join(texts, "; ")
}

// endText is collectText and what the stream lacks, for the run's end.
func (r Result) endText() string {
	text := r.collectText()
	if r.PublishErr == nil {
		return text
	}
	if text != "" {
		text += "; "
	}
	return text + "publish: " + r.PublishErr.Error()
}

// PartialError says which runs of [Runner.Once] are done and which are not.
type PartialError struct {
	// Done are the results without a fault.
	Done []Result
	// Failed are the results with a fault.
	Failed []Result
	// NotStarted are the collections that there was no time for, without slices.
	NotStarted []schema.Scope
}

// Summary counts, in one line.
func (e *PartialError) Summary() string {
	text := fmt.Sprintf("%d of %d runs failed", len(e.Failed), len(e.Failed)+len(e.Done))
	if n := len(e.NotStarted); n > 0 {
		text += fmt.Sprintf(", %d collections were not started", n)
	}
	return text
}

// Error is the summary and a line for each run that failed, with its fault.
func (e *PartialError) Error() string {
	var b strings.Builder
	b.WriteString(e.Summary())
	for _, r := range e.Failed {
		fmt.Fprintf(&b, "\n%s: %s: %v", r.Scope, r.Outcome, r.Fault())
	}
	return b.String()
}

// Unwrap returns the faults of the failed runs.
func (e *PartialError) Unwrap() []error {
	var faults []error
	for _, r := range e.Failed {
		faults = append(faults, r.Fault())
	}
	return faults
}
