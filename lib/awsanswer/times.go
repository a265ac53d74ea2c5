package awsanswer

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"
	"time"

	smithytime "github.com/aws/smithy-go/time"
)

// exactTimes sets the times of result, which the SDK has read from a JSON document,
// to what the document says. The SDK reads seconds since 1970 as a float, cuts them
// to milliseconds and counts them in nanoseconds of an int64, which is enough for
// the years 1678 to 2262.
//
// Which numbers are times only the SDK knows. So numbers that it would read wrongly
// if they were times are replaced by marks, and where a time of the result becomes
// one, the number was a time.
func (d *decoder) exactTimes(document []byte, result any) error {
	numbers := inexact(document)
	if len(numbers) == 0 {
		return nil
	}
	to := reflect.ValueOf(result)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return nil
	}
	right := reflect.New(to.Type().Elem()).Elem()
	right.Set(to.Elem()) // the client may have one result for all attempts
	if _, _, err := d.decode(withMarks(document, numbers)); err != nil {
		return err
	}
	m := marks{numbers}
	m.set(right, reflect.ValueOf(d.result).Elem())
	to.Elem().Set(right)
	return nil
}

// number is a number of a document that the SDK would read as another time.
type number struct {
	span
	time time.Time
}

// inexact returns these numbers of a JSON document, in order.
func inexact(document []byte) []number {
	var numbers []number
	for i := 0; i < len(document); {
		switch c := document[i]; {
		case c == '"':
			i = afterText(document, i+1)
		case c == '-' || c >= '0' && c <= '9':
			from := i
			for i++; i < len(document) && isOfNumber(document[i]); i++ {
			}
			if t, ok := inexactTime(document[from:i]); ok {
				numbers = append(numbers, number{span{from, i}, t})
			}
		default:
			i++
		}
	}
	return numbers
}

// afterText returns the place behind the quote that ends the string.
func afterText(document []byte, i int) int {
	for {
		n := bytes.IndexByte(document[i:], '"')
		if n < 0 {
			return len(document)
		}
		escapes := 0
		for document[i+n-1-escapes] == '\\' {
			escapes++
		}
		if i += n + 1; escapes%2 == 0 {
			return i
		}
	}
}

func isOfNumber(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}

// inexactTime returns the time that a number of seconds stands for, cut to
// nanoseconds, and whether the SDK would read another one.
func inexactTime(text []byte) (exact time.Time, ok bool) {
	if len(text) < 9 && !bytes.ContainsAny(text, "eE") {
		return exact, false // not a year from 1970
	}
	whole, fraction, ok := decimalOf(text)
	// Up to 2^31 seconds, a float is exact enough for milliseconds.
	if !ok || len(whole) < 8 || len(fraction) <= 3 && (len(whole) < 10 || len(whole) == 10 && whole[0] == '1') {
		return exact, false
	}
	float, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return exact, false
	}
	exact = timeOf(text[0] == '-', whole, fraction)
	return exact, !exact.Equal(smithytime.ParseEpochSeconds(float))
}

// maxWhole is how many digits of seconds are looked at: as many are 30 million years.
const maxWhole = 15

// decimalOf returns the digits of a JSON number before and behind its point, with
// its exponent undone. It returns no more than are needed.
func decimalOf(text []byte) (whole, fraction string, ok bool) {
	mantissa, exponent := strings.TrimPrefix(string(text), "-"), 0
	if at := strings.IndexAny(mantissa, "eE"); at >= 0 {
		var err error
		if exponent, err = strconv.Atoi(mantissa[at+1:]); err != nil {
			return "", "", false
		}
		mantissa = mantissa[:at]
	}
	whole, fraction, _ = strings.Cut(mantissa, ".")
	switch {
	case exponent > 0:
		fraction += strings.Repeat("0", min(max(exponent-len(fraction), 0), maxWhole+1))
		moved := min(exponent, len(fraction))
		whole, fraction = whole+fraction[:moved], fraction[moved:]
	case exponent < 0:
		moved := min(-exponent, len(whole))
		whole, fraction = whole[:len(whole)-moved], whole[len(whole)-moved:]+fraction
	}
	return strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0"), true
}

// timeOf returns the time; one that is too far away for any year stays far away.
func timeOf(negative bool, whole, fraction string) time.Time {
	if len(whole) > maxWhole {
		whole, fraction = strings.Repeat("9", maxWhole), ""
	}
	seconds, _ := strconv.ParseInt(whole, 10, 64)                                 // at most maxWhole digits
	nanos, _ := strconv.ParseInt((fraction + strings.Repeat("0", 9))[:9], 10, 64) // nine digits
	if negative {
		seconds, nanos = -seconds, -nanos
	}
	return time.Unix(seconds, nanos).UTC()
}

// firstMark is the first of the numbers that stand for others. A mark is one that
// the SDK reads exactly, and a number of every kind that these others can be.
const firstMark = 1_000_000_000

func withMarks(document []byte, numbers []number) []byte {
	var out []byte
	pos := 0
	for i, n := range numbers {
		out = strconv.AppendInt(append(out, document[pos:n.from]...), firstMark+int64(i), 10)
		pos = n.to
	}
	return append(out, document[pos:]...)
}

// marks sets times.
type marks struct{ numbers []number }

var timeType = reflect.TypeFor[time.Time]()

// set sets the times in to, a value of the result, where marked, the same value
// read with marks, has another one.
func (m marks) set(to, marked reflect.Value) {
	switch to.Kind() {
	case reflect.Pointer:
		if !to.IsNil() && !marked.IsNil() {
			m.set(to.Elem(), marked.Elem())
		}
	case reflect.Interface: // a union
		if !to.IsNil() && !marked.IsNil() && to.Elem().Kind() == reflect.Pointer && to.Elem().Type() == marked.Elem().Type() {
			m.set(to.Elem(), marked.Elem())
		}
	case reflect.Struct:
		if to.Type() == timeType {
			m.setTime(to, marked)
			return
		}
		for i := range to.NumField() {
			if to.Type().Field(i).IsExported() {
				m.set(to.Field(i), marked.Field(i))
			}
		}
	case reflect.Slice:
		if to.Type().Elem().Kind() == reflect.Uint8 {
			return // a text
		}
		for i := range min(to.Len(), marked.Len()) {
			m.set(to.Index(i), marked.Index(i))
		}
	case reflect.Map:
		for _, key := range to.MapKeys() {
			other := marked.MapIndex(key)
			if !other.IsValid() {
				continue
			}
			value := reflect.New(to.Type().Elem()).Elem() // a value in a map cannot be set in part
			value.Set(to.MapIndex(key))
			m.set(value, other)
			to.SetMapIndex(key, value)
		}
	}
}

func (m marks) setTime(to, marked reflect.Value) {
	if !to.CanSet() {
		return
	}
	was, mark := to.Interface().(time.Time), marked.Interface().(time.Time)
	if i := mark.Unix() - firstMark; !was.Equal(mark) && i >= 0 && i < int64(len(m.numbers)) {
		to.Set(reflect.ValueOf(m.numbers[i].time))
	}
}
