// Package jsontest checks strict JSON with encoding/json, slowly and plainly. Tests
// compare packages jsonscan and rowjson with it.
package jsontest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hubspoke/observability/lib/schema"
)

// ErrUndecided is returned for texts that encoding/json cannot judge: it decodes
// lone surrogates as U+FFFD, so a text that has that character itself tells nothing.
var ErrUndecided = errors.New("the text has U+FFFD")

// Decode returns the value of a JSON text, numbers as json.Number, if the text keeps
// the rules of package jsonscan. depth is how deep values may nest.
func Decode(text []byte, depth int) (any, error) {
	switch {
	case !json.Valid(text):
		return nil, errors.New("not JSON")
	case !utf8.Valid(text):
		return nil, errors.New("not valid UTF-8")
	case bytes.Contains(text, []byte("\ufffd")) || bytes.Contains(bytes.ToLower(text), []byte(`\ufffd`)):
		return nil, ErrUndecided
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := value(d, depth)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

func value(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case string:
		return token, checkString(token)
	case json.Number:
		return token, checkNumber(string(token))
	case json.Delim:
		if depth == 0 {
			return nil, errors.New("too deep")
		}
		if token == '[' {
			return array(d, depth-1)
		}
		return object(d, depth-1)
	}
	return token, nil
}

func array(d *json.Decoder, depth int) (any, error) {
	values := []any{}
	for d.More() {
		v, err := value(d, depth)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	_, err := d.Token()
	return values, err
}

func object(d *json.Decoder, depth int) (any, error) {
	members := map[string]any{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		name := key.(string)
		if err := checkString(name); err != nil {
			return nil, err
		}
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("key %q twice", name)
		}
		if members[name], err = value(d, depth); err != nil {
			return nil, err
		}
	}
	if len(members) > schema.MaxKeys {
		return nil, errors.New("too many keys")
	}
	_, err := d.Token()
	return members, err
}

func checkString(s string) error {
	if strings.ContainsAny(s, "\x00\ufffd") {
		return fmt.Errorf("NUL or a lone surrogate in %q", s)
	}
	return nil
}

func checkNumber(s string) error {
	f, err := strconv.ParseFloat(s, 64)
	if len(s) > schema.MaxNumber || err != nil || math.IsInf(f, 0) {
		return fmt.Errorf("number %s", s)
	}
	mantissa, exponent, ok := strings.Cut(strings.ToLower(s), "e")
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(exponent)
	if err != nil || n < -324 || n > 324 || !rewritable(mantissa, n) {
		return fmt.Errorf("number %s", s)
	}
	return nil
}

// rewritable reports whether a number keeps the rules when it is written as 1.5e300.
func rewritable(mantissa string, exponent int) bool {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent += len(digits) - len(fraction) - 1
	digits = strings.TrimRight(digits, "0")
	written := strings.TrimSuffix(digits[:min(1, len(digits))]+"."+digits[min(1, len(digits)):], ".") + "e" +
		strconv.Itoa(exponent)
	if strings.HasPrefix(mantissa, "-") {
		written = "-" + written
	}
	return digits == "" || exponent >= -324 && len(written) <= schema.MaxNumber
}
