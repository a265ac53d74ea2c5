package collectors

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/aws/smithy-go"
)

func codeError(code string) error {
	return fmt.Errorf("thing: %w", &smithy.GenericAPIError{Code: code, Message: "as the test says"})
}

func TestDetails(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		err    error
		want   detail
		fails  bool
		column string
	}{
		"answer":        {nil, detailKnown, false, ""},
		"absent":        {codeError("NoSuchTagSet"), detailAbsent, false, ""},
		"denied":        {codeError("AccessDeniedException"), detailDenied, false, `["s3:ListAllMyBuckets"]`},
		"denied by S3":  {codeError("AccessDenied"), detailDenied, false, `["s3:ListAllMyBuckets"]`},
		"denied by EC2": {codeError("UnauthorizedOperation"), detailDenied, false, `["s3:ListAllMyBuckets"]`},
		"token":         {codeError("UnrecognizedClientException"), detailDenied, true, ""},
		"throttled":     {codeError("ThrottlingException"), detailDenied, true, ""},
		"no answer":     {broken, detailDenied, true, ""},
	} {
		var d details
		got, err := d.read("s3:ListBuckets", func() error { return test.err }, "NoSuchThing", "NoSuchTagSet")
		if got != test.want || test.fails != (err != nil) || test.fails && !errors.Is(err, test.err) ||
			string(d.column()) != test.column {
			t.Errorf("%s: %v, error %v, denied_actions %s", name, got, err, d.column())
		}
	}
}

func TestEmitDetailed(t *testing.T) {
	items := func(fault error) iter.Seq2[*int, error] {
		return func(yield func(*int, error) bool) {
			for n := range 4 {
				if !yield(&n, nil) {
					return
				}
			}
			if fault != nil {
				yield(nil, fault)
			}
		}
	}
	list, full, other := errors.New("list"), errors.New("full"), codeError("AccessDenied")
	for name, test := range map[string]struct {
		list   error
		detail error // of item 1
		emit   error // of row 20
		want   []int
		err    error
	}{
		"all":         {want: []int{0, 10, 20, 30}},
		"one is gone": {detail: codeError("NotFoundException"), want: []int{0, 20, 30}},
		"one fails":   {detail: other, want: []int{0}, err: other},
		"list":        {list: list, want: []int{0, 10, 20, 30}, err: list},
		"emit":        {emit: full, want: []int{0, 10}, err: full},
	} {
		var got []int
		err := emitDetailed(items(test.list), func(n *int) (int, error) {
			if *n == 1 && test.detail != nil {
				return 0, test.detail
			}
			return *n * 10, nil
		}, func(row int) error {
			if row == 20 && test.emit != nil {
				return test.emit
			}
			got = append(got, row)
			return nil
		}, "NotFoundException")
		if !slices.Equal(got, test.want) || !errors.Is(err, test.err) {
			t.Errorf("%s: rows %v, error %v; want %v, %v", name, got, err, test.want, test.err)
		}
	}
}

func TestInBatches(t *testing.T) {
	gone, broken := codeError("NotFound"), errors.New("broken")
	for name, test := range map[string]struct {
		things int
		fault  func(batch []int) error
		want   [][]int // answered
		err    error
	}{
		"batches": {things: 5, want: [][]int{{0, 1, 2}, {3, 4}}},
		"none":    {},
		"one is gone": {things: 4, want: [][]int{{0}, {2}, {3}}, fault: func(batch []int) error {
			if slices.Contains(batch, 1) {
				return gone
			}
			return nil
		}},
		"all are gone": {things: 4, fault: func([]int) error { return gone }},
		"error":        {things: 4, fault: func([]int) error { return broken }, err: broken},
		"error of a half": {things: 3, err: broken, fault: func(batch []int) error {
			if len(batch) == 1 {
				return broken
			}
			return gone
		}},
	} {
		things := make([]int, test.things)
		for i := range things {
			things[i] = i
		}
		var answered [][]int
		ask := func(batch []int) error {
			if test.fault != nil {
				if err := test.fault(batch); err != nil {
					return err
				}
			}
			answered = append(answered, batch)
			return nil
		}
		check := func(function string, err error) {
			if !slices.EqualFunc(answered, test.want, slices.Equal) || !errors.Is(err, test.err) {
				t.Errorf("%s, %s: %v, error %v; want %v, %v", function, name, answered, err, test.want, test.err)
			}
			answered = nil
		}
		check("inBatches", inBatches(things, 3, ask, "NotFound"))
		check("listInBatches", listInBatches(listOf(things, nil), 3, func(batch []*int) error {
			var values []int
			for _, n := range batch {
				values = append(values, *n)
			}
			return ask(values)
		}, "NotFound"))
	}
}

func TestListInBatchesWithoutItsEnd(t *testing.T) {
	broken, asked := errors.New("broken"), 0
	err := listInBatches(listOf([]int{0, 1, 2}, broken), 2, func([]*int) error { asked++; return nil })
	if !errors.Is(err, broken) || asked != 1 {
		t.Errorf("asked %d times, error %v", asked, err)
	}
}

// listOf yields things, and then the error if there is one.
func listOf[T any](things []T, err error) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for i := range things {
			if !yield(&things[i], nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}
