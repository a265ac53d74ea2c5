package rowjson

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/internal/rowbuild"
	"github.com/hubspoke/observability/lib/schema"
)

// Decoder appends JSON objects to an Arrow record; a failed row leaves no trace in
// any column. It is not safe for concurrent use.
type Decoder struct {
	table   *schema.Table
	columns []column
	build   *rowbuild.Builder
	scan    jsonscan.Scanner
	unknown map[string]int64 // values of appended rows under keys that are no column
}

// column is a column with the token that begins its member: its name in quotes
// and the colon.
type column struct {
	schema.Column
	token string
}

// NewDecoder returns a decoder for rows of t. Records come from mem; nil means
// memory.DefaultAllocator.
func NewDecoder(t *schema.Table, mem memory.Allocator) *Decoder {
	d := &Decoder{table: t, build: rowbuild.New(t, mem)}
	for _, c := range t.Columns() {
		d.columns = append(d.columns, column{c, `"` + c.Name + `":`})
	}
	return d
}

// Append appends one row: a JSON object with white space around it at most. The
// decoder does not keep row.
//
// If the table has a slice column, its value must be slice, the slice of the
// row's scope, as text (a date as YYYY-MM-DD); otherwise slice is not looked at.
//
// The error is a *schema.RowError.
func (d *Decoder) Append(row []byte, slice string) error {
	if len(row) > schema.MaxRow {
		return &schema.RowError{Reason: schema.ReasonTooLarge, Offset: schema.MaxRow,
			Detail: fmt.Sprintf("the row has %d bytes of JSON, the limit is %d", len(row), schema.MaxRow)}
	}
	d.build.Clear()
	d.scan.Reset(row)
	if err := d.readRow(); err != nil {
		return err
	}
	end := d.scan.Offset() - 1
	if err := d.scan.End(); err != nil {
		return err
	}
	if err := d.build.Check(end); err != nil {
		return err
	}
	if err := d.build.CheckSlice(slice, end); err != nil {
		return err
	}
	d.build.Append()
	if d.scan.Remembered() > 0 {
		d.countUnknown()
	}
	return nil
}

// Len returns the number of rows since the last record.
func (d *Decoder) Len() int { return d.build.Len() }

// Bytes returns about how large a record of the rows since the last one is.
func (d *Decoder) Bytes() int { return d.build.Bytes() }

// Record returns the rows since the last record; the caller must release it. The
// decoder is ready for the next record.
func (d *Decoder) Record() arrow.Record { return d.build.Record() }

// What is kept of keys that are no columns: how many names, and bytes of each.
const (
	maxUnknownKeys = 20
	maxUnknownKey  = 64
)

func (d *Decoder) countUnknown() {
	if d.unknown == nil {
		d.unknown = map[string]int64{}
	}
	for key := range d.scan.RememberedKeys() {
		if n := maxUnknownKey; len(key) > n {
			for !utf8.RuneStart(key[n]) {
				n--
			}
			key = key[:n]
		}
		if _, named := d.unknown[string(key)]; named || len(d.unknown) < maxUnknownKeys {
			d.unknown[string(key)]++
		} else {
			d.unknown[""]++
		}
	}
}

// UnknownKeys returns how many values of the rows that were appended since its
// last call had a key that is no column, by the first 64 bytes of the key; nil for
// none. "" stands for all further keys once 20 are named.
func (d *Decoder) UnknownKeys() map[string]int64 {
	unknown := d.unknown
	d.unknown = nil
	return unknown
}

// Release drops the rows since the last record and gives memory back. The decoder
// stays usable.
func (d *Decoder) Release() {
	d.build.Release()
	d.scan = jsonscan.Scanner{}
}

// readRow reads the object into the cells.
func (d *Decoder) readRow() error {
	if err := d.scan.Open(); err != nil {
		return err
	}
	next := 0 // the column that the next key is guessed to be
	for {
		more, err := d.scan.More()
		if err != nil || !more {
			return err
		}
		offset := d.scan.Offset()
		column := next
		if next == len(d.columns) || !d.scan.Accept(d.columns[next].token) {
			key, err := d.scan.Key()
			if err != nil {
				return err
			}
			var known bool
			if column, known = d.table.Index(unsafeString(key)); !known {
				if err := d.skip(key, offset); err != nil {
					return err
				}
				continue
			}
		}
		next = column + 1 // producers write keys in table order
		c, cell := &d.columns[column], &d.build.Cells[column]
		if cell.Seen() {
			return &schema.RowError{Reason: schema.ReasonDuplicateKey, Column: c.Name, Offset: offset,
				Detail: "the key is there twice"}
		}
		if err := d.readValue(c, cell); err != nil {
			if row, ok := errors.AsType[*schema.RowError](err); ok {
				row.Column = c.Name
			}
			return err
		}
	}
}

// skip checks the value of a key that is no column.
func (d *Decoder) skip(key []byte, offset int) error {
	d.scan.Remember(key, offset)
	_, _, err := d.scan.Value()
	return err
}

// wants says what a column of each kind takes, for errors.
var wants = [...]string{
	schema.KindText:      "a string",
	schema.KindInt64:     "an integer",
	schema.KindFloat64:   "a number",
	schema.KindDecimal:   "a decimal number in a string",
	schema.KindBool:      "true or false",
	schema.KindTimestamp: "a time in a string, as 2006-01-02T15:04:05.999999Z",
	schema.KindDate:      "a date in a string, as 2006-01-02",
	schema.KindJSON:      "a value",
}

// readValue reads the value of a column.
func (d *Decoder) readValue(c *column, cell *rowbuild.Cell) error {
	offset := d.scan.Offset()
	first := d.scan.Peek()
	if first == 'n' && d.scan.Null() {
		if !c.Nullable {
			return &schema.RowError{Reason: schema.ReasonMissing, Offset: offset,
				Detail: "the value is null, and the column is not nullable"}
		}
		cell.SetNull()
		return nil
	}
	switch c.Kind {
	case schema.KindText, schema.KindDecimal, schema.KindTimestamp, schema.KindDate:
		if first != '"' {
			return d.wrongType(c)
		}
		text, err := d.scan.String()
		if err != nil {
			return err
		}
		return setText(c.Kind, cell, text, offset)
	case schema.KindInt64, schema.KindFloat64:
		if first != '-' && first-'0' > 9 {
			return d.wrongType(c)
		}
		number, err := d.scan.Number()
		if err != nil {
			return err
		}
		return setNumber(c.Kind, cell, number, offset)
	case schema.KindBool:
		if first != 't' && first != 'f' {
			return d.wrongType(c)
		}
		v, err := d.scan.Bool()
		if err != nil {
			return err
		}
		cell.SetBool(v)
	default: // KindJSON
		text, canonical, err := d.scan.Value()
		if err != nil {
			return err
		}
		if !canonical {
			text = d.scan.Canonical(text)
		}
		cell.SetText(text)
	}
	return nil
}

// setText sets a cell of a kind that is written as a string.
func setText(kind schema.Kind, cell *rowbuild.Cell, text []byte, offset int) error {
	reason, wrong := schema.ReasonRange, ""
	switch kind {
	case schema.KindText:
		cell.SetText(text)
		return nil
	case schema.KindDecimal:
		var v schema.Decimal
		if v, reason, wrong = parseDecimal(text); wrong == "" {
			wrong = cell.SetDecimal(v)
		}
	case schema.KindTimestamp:
		var seconds, micros int64
		if seconds, micros, reason, wrong = parseTimestamp(text); wrong == "" {
			wrong = cell.SetTimestamp(seconds, micros)
		}
	case schema.KindDate:
		var days int64
		if days, reason, wrong = parseDate(text); wrong == "" {
			wrong = cell.SetDate(schema.Date(days))
		}
	}
	return fault(reason, wrong, text, offset)
}

// setNumber sets a cell of a kind that is written as a number.
func setNumber(kind schema.Kind, cell *rowbuild.Cell, number []byte, offset int) error {
	if kind == schema.KindFloat64 {
		f, err := strconv.ParseFloat(unsafeString(number), 64)
		if err != nil {
			return fault(schema.ReasonRange, rowbuild.NotFinite, number, offset)
		}
		return fault(schema.ReasonRange, cell.SetFloat64(f), number, offset)
	}
	for _, c := range number {
		if c == '.' || c|0x20 == 'e' {
			return fault(schema.ReasonType, "want an integer, without fraction and exponent", number, offset)
		}
	}
	n, err := strconv.ParseInt(unsafeString(number), 10, 64)
	if err != nil {
		return fault(schema.ReasonRange, "want an integer of 64 bits", number, offset)
	}
	cell.SetInt64(n)
	return nil
}

// fault returns the error for a value that is wrong, nil if wrong is "".
func fault(reason schema.Reason, wrong string, value []byte, offset int) error {
	if wrong == "" {
		return nil
	}
	return &schema.RowError{Reason: reason, Offset: offset, Detail: wrong + ", found " + jsonscan.Excerpt(value)}
}

// wrongType is the error for a value that begins like one of another type, or
// like none.
func (d *Decoder) wrongType(c *column) error {
	offset := d.scan.Offset()
	value, _, err := d.scan.Value()
	if err != nil {
		return err
	}
	return fault(schema.ReasonType, "want "+wants[c.Kind], value, offset)
}

// unsafeString returns b as a string without copying; it must not outlive b.
func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
