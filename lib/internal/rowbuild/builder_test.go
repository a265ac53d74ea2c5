package rowbuild

import (
	"bytes"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/schema"
)

type row struct {
	ID   string  `col:"id,key"`
	Flag *bool   `col:"flag"`
	Note *string `col:"note"`
}

var rows = schema.Of[row](schema.Spec{Name: "rows", Mode: schema.Snapshot})

func newBuilder(t *testing.T) *Builder {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return New(rows.Table, mem)
}

// add appends a row with an id, a note, and a flag that is true in rows of odd number.
func add(t *testing.T, b *Builder, id, note string) {
	t.Helper()
	b.Clear()
	b.Cells[0].SetText([]byte(id))
	b.Cells[1].SetBool(b.Len()%2 == 1)
	b.Cells[2].SetText([]byte(note))
	if err := b.Check(-1); err != nil {
		t.Fatal(err)
	}
	b.Append()
}

func TestCheckBoundsTheRow(t *testing.T) {
	raised := schema.Of[row](schema.Spec{Name: "raised", Mode: schema.Snapshot, MaxText: schema.MaxRow})
	for _, test := range []struct {
		name     string
		table    *schema.Table
		id, note int // bytes
		column   string
		fits     bool
	}{
		{"a text of the default", rows.Table, 1, schema.DefaultMaxText, "", true},
		{"a text above it", rows.Table, 1, schema.DefaultMaxText + 1, "note", false},
		{"a key above it", rows.Table, schema.DefaultMaxText + 1, 1, "id", false},
		{"a row of the limit", raised.Table, 1, schema.MaxRow - 1 - 4 - 1 - 4, "", true},
		{"a row above it", raised.Table, 1, schema.MaxRow - 4 - 1 - 4, "", false},
		{"two texts above it together", raised.Table, schema.MaxRow / 2, schema.MaxRow / 2, "", false},
	} {
		b := New(test.table, nil)
		b.Clear()
		b.Cells[0].SetText(bytes.Repeat([]byte("i"), test.id))
		b.Cells[2].SetText(bytes.Repeat([]byte("n"), test.note))
		err := b.Check(7)
		if (err == nil) != test.fits || err != nil &&
			(err.Reason != schema.ReasonTooLarge || err.Column != test.column || err.Offset != 7) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestCheckBoundsTheText(t *testing.T) {
	b := newBuilder(t)
	b.Clear()
	b.Cells[0].SetText([]byte("12345"))
	b.Cells[2].SetText([]byte("6789"))
	b.text = maxText - 9 // as if rows had been appended
	if err := b.Check(7); err != nil {
		t.Errorf("a full record: %v", err)
	}
	b.text++
	if err := b.Check(7); err == nil || err.Reason != schema.ReasonTooLarge || err.Offset != 7 {
		t.Errorf("one byte too many: %v", err)
	}
}

// Nulls and bits are right at every position of a byte, in records that use the
// memory of a longer one.
func TestBitsOfEveryLength(t *testing.T) {
	b := newBuilder(t)
	for n := 40; n >= 0; n-- {
		for i := range n {
			if i%3 == 0 {
				b.Clear()
				b.Cells[0].SetText([]byte("null"))
				b.Cells[2].SetNull()
				b.Append()
				continue
			}
			add(t, b, "id", "note")
		}
		rec := b.Record()
		flags, notes := rec.Column(1).(*array.Boolean), rec.Column(2).(*array.String)
		nulls := 0
		for i := range n {
			null := i%3 == 0
			if null {
				nulls++
			}
			if flags.IsNull(i) != null || notes.IsNull(i) != null ||
				!null && (flags.Value(i) != (i%2 == 1) || notes.Value(i) != "note") {
				t.Fatalf("row %d of %d: flag %v, note %v", i, n, flags.ValueStr(i), notes.ValueStr(i))
			}
		}
		if flags.NullN() != nulls || notes.NullN() != nulls || rec.Column(0).NullN() != 0 || rec.NumRows() != int64(n) {
			t.Fatalf("%d rows: %d and %d nulls, want %d", n, flags.NullN(), notes.NullN(), nulls)
		}
		rec.Release()
	}
}

// dirty is an allocator that, as package memory allows, does not clear.
type dirty struct{ memory.Allocator }

func (d dirty) Allocate(size int) []byte {
	return bytes.Repeat([]byte{0xff}, size)
}

func TestMemoryNeedNotBeClear(t *testing.T) {
	clean, b := newBuilder(t), New(rows.Table, dirty{memory.NewGoAllocator()})
	for range 10 {
		add(t, clean, "id", "")
		add(t, b, "id", "")
	}
	want, got := clean.Record(), b.Record()
	defer want.Release()
	defer got.Release()
	if !array.RecordEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRecordKeepsItsMemory(t *testing.T) {
	b := newBuilder(t)
	add(t, b, "first", "one")
	column := func() arrow.Array {
		rec := b.Record()
		defer rec.Release()
		a := rec.Column(0)
		a.Retain() // outlives the record
		return a
	}()
	defer column.Release()
	add(t, b, "other", "two")
	b.Record().Release()
	if got := column.(*array.String).Value(0); got != "first" {
		t.Errorf("got %q", got)
	}
}

func TestColumnsAreAligned(t *testing.T) {
	b := newBuilder(t)
	add(t, b, "a", "bc")
	rec := b.Record()
	defer rec.Release()
	var last []byte
	for _, column := range rec.Columns() {
		for _, buffer := range column.Data().Buffers() {
			if buffer == nil {
				continue
			}
			if last != nil && cap(last)-cap(buffer.Bytes()) != alignment {
				t.Errorf("%d bytes between two short buffers, want %d", cap(last)-cap(buffer.Bytes()), alignment)
			}
			last = buffer.Bytes()
		}
	}
}

// A builder that was large once does not stay large.
func TestMemoryIsGivenBack(t *testing.T) {
	b := newBuilder(t)
	large := func() {
		for range 1 << 20 / schema.DefaultMaxText {
			add(t, b, "large", string(bytes.Repeat([]byte("x"), schema.DefaultMaxText)))
		}
	}
	large()
	b.Record().Release()
	if c := cap(b.columns[2].text); c < 1<<20 {
		t.Errorf("%d bytes are kept of a record like the last", c)
	}
	add(t, b, "small", "x")
	b.Record().Release()
	if c := cap(b.columns[2].text); c > 1<<16 {
		t.Errorf("%d bytes are kept behind a small record", c)
	}
	large()
	b.Release()
	if c := cap(b.columns[2].text); c != 0 || b.Len() != 0 || b.Bytes() != 0 {
		t.Errorf("%d bytes are kept behind Release, %d rows", c, b.Len())
	}
}
