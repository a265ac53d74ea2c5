package collectors

import (
	"errors"
	"iter"
	"slices"

	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/lib/schema"
)

// A list names things, and a detail is what one more request says about one of them.
// That request may be denied for this thing alone, the thing may have no such detail,
// or it may be gone since it was listed.

// emitDetailed emits the row of each item, which read makes by asking for its details,
// until there is an error. An item for which read fails with one of the codes of gone
// was deleted since it was listed, and has no row.
func emitDetailed[Item, Row any](
	items iter.Seq2[*Item, error], read func(*Item) (Row, error), emit func(Row) error, gone ...string,
) error {
	for item, err := range items {
		if err != nil {
			return err
		}
		row, err := read(item)
		if hasCode(err, gone...) {
			continue
		}
		if err != nil {
			return err
		}
		if err := emit(row); err != nil {
			return err
		}
	}
	return nil
}

// details notes which details of one row were denied.
type details struct {
	denied []string // IAM actions
}

// detail is what became of the request for a detail.
type detail uint8

const (
	detailKnown  detail = iota
	detailAbsent        // the thing has none
	detailDenied        // nobody knows
)

// read asks for a detail by a call (service:Operation). An error with one of the codes
// of absent says that the thing has no such detail; one that denies the request is
// noted. Any other error is about more than this thing, and is returned.
func (d *details) read(call string, ask func() error, absent ...string) (detail, error) {
	err := ask()
	switch {
	case err == nil:
		return detailKnown, nil
	case hasCode(err, absent...):
		return detailAbsent, nil
	case hasCode(err, deniedCodes...):
		d.deny(call)
		return detailDenied, nil
	}
	return detailDenied, err
}

// deny notes that a call was not answered for this row.
func (d *details) deny(call string) { d.denied = append(d.denied, action(call)) }

// column returns the column denied_actions: null if nothing was denied.
func (d *details) column() schema.JSON { return jsonOf(d.denied) }

// inBatches asks for details of many things at once: ask gets at most n of them at a time.
// If it fails with one of the codes of gone, one of its things was deleted since it was
// listed, and the request is made again with the halves, until that one is left out.
func inBatches[Thing any](things []Thing, n int, ask func([]Thing) error, gone ...string) error {
	for batch := range slices.Chunk(things, n) {
		if err := withoutGone(batch, ask, gone); err != nil {
			return err
		}
	}
	return nil
}

// listInBatches is inBatches for the items of a list as its pages come.
func listInBatches[Item any](
	items iter.Seq2[*Item, error], n int, ask func([]*Item) error, gone ...string,
) error {
	var batch []*Item
	for item, err := range items {
		if err != nil {
			return err
		}
		if batch = append(batch, item); len(batch) < n {
			continue
		}
		if err := withoutGone(batch, ask, gone); err != nil {
			return err
		}
		batch = nil
	}
	return inBatches(batch, n, ask, gone...)
}

func withoutGone[Thing any](batch []Thing, ask func([]Thing) error, gone []string) error {
	err := ask(batch)
	if !hasCode(err, gone...) {
		return err
	}
	if len(batch) == 1 {
		return nil
	}
	half := len(batch) / 2
	if err := withoutGone(batch[:half], ask, gone); err != nil {
		return err
	}
	return withoutGone(batch[half:], ask, gone)
}

// deniedCodes say that a policy denies the one request. Other refusals, as of a token
// that is not valid, are about all requests: the account would look as if everything
// in it had denied its details.
var deniedCodes = []string{
	"AccessDenied", // S3, IAM
	"AccessDeniedException",
	"UnauthorizedOperation", // EC2
}

// hasCode reports whether err is an answer of AWS with one of the error codes.
func hasCode(err error, codes ...string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(codes, api.ErrorCode())
}
