package schema

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// JSON is one JSON value of any shape, as text. Empty means null.
type JSON []byte

// MarshalJSON returns the value itself, or null if it is empty.
func (j JSON) MarshalJSON() ([]byte, error) {
	if len(j) == 0 {
		return []byte("null"), nil
	}
	return j, nil
}

// UnmarshalJSON keeps a copy of the text, nothing for null.
func (j *JSON) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*j = nil
		return nil
	}
	*j = append((*j)[:0], b...)
	return nil
}

// Date is a calendar day: days since 1970-01-01, which is its zero value.
type Date int32

const secondsPerDay = 24 * 60 * 60

// DateOf returns the day of t in t's location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay)
}

// ParseDate parses YYYY-MM-DD.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("date %q is not YYYY-MM-DD", s)
	}
	return DateOf(t), nil
}

// Time returns midnight UTC of the day.
func (d Date) Time() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// String returns the day as YYYY-MM-DD.
func (d Date) String() string { return d.Time().Format(time.DateOnly) }

// MarshalText returns String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is ParseDate.
func (d *Date) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDate(string(b))
	return err
}

// Decimal is an exact number of at most 38 digits, 10 of them behind the point:
// money as AWS sends it. The zero value is 0. Decimals compare with ==.
type Decimal struct{ units decimal128.Num }

// DecimalFromUnits returns the decimal of n units of 10^-10, the form that an
// Arrow decimal128(38,10) array holds.
func DecimalFromUnits(n decimal128.Num) Decimal { return Decimal{n} }

// Units returns the decimal in units of 10^-10.
func (d Decimal) Units() decimal128.Num { return d.units }

// maxDecimalText bounds what ParseDecimal looks at: 38 digits, sign, point, exponent.
const maxDecimalText = 64

var errDecimal = errors.New("not a decimal number of at most 28 digits before and 10 behind the point")

var decimalLimit = new(big.Int).Exp(big.NewInt(10), big.NewInt(DecimalPrecision), nil)

// ParseDecimal parses a decimal number, with or without an exponent. It never
// rounds: a number that needs more than 10 digits behind the point, or more than
// 28 before it, is an error.
func ParseDecimal(s string) (Decimal, error) {
	if s == "" || len(s) > maxDecimalText {
		return Decimal{}, errDecimal
	}
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		var err error
		if mantissa = s[:i]; len(s)-i > 5 {
			return Decimal{}, errDecimal
		}
		if exponent, err = parseExponent(s[i+1:]); err != nil {
			return Decimal{}, errDecimal
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	negative := strings.HasPrefix(whole, "-")
	whole = strings.TrimPrefix(whole, "-")
	if whole == "" || (strings.HasSuffix(mantissa, ".")) || !digits(whole) || !digits(fraction) {
		return Decimal{}, errDecimal
	}
	n, _ := new(big.Int).SetString(whole+fraction, 10)
	shift := DecimalScale - len(fraction) + exponent
	ten := big.NewInt(10)
	if shift >= 0 {
		n.Mul(n, new(big.Int).Exp(ten, big.NewInt(int64(shift)), nil))
	} else {
		var rest big.Int
		if n.QuoRem(n, new(big.Int).Exp(ten, big.NewInt(int64(-shift)), nil), &rest); rest.Sign() != 0 {
			return Decimal{}, errDecimal
		}
	}
	if n.CmpAbs(decimalLimit) >= 0 {
		return Decimal{}, errDecimal
	}
	if negative {
		n.Neg(n)
	}
	return Decimal{decimal128.FromBigInt(n)}, nil
}

func parseExponent(s string) (int, error) {
	sign := 1
	if s != "" && (s[0] == '+' || s[0] == '-') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	if s == "" || len(s) > 2 || !digits(s) {
		return 0, errDecimal
	}
	n := 0
	for _, c := range []byte(s) {
		n = n*10 + int(c-'0')
	}
	return sign * n, nil
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// String returns the number without exponent and without trailing zeros: 0.1, -12, 3.
func (d Decimal) String() string { return string(d.Append(nil)) }

// Append appends String to b.
func (d Decimal) Append(b []byte) []byte {
	n := d.units
	if n.Sign() < 0 {
		b, n = append(b, '-'), n.Negate()
	}
	text := n.BigInt().String()
	if pad := DecimalScale + 1 - len(text); pad > 0 {
		text = strings.Repeat("0", pad) + text
	}
	point := len(text) - DecimalScale
	b = append(b, text[:point]...)
	if fraction := strings.TrimRight(text[point:], "0"); fraction != "" {
		b = append(append(b, '.'), fraction...)
	}
	return b
}

// MarshalText returns String, so that encoding/json writes the number as a string.
func (d Decimal) MarshalText() ([]byte, error) { return d.Append(nil), nil }

// UnmarshalText is ParseDecimal.
func (d *Decimal) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDecimal(string(b))
	return err
}
