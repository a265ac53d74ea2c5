package rowbuild

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"github.com/hubspoke/observability/lib/schema"
)

// Cell is the value of one column in one row.
type Cell struct {
	// Text of a KindText or KindJSON cell: valid text, JSON in canonical form.
	// It is copied by Append.
	Text []byte

	word, high uint64
	state      state
}

type state uint8

const (
	unset state = iota
	nullSet
	valueSet
)

// Limits of timestamps and dates: the years 0001 to 9999.
const (
	minSecond = -62135596800
	maxSecond = 253402300799
	minDay    = minSecond / secondsPerDay
	maxDay    = maxSecond / secondsPerDay

	secondsPerDay = 24 * 60 * 60
)

// What is wrong with a value that one of the setters refuses.
const (
	NotFinite   = "want a finite number"
	YearRange   = "want a year from 0001 to 9999"
	DecimalSize = "want at most 28 digits before and 10 behind the point"
)

// Seen reports whether the cell was set, be it to null.
func (c *Cell) Seen() bool { return c.state != unset }

// Valid reports whether the cell was set to a value.
func (c *Cell) Valid() bool { return c.state == valueSet }

// SetNull sets the cell to null.
func (c *Cell) SetNull() { c.state = nullSet }

// SetText sets a cell of KindText or KindJSON. The caller has checked the text.
func (c *Cell) SetText(text []byte) { c.Text, c.state = text, valueSet }

// SetInt64 sets a cell of KindInt64.
func (c *Cell) SetInt64(n int64) { c.word, c.state = uint64(n), valueSet }

// SetBool sets a cell of KindBool.
func (c *Cell) SetBool(v bool) {
	c.state = valueSet
	if c.word = 0; v {
		c.word = 1
	}
}

// SetFloat64 sets a cell of KindFloat64; negative zero becomes zero, so that equal
// numbers have equal hashes. It returns what is wrong, or "".
func (c *Cell) SetFloat64(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return NotFinite
	}
	if f == 0 {
		f = 0 // not -0
	}
	c.word, c.state = math.Float64bits(f), valueSet
	return ""
}

// SetTimestamp sets a cell of KindTimestamp to seconds since 1970 and microseconds
// of the second. It returns what is wrong, or "".
func (c *Cell) SetTimestamp(seconds, micros int64) string {
	if seconds < minSecond || seconds > maxSecond {
		return YearRange
	}
	c.word, c.state = uint64(seconds*1e6+micros), valueSet
	return ""
}

// SetDate sets a cell of KindDate. It returns what is wrong, or "".
func (c *Cell) SetDate(d schema.Date) string {
	if d < minDay || d > maxDay {
		return YearRange
	}
	c.word, c.state = uint64(int64(d)), valueSet
	return ""
}

// Date returns the value of a cell of KindDate.
func (c *Cell) Date() schema.Date { return schema.Date(int64(c.word)) }

// decimalLimit is 10^38, the first number with too many digits.
var decimalLimit = decimal128.New(0x4b3b4ca85a86c47a, 0x098a224000000000)

// SetDecimal sets a cell of KindDecimal. It returns what is wrong, or "".
func (c *Cell) SetDecimal(d schema.Decimal) string {
	n := d.Units()
	if abs := n.Abs(); abs.Sign() < 0 || !abs.Less(decimalLimit) { // the least number has no positive counterpart
		return DecimalSize
	}
	c.word, c.high, c.state = n.LowBits(), uint64(n.HighBits()), valueSet
	return ""
}
