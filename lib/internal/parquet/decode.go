package parquet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"

	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/internal/rowbuild"
	"github.com/hubspoke/observability/lib/schema"
)

// Decode reads a Parquet file that [Encode] wrote, now or in an earlier version,
// into one Arrow record per row group, which the caller must release. A nil mem
// means memory.DefaultAllocator.
//
// Columns are found by name: one that the file does not have is null, one that the
// table does not have is ignored. Every row must keep the rules of the table; if it
// has a slice column, its value must be slice, as text. One row that does not
// refuses the file, with a [*schema.RowError] that is wrapped with the number of
// the row; whatever else is wrong is an [*Error].
//
// data may be anything. Decode believes no size that data claims, reads no byte
// twice, and has no more memory than a few times MaxDecoded at once. It ends with
// ctx, between two row groups.
func Decode(ctx context.Context, t *schema.Table, data []byte, slice string,
	mem memory.Allocator) (records []arrow.Record, err error) {
	if len(data) > MaxFile {
		return nil, refuse(ReasonTooLarge, "the file has %d bytes, more than %d", len(data), MaxFile)
	}
	d, err := newDecoder(t, data, slice, mem)
	if err != nil {
		return nil, err
	}
	defer d.close()
	defer func() {
		if err != nil {
			for _, r := range records {
				r.Release()
			}
			records = nil
		}
	}()
	for i := range d.metadata.RowGroups {
		if err := ctx.Err(); err != nil {
			return records, err
		}
		r, err := d.rowGroup(&d.metadata.RowGroups[i])
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
	return records, nil
}

// decoder decodes one file.
type decoder struct {
	table    *schema.Table
	metadata *format.FileMetaData
	pages    []byte
	slice    string
	zstd     *zstd.Decoder
	unread   int64 // bytes of the file that chunks may still have
	budget   int64 // bytes that pages may still have
	values   int64 // bytes that values may still have as they are in the file
	decoded  int64 // bytes of the records so far
	rows     int64 // in them

	builder *rowbuild.Builder
	columns []column // those of the file that the table has
}

// column is one that both the file and the table have.
type column struct {
	schema.Column
	cell     *rowbuild.Cell
	leaf     int // index in the file
	optional bool
	chunk    chunk
	scanner  jsonscan.Scanner
	json     []byte
}

func newDecoder(t *schema.Table, data []byte, slice string, mem memory.Allocator) (*decoder, error) {
	metadata, pages, err := readFooter(data, maxFooter)
	if err != nil {
		return nil, err
	}
	d := &decoder{table: t, metadata: metadata, pages: pages, slice: slice,
		unread: int64(len(pages)), budget: MaxDecoded, values: MaxDecoded}
	if err := d.checkRows(); err != nil {
		return nil, err
	}
	d.builder = rowbuild.New(t, mem)
	if err := d.bind(); err != nil {
		return nil, err
	}
	d.zstd, err = zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(MaxDecoded),
		zstd.WithDecodeAllCapLimit(true), // what a frame says of its size is never believed
	)
	if err != nil {
		panic(err) // the options are constants
	}
	return d, nil
}

func (d *decoder) close() {
	d.zstd.Close()
	d.builder.Release()
}

func (d *decoder) checkRows() error {
	if n := d.metadata.NumRows; n < 0 || n > MaxRows {
		return refuse(ReasonTooLarge, "the file claims %d rows; at most %d are read", n, MaxRows)
	}
	left := d.metadata.NumRows
	for i := range d.metadata.RowGroups {
		n := d.metadata.RowGroups[i].NumRows
		if n < 0 || n > left {
			return corrupt("the row groups have more rows than the file")
		}
		left -= n
	}
	if left > 0 {
		return corrupt("the row groups have fewer rows than the file")
	}
	return nil
}

// bind finds the columns of the table in the file.
func (d *decoder) bind() error {
	byName, err := leaves(d.metadata)
	if err != nil {
		return err
	}
	for i, c := range d.table.Columns() {
		leaf, ok := byName[c.Name]
		switch {
		case ok:
			element := d.metadata.Schema[1+leaf]
			if err := checkType(c, element); err != nil {
				return err
			}
			optional := element.RepetitionType.V == format.Optional
			d.columns = append(d.columns, column{Column: c, cell: &d.builder.Cells[i], leaf: leaf, optional: optional})
		case !c.Nullable:
			return refuse(ReasonColumn, "column %s is not in the file, and it is not nullable", c.Name)
		}
	}
	return nil
}

func (d *decoder) rowGroup(g *format.RowGroup) (arrow.Record, error) {
	if len(g.Columns) != len(d.metadata.Schema)-1 {
		return nil, corrupt("a row group has %d columns, the file %d", len(g.Columns), len(d.metadata.Schema)-1)
	}
	for i := range d.columns {
		if err := d.openChunk(&d.columns[i], &g.Columns[d.columns[i].leaf], g.NumRows); err != nil {
			return nil, err
		}
	}
	for range g.NumRows {
		if err := d.row(); err != nil {
			return nil, err
		}
	}
	for i := range d.columns {
		if err := d.columns[i].chunk.end(); err != nil {
			return nil, inColumn(d.columns[i].Name, err)
		}
	}
	d.decoded += int64(d.builder.Bytes())
	return d.builder.Record(), nil
}

func (d *decoder) openChunk(c *column, from *format.ColumnChunk, rows int64) error {
	m := &from.MetaData
	first := m.DataPageOffset
	if m.DictionaryPageOffset > 0 {
		first = min(first, m.DictionaryPageOffset)
	}
	size := int64(len(d.pages))
	switch {
	case m.Type != layouts[c.Kind].physical || len(m.PathInSchema) != 1 || m.PathInSchema[0] != c.Name:
		return inColumn(c.Name, corrupt("its values are those of another column"))
	case m.NumValues != rows:
		return inColumn(c.Name, corrupt("there are %d values for %d rows", m.NumValues, rows))
	case first < int64(len(magic)) || first > size || m.TotalCompressedSize < 0 || m.TotalCompressedSize > size-first:
		return inColumn(c.Name, corrupt("%d bytes from %d on are outside of the file", m.TotalCompressedSize, first))
	}
	// A chunk may lie inside of others, and thousands of them be the same.
	if d.unread -= m.TotalCompressedSize; d.unread < 0 {
		return inColumn(c.Name, corrupt("the columns have more bytes than the file"))
	}
	c.chunk = chunk{
		layout: layouts[c.Kind], optional: c.optional, codec: m.Codec,
		zstd: d.zstd, budget: &d.budget,
		pages: d.pages[first : first+m.TotalCompressedSize], left: rows,
		buffer: c.chunk.buffer,
	}
	return nil
}

func inColumn(name string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return refuse(e.Reason, "column %s: %s", name, e.Detail)
	}
	return err
}

// row appends the next row to the builder.
func (d *decoder) row() error {
	d.builder.Clear()
	for i := range d.columns {
		c := &d.columns[i]
		value, ok, err := c.chunk.next()
		if err != nil {
			return inColumn(c.Name, err)
		}
		if !ok {
			c.cell.SetNull()
			continue
		}
		// A large value of a dictionary may come again and again, and be mostly spaces.
		if d.values -= int64(len(value)); d.values < 0 {
			return refuse(ReasonTooLarge, "the values have more than %d bytes", MaxDecoded)
		}
		if reason, detail := c.set(value); reason != "" {
			return d.refuseRow(&schema.RowError{Reason: reason, Column: c.Name, Offset: -1, Detail: detail})
		}
	}
	if err := d.builder.CheckSlice(d.slice, -1); err != nil {
		return d.refuseRow(err)
	}
	if err := d.builder.Check(-1); err != nil {
		return d.refuseRow(err)
	}
	d.builder.Append()
	d.rows++
	if d.decoded+int64(d.builder.Bytes()) > MaxDecoded {
		return refuse(ReasonTooLarge, "the rows have more than %d bytes", MaxDecoded)
	}
	return nil
}

func (d *decoder) refuseRow(err *schema.RowError) error {
	return fmt.Errorf("row %d of the file: %w", d.rows, err)
}

// set sets the cell of the column, or says what is wrong with the value.
func (c *column) set(value []byte) (reason schema.Reason, detail string) {
	switch c.Kind {
	case schema.KindText:
		if wrong := schema.CheckText(value); wrong != "" {
			return schema.ReasonText, wrong
		}
		c.cell.SetText(value)
	case schema.KindJSON:
		return c.setJSON(value)
	case schema.KindInt64:
		c.cell.SetInt64(int64(binary.LittleEndian.Uint64(value)))
	case schema.KindFloat64:
		detail = c.cell.SetFloat64(math.Float64frombits(binary.LittleEndian.Uint64(value)))
	case schema.KindDecimal:
		n := decimal128.New(int64(binary.BigEndian.Uint64(value)), binary.BigEndian.Uint64(value[8:]))
		detail = c.cell.SetDecimal(schema.DecimalFromUnits(n))
	case schema.KindBool:
		c.cell.SetBool(value[0] == 1)
	case schema.KindTimestamp:
		micros := int64(binary.LittleEndian.Uint64(value))
		seconds, rest := micros/1e6, micros%1e6
		if rest < 0 {
			seconds, rest = seconds-1, rest+1e6
		}
		detail = c.cell.SetTimestamp(seconds, rest)
	case schema.KindDate:
		detail = c.cell.SetDate(schema.Date(int32(binary.LittleEndian.Uint32(value))))
	}
	if detail != "" {
		return schema.ReasonRange, detail
	}
	return "", ""
}

func (c *column) setJSON(value []byte) (schema.Reason, string) {
	var err error
	if c.json, err = c.scanner.AppendCanonical(c.json[:0], value); err != nil {
		if e, ok := errors.AsType[*schema.RowError](err); ok {
			return e.Reason, e.Detail
		}
		return schema.ReasonSyntax, err.Error()
	}
	if string(c.json) == "null" {
		c.cell.SetNull()
		return "", ""
	}
	c.cell.SetText(c.json)
	return "", ""
}
