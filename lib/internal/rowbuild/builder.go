// Package rowbuild gathers rows of one category cell by cell and turns them into
// Arrow records. It holds the rules that a row must keep whichever form it comes
// from; lib/rowjson and lib/rows are the forms.
package rowbuild

import (
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/schema"
)

// Builder gathers rows. The caller sets the Cells of one row, asks Check, and
// then calls Append, which cannot fail: a row that does not fit leaves no trace.
//
// Values are kept in slices that are used again for the next record, and copied
// into one block of memory when the record is made: decoding allocates nothing,
// and a record is exactly as large as its values.
type Builder struct {
	// Cells of the row that is being set, one per column.
	Cells []Cell

	table   *schema.Table
	mem     memory.Allocator
	columns []column
	rows    int
	text    int // bytes of text of all columns
	width   int // bytes of a row without text
}

// column holds the values of one column.
type column struct {
	schema.Column
	textual bool
	nulls   int
	valid   []byte   // bitmap of the values that are not null, if nullable
	words   []uint64 // values of fixed width, two words for a decimal
	ends    []int32  // where each text ends
	text    []byte
}

// New returns a Builder for rows of t. A nil mem means memory.DefaultAllocator.
func New(t *schema.Table, mem memory.Allocator) *Builder {
	if mem == nil {
		mem = memory.DefaultAllocator
	}
	b := &Builder{table: t, mem: mem}
	for _, c := range t.Columns() {
		b.columns = append(b.columns, column{Column: c, textual: c.Kind == schema.KindText || c.Kind == schema.KindJSON})
		b.width += width(c.Kind)
	}
	b.Cells = make([]Cell, len(b.columns))
	return b
}

// width is how many bytes of a record a value takes, its text not counted.
func width(k schema.Kind) int {
	switch k {
	case schema.KindText, schema.KindJSON, schema.KindDate:
		return 4
	case schema.KindDecimal:
		return 16
	case schema.KindBool:
		return 1
	}
	return 8
}

// Clear unsets all cells.
func (b *Builder) Clear() { clear(b.Cells) }

// maxText bounds the text of a record: Arrow's offsets are 32 bits wide.
const maxText = math.MaxInt32

// Check returns why the row in Cells does not fit the table, or nil. offset is
// where the row's JSON ends, -1 if there is none.
func (b *Builder) Check(offset int) *schema.RowError {
	text := 0
	for i := range b.columns {
		c, cell := &b.columns[i], &b.Cells[i]
		if cell.state != valueSet {
			if !c.Nullable {
				return &schema.RowError{Reason: schema.ReasonMissing, Column: c.Name, Offset: offset,
					Detail: "there is no value, and the column is not nullable"}
			}
			continue
		}
		if c.textual {
			if c.Key && len(cell.Text) == 0 {
				return &schema.RowError{Reason: schema.ReasonEmptyKey, Column: c.Name, Offset: offset,
					Detail: "a key column must not be empty"}
			}
			if c.Kind == schema.KindText && len(cell.Text) > b.table.MaxText() {
				return &schema.RowError{
					Reason: schema.ReasonTooLarge, Column: c.Name, Offset: offset,
					Detail: fmt.Sprintf("the text has %d bytes, the column takes %d", len(cell.Text), b.table.MaxText()),
				}
			}
			if !c.Shape.Fits(cell.Text) {
				return &schema.RowError{
					Reason: schema.ReasonType, Column: c.Name, Offset: offset,
					Detail: fmt.Sprintf("want a JSON %s, found %s", c.Shape, jsonscan.Excerpt(cell.Text)),
				}
			}
			text += len(cell.Text)
		}
	}
	if n := b.width + text; n > schema.MaxRow {
		return &schema.RowError{
			Reason: schema.ReasonTooLarge, Offset: offset,
			Detail: fmt.Sprintf("the row has %d bytes, the limit is %d", n, schema.MaxRow),
		}
	}
	if b.text+text > maxText {
		return &schema.RowError{Reason: schema.ReasonTooLarge, Offset: offset,
			Detail: fmt.Sprintf("with %d rows before it, the row exceeds the 2 GiB of text that an Arrow record can hold",
				b.rows)}
	}
	return nil
}

// CheckSlice returns why the slice column, if the table has one, does not have the
// slice of the row's scope, or nil. A null is for Check to refuse. offset is as in Check.
func (b *Builder) CheckSlice(slice string, offset int) *schema.RowError {
	i := b.table.SliceColumn()
	if i < 0 || !b.Cells[i].Valid() {
		return nil
	}
	text := b.Cells[i].Text
	var day [len(time.DateOnly)]byte
	if b.columns[i].Kind == schema.KindDate {
		text = b.Cells[i].Date().Time().AppendFormat(day[:0], time.DateOnly)
	}
	if string(text) == slice {
		return nil
	}
	return &schema.RowError{
		Reason: schema.ReasonSlice, Column: b.columns[i].Name, Offset: offset,
		Detail: "want " + jsonscan.Excerpt([]byte(slice)) + ", the slice of the scope, found " + jsonscan.Excerpt(text),
	}
}

// Append appends the row in Cells, for which Check must have returned nil.
func (b *Builder) Append() {
	index, bit := b.rows/8, byte(1)<<(b.rows%8)
	for i := range b.columns {
		c, cell := &b.columns[i], &b.Cells[i]
		if c.Nullable {
			if bit == 1 {
				c.valid = append(c.valid, 0)
			}
			if cell.state == valueSet {
				c.valid[index] |= bit
			} else {
				c.nulls++
			}
		}
		switch {
		case c.textual:
			c.text = append(c.text, cell.Text...)
			c.ends = append(c.ends, int32(len(c.text)))
			b.text += len(cell.Text)
		case c.Kind == schema.KindDecimal:
			c.words = append(c.words, cell.word, cell.high)
		default:
			c.words = append(c.words, cell.word)
		}
	}
	b.rows++
}

// Len returns the number of rows since the last record.
func (b *Builder) Len() int { return b.rows }

// Bytes returns about how large a record of these rows is.
func (b *Builder) Bytes() int { return b.rows*b.width + b.text }

// Release forgets the rows and gives the memory back. The builder stays usable.
func (b *Builder) Release() {
	for i := range b.columns {
		c := &b.columns[i]
		*c = column{Column: c.Column, textual: c.textual}
	}
	b.Clear()
	b.rows, b.text = 0, 0
}

// Record returns the rows since the last record, which the caller must release,
// and starts the next record.
func (b *Builder) Record() arrow.Record {
	block := newBlock(b.mem, b.recordSize())
	arrays := make([]arrow.Array, len(b.columns))
	buffers := make([]*memory.Buffer, 0, 3*len(b.columns))
	for i := range b.columns {
		c := &b.columns[i]
		first := len(buffers)
		buffers = c.write(buffers, block, b.rows)
		own := buffers[first:len(buffers):len(buffers)]
		data := array.NewData(c.Kind.ArrowType(), b.rows, own, nil, c.nulls, 0)
		arrays[i] = array.MakeFromData(data)
		data.Release()
		for _, buffer := range own {
			if buffer != nil {
				buffer.Release()
			}
		}
		c.reset()
	}
	block.buffer.Release()
	rec := array.NewRecord(b.table.ArrowSchema(), arrays, int64(b.rows))
	for _, a := range arrays {
		a.Release()
	}
	b.rows, b.text = 0, 0
	return rec
}

func (b *Builder) recordSize() int {
	size := 0
	for i := range b.columns {
		c := &b.columns[i]
		if c.nulls > 0 {
			size += align(len(c.valid))
		}
		switch {
		case c.textual:
			size += align(4*(b.rows+1)) + align(len(c.text))
		case c.Kind == schema.KindBool:
			size += align((b.rows + 7) / 8)
		default:
			size += align(b.rows * width(c.Kind))
		}
	}
	return size
}

// write copies the values into the block and appends the column's Arrow buffers:
// validity, which is nil if there are no nulls, then offsets of texts, then values.
func (c *column) write(buffers []*memory.Buffer, block *block, rows int) []*memory.Buffer {
	var valid *memory.Buffer
	if c.nulls > 0 {
		valid = block.take(len(c.valid))
		copy(valid.Bytes(), c.valid)
	}
	buffers = append(buffers, valid)
	switch {
	case c.textual:
		offsets := block.take(4 * (rows + 1))
		ends := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
		ends[0] = 0
		copy(ends[1:], c.ends)
		text := block.take(len(c.text))
		copy(text.Bytes(), c.text)
		return append(buffers, offsets, text)
	case c.Kind == schema.KindBool:
		values := block.take((rows + 7) / 8)
		packBits(values.Bytes(), c.words)
		return append(buffers, values)
	case c.Kind == schema.KindDate:
		values := block.take(4 * rows)
		days := arrow.Int32Traits.CastFromBytes(values.Bytes())
		for i, w := range c.words {
			days[i] = int32(w)
		}
		return append(buffers, values)
	default: // one or, for a decimal, two words of 8 bytes, the lower first
		values := block.take(8 * len(c.words))
		copy(arrow.Uint64Traits.CastFromBytes(values.Bytes()), c.words)
		return append(buffers, values)
	}
}

// packBits writes words, each 0 or 1, as bits.
func packBits(dst []byte, words []uint64) {
	clear(dst)
	for i, w := range words {
		dst[i/8] |= byte(w) << (i % 8)
	}
}

// reset makes the column ready for the next record and keeps its memory, unless
// this record needed much less of it.
func (c *column) reset() {
	c.valid, c.words = recycle(c.valid), recycle(c.words)
	c.ends, c.text = recycle(c.ends), recycle(c.text)
	c.nulls = 0
}

func recycle[T any](s []T) []T {
	const small = 4096
	if cap(s) > small && cap(s) > 4*len(s) {
		return nil
	}
	return s[:0]
}

// block is memory that is handed out in aligned pieces; the pieces keep it alive.
type block struct {
	buffer *memory.Buffer
	used   int
}

const alignment = 64 // what Arrow recommends

func align(n int) int { return (n + alignment - 1) &^ (alignment - 1) }

func newBlock(mem memory.Allocator, size int) *block {
	return &block{buffer: memory.NewBufferWithAllocator(mem.Allocate(size), mem)}
}

func (b *block) take(size int) *memory.Buffer {
	piece := memory.SliceBuffer(b.buffer, b.used, size)
	b.used += align(size)
	return piece
}
