package rowjson

import (
	"math/bits"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/internal/rowbuild"
	"github.com/hubspoke/observability/lib/schema"
)

const (
	secondsPerDay = 24 * 60 * 60
	microsPerDay  = secondsPerDay * 1_000_000
)

const (
	wantTimestamp = "want an RFC 3339 time in UTC, as 2006-01-02T15:04:05.999999Z"
	wantDate      = "want a date, as 2006-01-02"
)

// parseTimestamp parses a time of RFC 3339, chapter 5.6, with the zone Z. Leap seconds
// are refused: PostgreSQL would move them into the next minute.
func parseTimestamp(b []byte) (seconds, micros int64, reason schema.Reason, wrong string) {
	const whole = len("2006-01-02T15:04:05")
	if len(b) < whole+1 || b[len(b)-1] != 'Z' || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return 0, 0, schema.ReasonType, wantTimestamp
	}
	days, reason, wrong := parseDate(b[:10])
	if wrong == wantDate {
		wrong = wantTimestamp
	}
	hour, minute, second := two(b, 11), two(b, 14), two(b, 17)
	fraction := b[whole : len(b)-1]
	switch {
	case wrong != "":
		return 0, 0, reason, wrong
	case hour|minute|second >= notDigits || len(fraction) == 1 || len(fraction) > 0 && fraction[0] != '.':
		return 0, 0, schema.ReasonType, wantTimestamp
	}
	if len(fraction) > 0 {
		for i, c := range fraction[1:] {
			if c-'0' > 9 {
				return 0, 0, schema.ReasonType, wantTimestamp
			}
			if i < 6 {
				micros += int64(c-'0') * powers[5-i]
			}
		}
	}
	switch {
	case hour > 23 || minute > 59 || second > 59:
		return 0, 0, schema.ReasonRange, "want a time of day from 00:00:00 to 23:59:59"
	case len(fraction) > 7:
		return 0, 0, schema.ReasonRange, "want at most 6 digits of a second"
	}
	return days*secondsPerDay + int64(hour)*3600 + int64(minute)*60 + int64(second), micros, schema.ReasonRange, ""
}

var powers = [...]int64{1, 10, 100, 1000, 10000, 100000}

// parseDate parses YYYY-MM-DD to days since 1970-01-01.
func parseDate(b []byte) (days int64, reason schema.Reason, wrong string) {
	if len(b) != 10 || b[4] != '-' || b[7] != '-' {
		return 0, schema.ReasonType, wantDate
	}
	century, year, month, day := two(b, 0), two(b, 2), two(b, 5), two(b, 8)
	if century|year|month|day >= notDigits {
		return 0, schema.ReasonType, wantDate
	}
	year += 100 * century
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, schema.ReasonRange, "want a day of the calendar"
	}
	return daysFromCivil(int64(year), int64(month), int64(day)), schema.ReasonRange, ""
}

// notDigits is set in the result of two if one of the characters is no digit.
const notDigits = 1 << 16

// two parses the two digits at i.
func two(b []byte, i int) uint {
	tens, units := uint(b[i])-'0', uint(b[i+1])-'0'
	if tens > 9 || units > 9 {
		return notDigits
	}
	return tens*10 + units
}

func daysIn(year, month uint) uint {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1
}

// daysFromCivil returns the days since 1970-01-01 of a day in the proleptic
// Gregorian calendar (H. Hinnant, chrono-Compatible Low-Level Date Algorithms).
func daysFromCivil(year, month, day int64) int64 {
	if month <= 2 {
		year--
	}
	era := year / 400 // year is at least -1, for January 0000; the cell refuses its days
	yearOfEra := year - era*400
	dayOfYear := (153*((month+9)%12)+2)/5 + day - 1 // from 1 March
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*146097 + dayOfEra - 719468
}

// civil is the inverse of daysFromCivil.
func civil(days int64) (year, month, day int64) {
	days += 719468
	era := days / 146097
	dayOfEra := days - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	shifted := (5*dayOfYear + 2) / 153
	year, month, day = yearOfEra+era*400, shifted+3, dayOfYear-(153*shifted+2)/5+1
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}

func appendTwo(dst []byte, n int64) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// appendDate appends days since 1970-01-01 as YYYY-MM-DD.
func appendDate(dst []byte, days int64) []byte {
	year, month, day := civil(days)
	dst = appendTwo(appendTwo(dst, year/100), year%100)
	dst = appendTwo(append(dst, '-'), month)
	return appendTwo(append(dst, '-'), day)
}

// appendTimestamp appends microseconds since 1970 in RFC 3339, with as many digits
// of a second as are needed.
func appendTimestamp(dst []byte, micros int64) []byte {
	days, rest := micros/microsPerDay, micros%microsPerDay
	if rest < 0 {
		days, rest = days-1, rest+microsPerDay
	}
	second, fraction := rest/1_000_000, rest%1_000_000
	dst = appendTwo(append(appendDate(dst, days), 'T'), second/3600)
	dst = appendTwo(append(dst, ':'), second/60%60)
	dst = appendTwo(append(dst, ':'), second%60)
	if fraction > 0 {
		dst = append(dst, '.')
		for unit := int64(100_000); fraction > 0; unit /= 10 {
			dst = append(dst, byte('0'+fraction/unit))
			fraction %= unit
		}
	}
	return append(dst, 'Z')
}

// unitsPerOne is how many units of a decimal column make 1.
const unitsPerOne = 10_000_000_000

// parseDecimal is schema.ParseDecimal, without allocating for up to 18 digits.
func parseDecimal(b []byte) (v schema.Decimal, reason schema.Reason, wrong string) {
	if v, ok := shortDecimal(b); ok {
		return v, schema.ReasonRange, ""
	}
	v, err := schema.ParseDecimal(string(b))
	switch {
	case err == nil:
		return v, schema.ReasonRange, ""
	case jsonscan.IsNumber(b):
		return v, schema.ReasonRange, rowbuild.DecimalSize
	}
	return v, schema.ReasonType, "want " + wants[schema.KindDecimal]
}

// shortDecimal parses digits with a sign and a point at most, if there are at
// most 18 digits.
func shortDecimal(b []byte) (v schema.Decimal, ok bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 19 || b[0] == '.' || b[len(b)-1] == '.' {
		return v, false
	}
	var n uint64
	digits, point := 0, -1
	for i, c := range b {
		switch {
		case c-'0' <= 9:
			n = n*10 + uint64(c-'0')
			digits++
		case c == '.' && point < 0:
			point = i
		default:
			return v, false
		}
	}
	scale := schema.DecimalScale
	if point >= 0 {
		scale -= len(b) - 1 - point
	}
	if digits > 18 || scale < 0 {
		return v, false
	}
	unit := uint64(1)
	for range scale {
		unit *= 10
	}
	high, low := bits.Mul64(n, unit)
	units := decimal128.New(int64(high), low)
	if negative {
		units = units.Negate()
	}
	return schema.DecimalFromUnits(units), true
}

// appendDecimal appends v as schema.Decimal writes it, without allocating for
// numbers below about 1.8 billion.
func appendDecimal(dst []byte, units decimal128.Num) []byte {
	abs := units.Abs()
	if abs.HighBits() != 0 {
		return schema.DecimalFromUnits(units).Append(dst)
	}
	if units.Sign() < 0 {
		dst = append(dst, '-')
	}
	whole, fraction := abs.LowBits()/unitsPerOne, abs.LowBits()%unitsPerOne
	dst = strconv.AppendUint(dst, whole, 10)
	if fraction > 0 {
		dst = append(dst, '.')
		for unit := uint64(unitsPerOne / 10); fraction > 0; unit /= 10 {
			dst = append(dst, byte('0'+fraction/unit))
			fraction %= unit
		}
	}
	return dst
}
