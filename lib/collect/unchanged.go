package collect

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// fingerprint tells sets of rows apart, in whatever order the rows come.
type fingerprint struct {
	rows int
	sum  [4]uint64 // of the SHA-256 of each row, modulo 2^256; the lowest first
}

// add adds a row, given as JSON.
func (f *fingerprint) add(line []byte) {
	digest := sha256.Sum256(line)
	var carry uint64
	for i := range f.sum {
		f.sum[i], carry = bits.Add64(f.sum[i], binary.LittleEndian.Uint64(digest[8*i:]), carry)
	}
	f.rows++
}

// sentRun is what a target remembers of the newest run of a slice, if that read
// everything, and stream and archive have all of it.
type sentRun struct {
	id   schema.RunID
	rows fingerprint
}

// base returns the run that a new one of the slice may be equal to, nil if there is none.
func (r *Runner) base(t *target, slice string, id schema.RunID) *sentRun {
	sent, known := t.sent[slice]
	switch {
	case !known || r.cfg.Publisher == nil:
		return nil
	case id.Compare(sent.id) <= 0: // the clock was set
		return nil
	case id.Time().Sub(sent.id.Time()) >= r.cfg.FullEvery.Truncate(time.Millisecond): // as exact as ids
		return nil
	}
	return &sent
}

// remember takes note of what was sent. A slice that something else was sent for, or that
// is not collected any more, is forgotten.
func (t *target) remember(runs []*run) {
	before := t.sent
	t.sent = map[string]sentRun{}
	for _, r := range runs {
		slice := r.result.Scope.Slice
		switch {
		case r.result.PublishErr != nil || r.result.ArchiveErr != nil:
		case r.result.Outcome == schema.Unchanged:
			t.sent[slice] = before[slice]
		case r.result.Outcome.Complete() && r.result.Since.IsZero():
			t.sent[slice] = sentRun{r.result.Run, r.fingerprint}
		}
	}
}

// equalsBase reports whether all rows of a run are packed, and are those of its base. It
// must not have sent any.
func (r *run) equalsBase() bool {
	return r.base != nil && !r.begun && r.result.PublishErr == nil && r.result.Since.IsZero() &&
		r.result.RefusedRows == 0 && r.result.Duplicates == 0 && r.fingerprint == r.base.rows
}

// leaveOut drops the rows of a run that equals its base.
func (r *run) leaveOut() {
	r.packed.Discard()
	r.packed.SameAs, r.result.SameAs = r.base.id, r.base.id
}

// unchanged reports whether the rows were left out.
func (r *run) unchanged() bool { return r.result.SameAs != schema.RunID{} }
