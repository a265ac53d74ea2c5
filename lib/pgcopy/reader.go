// Package pgcopy turns Arrow records into the binary format of PostgreSQL's COPY
// (PostgreSQL manual, COPY, "Binary Format"). It knows bytes only: send what a
// [Reader] gives with pgconn's CopyFrom and "COPY … FROM STDIN BINARY".
package pgcopy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"github.com/hubspoke/observability/lib/schema"
)

// signature opens every binary COPY: the magic, no flags, no header extension.
const signature = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// trailer closes it: a field count of -1.
const trailer = "\xff\xff"

const (
	// epochMicros and epochDays are 2000-01-01, PostgreSQL's zero of time,
	// counted from 1970-01-01, Arrow's.
	epochMicros = 946_684_800_000_000
	epochDays   = 10_957
	// jsonbVersion is the first byte of a binary jsonb value; the text follows.
	jsonbVersion = 1
	nullLength   = "\xff\xff\xff\xff"
)

// Source is a record, or some of its rows, to be copied.
type Source struct {
	// Record to read. It must stay retained until the Reader is done.
	Record arrow.Record
	// Rows are the indexes of the rows to copy, in this order; nil means all.
	Rows []int32
}

// Reader streams Arrow records as PostgreSQL binary COPY. Columns are sent in the
// order of the record. Besides the kinds of package schema it takes
// fixed_size_binary(16) as uuid.
//
// A Reader is for one goroutine and one COPY. It owns nothing that must be closed.
type Reader struct {
	sources []source
	current int // index into sources
	next    int // next row of the current source
	buf     []byte
	sent    int // bytes of buf already read
	started bool
	ended   bool
}

type source struct {
	rows    []int32
	n       int
	columns []column
}

// NewReader binds the columns of every source once. It fails if a column has an
// Arrow type that has no PostgreSQL counterpart, or if the sources do not have
// the same columns.
func NewReader(sources ...Source) (*Reader, error) {
	r := &Reader{sources: make([]source, len(sources))}
	for i, s := range sources {
		if i > 0 && !s.Record.Schema().Equal(sources[0].Record.Schema()) {
			return nil, errors.New("pgcopy: sources have different schemas")
		}
		columns, err := bind(s.Record)
		if err != nil {
			return nil, err
		}
		n := int(s.Record.NumRows())
		if s.Rows != nil {
			n = len(s.Rows)
		}
		r.sources[i] = source{rows: s.Rows, n: n, columns: columns}
	}
	return r, nil
}

// Read fills p as far as it can: pgconn sends one message per Read, so short
// reads would make small packets.
func (r *Reader) Read(p []byte) (int, error) {
	if len(r.buf)-r.sent < len(p) { // not on every Read, or a row larger than p would be moved again and again
		r.buf, r.sent = r.buf[:copy(r.buf, r.buf[r.sent:])], 0
	}
	if !r.started {
		r.started = true
		r.buf = append(r.buf, signature...)
	}
	r.fill(len(p))
	n := copy(p, r.buf[r.sent:])
	if r.sent += n; n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// fill encodes rows until at least want bytes wait in buf or no row is left.
func (r *Reader) fill(want int) {
	for len(r.buf)-r.sent < want && !r.ended {
		if r.current == len(r.sources) {
			r.buf = append(r.buf, trailer...)
			r.ended = true
			return
		}
		s := &r.sources[r.current]
		for r.next < s.n && len(r.buf)-r.sent < want {
			row := r.next
			if s.rows != nil {
				row = int(s.rows[r.next])
			}
			r.buf = s.appendRow(r.buf, row)
			r.next++
		}
		if r.next == s.n {
			r.current, r.next = r.current+1, 0
		}
	}
}

// encoding is how the values of a column are written.
type encoding uint8

const (
	encodeText encoding = iota
	encodeJSON
	encodeWord // eight bytes: int64, float64, timestamp
	encodeDate
	encodeBool
	encodeDecimal
	encodeUUID
)

// column is one column bound to its array.
type column struct {
	encoding encoding
	validity []byte // nil: no nulls
	offset   int    // of the array in validity and, but for text, in bytes
	offsets  []int32
	bytes    []byte // text, uuids, or the bitmap of booleans
	words    []int64
	shift    int64 // subtracted from words
	dates    []arrow.Date32
	decimals []decimal128.Num
}

func bind(rec arrow.Record) ([]column, error) {
	columns := make([]column, rec.NumCols())
	for i := range columns {
		c := &columns[i]
		a := rec.Column(i)
		c.offset = a.Data().Offset()
		if a.NullN() > 0 {
			c.validity = a.NullBitmapBytes()
		}
		switch a := a.(type) {
		case *array.String:
			if kind, _ := schema.KindOf(rec.Schema().Field(i)); kind == schema.KindJSON {
				c.encoding = encodeJSON
			}
			c.offsets, c.bytes = a.ValueOffsets(), a.ValueBytes()
		case *array.Int64:
			c.encoding, c.words = encodeWord, a.Int64Values()
		case *array.Float64:
			c.encoding, c.words = encodeWord, arrow.Int64Traits.CastFromBytes(arrow.Float64Traits.CastToBytes(a.Float64Values()))
		case *array.Timestamp:
			if !arrow.TypeEqual(a.DataType(), arrow.FixedWidthTypes.Timestamp_us) {
				return nil, unsupported(rec, i)
			}
			c.encoding, c.shift = encodeWord, epochMicros
			c.words = arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(a.TimestampValues()))
		case *array.Date32:
			c.encoding, c.dates = encodeDate, a.Date32Values()
		case *array.Boolean:
			c.encoding, c.bytes = encodeBool, valueBytes(a)
		case *array.Decimal128:
			if t := a.DataType().(*arrow.Decimal128Type); t.Scale != schema.DecimalScale {
				return nil, unsupported(rec, i)
			}
			c.encoding, c.decimals = encodeDecimal, a.Values()
		case *array.FixedSizeBinary:
			if a.DataType().(*arrow.FixedSizeBinaryType).ByteWidth != uuidSize {
				return nil, unsupported(rec, i)
			}
			c.encoding, c.bytes = encodeUUID, valueBytes(a)
		default:
			return nil, unsupported(rec, i)
		}
	}
	return columns, nil
}

const uuidSize = 16

// valueBytes returns the values of an array of fixed width from offset 0 on. An
// array without values may have no buffer for them.
func valueBytes(a arrow.Array) []byte {
	if b := a.Data().Buffers()[1]; b != nil {
		return b.Bytes()
	}
	return nil
}

func unsupported(rec arrow.Record, i int) error {
	f := rec.Schema().Field(i)
	return fmt.Errorf("pgcopy: column %q: Arrow type %v has no PostgreSQL type here", f.Name, f.Type)
}

func (s *source) appendRow(b []byte, row int) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.columns)))
	for i := range s.columns {
		c := &s.columns[i]
		if c.validity != nil && !bit(c.validity, c.offset+row) {
			b = append(b, nullLength...)
			continue
		}
		switch c.encoding {
		case encodeText:
			v := c.text(row)
			b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
			b = append(b, v...)
		case encodeJSON:
			v := c.text(row)
			b = binary.BigEndian.AppendUint32(b, uint32(len(v)+1))
			b = append(b, jsonbVersion)
			b = append(b, v...)
		case encodeWord:
			b = append(b, 0, 0, 0, 8)
			b = binary.BigEndian.AppendUint64(b, uint64(c.words[row]-c.shift))
		case encodeDate:
			b = append(b, 0, 0, 0, 4)
			b = binary.BigEndian.AppendUint32(b, uint32(int32(c.dates[row])-epochDays))
		case encodeBool:
			b = append(b, 0, 0, 0, 1, 0)
			if bit(c.bytes, c.offset+row) {
				b[len(b)-1] = 1
			}
		case encodeDecimal:
			b = appendNumeric(b, c.decimals[row])
		case encodeUUID:
			b = append(b, 0, 0, 0, uuidSize)
			from := (c.offset + row) * uuidSize
			b = append(b, c.bytes[from:from+uuidSize]...)
		}
	}
	return b
}

// text returns the bytes of a string value. ValueBytes starts at the first
// offset of a sliced array, the offsets do not.
func (c *column) text(row int) []byte {
	base := c.offsets[0]
	return c.bytes[c.offsets[row]-base : c.offsets[row+1]-base]
}

func bit(bitmap []byte, i int) bool { return bitmap[i>>3]&(1<<(i&7)) != 0 }

const (
	numericPositive = 0x0000
	numericNegative = 0x4000
	// numericBase is the value of one digit of PostgreSQL's numeric.
	numericBase = 10_000
	// fractionDigits of base 10,000 hold the ten decimal digits behind the point.
	fractionDigits = 3
	// maxDigits is enough for every decimal128: the largest has 39 decimal digits. That a
	// column has no room for them is for PostgreSQL to say.
	maxDigits = 11
)

// appendNumeric writes n, in units of 10^-10, as PostgreSQL's binary numeric:
// digits of base 10,000, the weight of the first, sign and display scale
// (numeric_send in src/backend/utils/adt/numeric.c).
func appendNumeric(b []byte, n decimal128.Num) []byte {
	sign := uint16(numericPositive)
	if n.Sign() < 0 {
		sign, n = numericNegative, n.Negate()
	}
	var digits [maxDigits]uint16
	first := maxDigits
	high, low, fraction := divide(uint64(n.HighBits()), n.LowBits(), 10_000_000_000)
	fraction *= 100 // ten decimal digits become three digits of base 10,000
	for range fractionDigits {
		first--
		digits[first] = uint16(fraction % numericBase)
		fraction /= numericBase
	}
	for high != 0 || low != 0 {
		var digit uint64
		high, low, digit = divide(high, low, numericBase)
		first--
		digits[first] = uint16(digit)
	}
	weight := maxDigits - first - fractionDigits - 1
	last := maxDigits
	for last > first && digits[last-1] == 0 {
		last--
	}
	for first < last && digits[first] == 0 {
		first++
		weight--
	}
	if first == last {
		weight = 0
	}
	b = binary.BigEndian.AppendUint32(b, uint32(8+2*(last-first)))
	b = binary.BigEndian.AppendUint16(b, uint16(last-first))
	b = binary.BigEndian.AppendUint16(b, uint16(int16(weight)))
	b = binary.BigEndian.AppendUint16(b, sign)
	b = binary.BigEndian.AppendUint16(b, schema.DecimalScale)
	for _, d := range digits[first:last] {
		b = binary.BigEndian.AppendUint16(b, d)
	}
	return b
}

// divide divides the 128-bit number (high, low) by d.
func divide(high, low, d uint64) (quotientHigh, quotientLow, remainder uint64) {
	quotientHigh, remainder = high/d, high%d
	quotientLow, remainder = bits.Div64(remainder, low, d)
	return quotientHigh, quotientLow, remainder
}
