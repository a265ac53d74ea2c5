package jsonscan

import (
	"bytes"
	"strconv"

	"github.com/hubspoke/observability/lib/schema"
)

// appendNumber appends the canonical form of a number. Every number that jsonb holds
// has one form, whether it is read from a row or from what jsonb prints.
func appendNumber(dst, text []byte) []byte {
	exponential := bytes.ContainsAny(text, "eE")
	if len(text) <= schema.MaxNumber && !exponential && !bytes.HasPrefix(text, []byte("-0")) {
		return append(dst, text...)
	}
	n := parseNumber(text)
	if n.plainLen() <= schema.MaxNumber {
		return n.appendPlain(dst)
	}
	return n.appendScientific(dst)
}

// number is the parts of a number: its value is digits, with a point before the last
// scale of them. A negative scale stands for zeros behind the digits.
type number struct {
	negative bool
	digits   []byte // without leading zeros; none for zero
	scale    int
}

// parseNumber takes a number apart that numberEnd has accepted.
func parseNumber(text []byte) (n number) {
	text, n.negative = bytes.CutPrefix(text, []byte("-"))
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		exponent, _ := strconv.Atoi(string(text[i+1:])) // exponentFits has bounded it
		text, n.scale = text[:i], -exponent
	}
	whole, fraction, _ := bytes.Cut(text, []byte("."))
	n.digits = bytes.TrimLeft(append(append(make([]byte, 0, len(text)), whole...), fraction...), "0")
	n.scale += len(fraction)
	return n
}

// plainLen is the length of what appendPlain appends.
func (n number) plainLen() int {
	length := max(len(n.digits), 1)
	switch {
	case n.scale > 0:
		length = max(len(n.digits), n.scale+1) + 1
	case len(n.digits) > 0:
		length -= n.scale
	}
	if n.negative && len(n.digits) > 0 {
		length++
	}
	return length
}

// appendPlain appends the number without an exponent, as numeric_out does: zeros at
// the end of a fraction stay.
func (n number) appendPlain(dst []byte) []byte {
	if n.negative && len(n.digits) > 0 {
		dst = append(dst, '-')
	}
	zeros := func(count int) {
		for range count {
			dst = append(dst, '0')
		}
	}
	whole := max(len(n.digits)-max(n.scale, 0), 0)
	dst = append(dst, n.digits[:whole]...)
	switch {
	case whole == 0:
		zeros(1)
	case n.scale < 0:
		zeros(-n.scale)
	}
	if n.scale > 0 {
		dst = append(dst, '.')
		zeros(n.scale - (len(n.digits) - whole))
		dst = append(dst, n.digits[whole:]...)
	}
	return dst
}

// exponent is that of the scientific form.
func (n number) exponent() int { return len(n.digits) - 1 - n.scale }

// readable reports whether a scanner takes the scientific form of a number that it took.
func (n number) readable() bool {
	return len(n.digits) == 0 || n.exponent() >= -maxExponent && len(n.appendScientific(nil)) <= schema.MaxNumber
}

// appendScientific appends the number as 1.5e300. Zero is 0: how many digits of its
// fraction were written is lost.
func (n number) appendScientific(dst []byte) []byte {
	digits := bytes.TrimRight(n.digits, "0")
	if len(digits) == 0 {
		return append(dst, '0')
	}
	if n.negative {
		dst = append(dst, '-')
	}
	if dst = append(dst, digits[0]); len(digits) > 1 {
		dst = append(append(dst, '.'), digits[1:]...)
	}
	return strconv.AppendInt(append(dst, 'e'), int64(n.exponent()), 10)
}
