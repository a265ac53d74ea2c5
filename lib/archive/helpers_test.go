package archive_test

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// thing is a row of a category with slices.
type thing struct {
	ID    string      `col:"id,key"`
	Day   schema.Date `col:"day,key,slice"`
	Count *int64      `col:"count"`
}

var things = schema.Of[thing](schema.Spec{Name: "things", Mode: schema.Snapshot})

const day = "2026-08-01"

// document has a column with values that may be long.
type document struct {
	ID   string  `col:"id,key"`
	Text *string `col:"text"`
}

var documents = schema.Of[document](schema.Spec{Name: "documents", Mode: schema.Snapshot, MaxText: schema.MaxRow})

func date(s string) schema.Date {
	d, err := schema.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// randomThings returns n rows, the same for the same seed.
func randomThings(n int, seed uint64) (list []thing) {
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		t := thing{ID: "thing-" + strconv.Itoa(i), Day: date(day)}
		if count := r.Int64(); count%3 > 0 {
			t.Count = &count
		}
		list = append(list, t)
	}
	return list
}

// record makes an Arrow record of rows; mem may be nil.
func record[T any](t testing.TB, c schema.Category[T], mem memory.Allocator, list []T) arrow.Record {
	t.Helper()
	a := rows.NewAppender(c, mem)
	defer a.Release()
	for i := range list {
		if err := a.Append(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
	return a.Record()
}

// checked returns an allocator that fails the test if memory is not given back.
func checked(t testing.TB) memory.Allocator {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return mem
}

func release(records []arrow.Record) {
	for _, r := range records {
		r.Release()
	}
}

// wantSame compares records that Decode returned with the one that was encoded.
func wantSame(t testing.TB, got []arrow.Record, want arrow.Record) {
	t.Helper()
	from := int64(0)
	for _, g := range got {
		part := want.NewSlice(from, from+g.NumRows())
		if !array.RecordEqual(g, part) {
			t.Errorf("rows from %d on differ:\ngot  %v\nwant %v", from, g, part)
		}
		part.Release()
		from += g.NumRows()
	}
	if from != want.NumRows() {
		t.Errorf("%d rows, want %d", from, want.NumRows())
	}
}

func wantReason(t testing.TB, err error, want schema.Reason) {
	t.Helper()
	var refused *archive.Error
	if !errors.As(err, &refused) || refused.Reason != want {
		t.Errorf("got %v, want an *Error with reason %s", err, want)
	}
}
