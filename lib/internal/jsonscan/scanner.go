// Package jsonscan reads JSON strictly and without allocating, for whatever
// reads bytes that somebody else wrote: rows, headers, JSON columns.
//
// It accepts RFC 8259 and nothing else, minus what PostgreSQL could not store or
// readers understand in different ways: invalid UTF-8, NUL, lone surrogates and
// the same key twice in one object are errors, and so is everything above the
// limits of package schema. Every error is a *[schema.RowError] without a column.
package jsonscan

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/hubspoke/observability/lib/schema"
)

// Scanner reads one JSON text at a time. The zero value is ready for Reset. It is
// not safe for concurrent use.
//
// Strings and keys that it returns alias the text or the scanner; they are valid
// until the next Reset.
type Scanner struct {
	data []byte
	pos  int

	// unescaped holds the strings of the text that had escapes. When it grows,
	// strings returned before keep the old array.
	unescaped []byte
	// keys of the open objects that may still turn out to be duplicates.
	keys []member
	// count of the keys of the object that More walks through.
	count int
	// canonical is cleared by whatever is not in canonical form.
	canonical bool
	// stored is set while a value is read that jsonb printed: its numbers are long.
	stored bool
	// rewritten holds the values that Canonical has returned.
	rewritten []byte
	// joined is scratch space for sorting members.
	joined []byte
}

// member is a key of an open object.
type member struct {
	key    []byte
	offset int // of the key in the text
	// from and to bound the member in the output of canonical form.
	from, to int
}

// What a scanner keeps from one text for the next at most.
const (
	keepBytes = 1 << 20
	keepKeys  = 1 << 14
)

// Reset starts with a new text. The scanner never changes it.
func (s *Scanner) Reset(data []byte) {
	s.data, s.pos, s.count = data, 0, 0
	if cap(s.unescaped)+cap(s.rewritten)+cap(s.joined) > keepBytes || cap(s.keys) > keepKeys {
		s.unescaped, s.rewritten, s.joined, s.keys = nil, nil, nil, nil
	}
	s.unescaped, s.rewritten, s.keys = s.unescaped[:0], s.rewritten[:0], s.keys[:0]
}

// Offset returns how many bytes of the text have been read.
func (s *Scanner) Offset() int { return s.pos }

// Open skips white space and reads the brace that opens the object which the
// text consists of. After it, More and Key walk through the members:
//
//	for {
//		more, err := s.More()
//		...
//		key, err := s.Key()
//		...
//		// one of String, Number, Bool, Null, Value
//	}
func (s *Scanner) Open() error {
	s.space()
	if s.peek() != '{' {
		return s.unexpected("a JSON object")
	}
	s.pos++
	return nil
}

// More reads what comes before the next key of the object. It returns false
// behind the closing brace, and an error if one of the keys given to Remember was
// there twice.
func (s *Scanner) More() (bool, error) {
	s.space()
	switch c := s.peek(); {
	case c == '}':
		s.pos++
		return false, s.duplicates(s.keys)
	case c == ',' && s.count > 0:
		s.pos++
		s.space()
	case s.count > 0:
		return false, s.unexpected("a comma or a closing brace")
	}
	if s.peek() != '"' {
		return false, s.unexpected("a key in double quotes")
	}
	if s.count++; s.count > schema.MaxKeys {
		return false, s.fail(schema.ReasonTooLarge, s.pos, "more than "+strconv.Itoa(schema.MaxKeys)+" keys in one object")
	}
	return true, nil
}

// Accept reads a key and its colon if token, such as `"name":`, is exactly what
// comes next. It is the short way for a reader that can guess the next key.
func (s *Scanner) Accept(token string) bool {
	rest := s.data[s.pos:]
	if len(rest) < len(token) || string(rest[:len(token)]) != token {
		return false
	}
	s.pos += len(token)
	s.space()
	return true
}

// Key reads the next key and its colon. It does not look for duplicates: a caller
// that does not know all keys gives them to Remember.
func (s *Scanner) Key() ([]byte, error) {
	key, err := s.String()
	if err != nil {
		return nil, err
	}
	return key, s.colon()
}

// Remember makes More fail at the end of the object if the key, which begins at
// offset, is given to Remember twice.
func (s *Scanner) Remember(key []byte, offset int) {
	s.keys = append(s.keys, member{key: key, offset: offset})
}

// Remembered returns how many keys were given to Remember.
func (s *Scanner) Remembered() int { return len(s.keys) }

// RememberedKeys are the keys that were given to Remember, valid until Reset.
func (s *Scanner) RememberedKeys() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, m := range s.keys {
			if !yield(m.key) {
				return
			}
		}
	}
}

// End fails if anything but white space is left.
func (s *Scanner) End() error {
	s.space()
	if s.pos < len(s.data) {
		return s.unexpected("nothing more")
	}
	return nil
}

// Peek returns the first byte of the next value, 0 at the end of the text.
func (s *Scanner) Peek() byte { return s.peek() }

// Null reads null if it is next.
func (s *Scanner) Null() bool { return s.literal("null") }

// Bool reads true or false.
func (s *Scanner) Bool() (bool, error) {
	switch {
	case s.literal("true"):
		return true, nil
	case s.literal("false"):
		return false, nil
	}
	return false, s.unexpected("true or false")
}

// Value reads any value and returns its text, and whether that is already in
// canonical form.
func (s *Scanner) Value() (text []byte, canonical bool, err error) {
	start := s.pos
	s.canonical = true
	if err := s.value(0); err != nil {
		return nil, false, err
	}
	return s.data[start:s.pos], s.canonical, nil
}

// String reads a string and returns it without quotes and escapes.
func (s *Scanner) String() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.unexpected("a string")
	}
	start := s.pos + 1
	end, high := plain(s.data, start)
	if end == len(s.data) || s.data[end] != '"' {
		return s.escapedString(start, end, high)
	}
	text := s.data[start:end]
	if high && !utf8.Valid(text) {
		return nil, s.invalidUTF8(start, end)
	}
	s.pos = end + 1
	return text, nil
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// special marks the bytes of x that are control characters, quotes or
// backslashes. The lowest mark is exact; a higher one may be false.
func special(x uint64) uint64 {
	quote, backslash := x^ones*'"', x^ones*'\\'
	return ((x-ones*' ')&^x | (quote-ones)&^quote | (backslash-ones)&^backslash) & highs
}

// plain returns the index of the first control character, quote or backslash in
// b from i on, or len(b), and whether a byte before it is not ASCII.
func plain(b []byte, i int) (end int, high bool) {
	var seen uint64
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		if m := special(x); m != 0 {
			n := bits.TrailingZeros64(m) &^ 7
			seen |= x & (1<<n - 1)
			return i + n/8, seen&highs != 0
		}
		seen |= x
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' {
			break
		}
		seen |= uint64(b[i])
	}
	return i, seen&highs != 0
}

// escapedString reads a string from the first byte, at i, that is not plain.
func (s *Scanner) escapedString(start, i int, high bool) ([]byte, error) {
	from, begin := start, len(s.unescaped)
	for {
		if i == len(s.data) {
			return nil, s.fail(schema.ReasonSyntax, start-1, "a string without a closing quote")
		}
		s.unescaped = append(s.unescaped, s.data[from:i]...)
		switch c := s.data[i]; {
		case c == '"':
			if high && !utf8.Valid(s.data[start:i]) {
				return nil, s.invalidUTF8(start, i)
			}
			s.pos = i + 1
			return s.unescaped[begin:len(s.unescaped):len(s.unescaped)], nil
		case c == 0:
			return nil, s.fail(schema.ReasonText, i, "a NUL byte, which PostgreSQL cannot store")
		case c < ' ':
			return nil, s.fail(schema.ReasonSyntax, i, "a control character in a string, which must be escaped")
		}
		var err error
		if i, err = s.escape(i); err != nil {
			return nil, err
		}
		var more bool
		from = i
		i, more = plain(s.data, i)
		high = high || more
	}
}

// escape appends what the escape sequence at i means to unescaped and returns the
// index behind it.
func (s *Scanner) escape(i int) (int, error) {
	if i+1 < len(s.data) {
		switch c := s.data[i+1]; c {
		case '"', '\\':
			s.unescaped = append(s.unescaped, c)
			return i + 2, nil
		case '/':
			s.canonical = false
			s.unescaped = append(s.unescaped, c)
			return i + 2, nil
		case 'b', 'f', 'n', 'r', 't':
			s.unescaped = append(s.unescaped, shortEscapes[c])
			return i + 2, nil
		case 'u':
			return s.unicodeEscape(i)
		}
	}
	return 0, s.fail(schema.ReasonSyntax, i, "an unknown escape sequence "+Excerpt(s.data[i:min(i+2, len(s.data))]))
}

var shortEscapes = [256]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (s *Scanner) unicodeEscape(i int) (int, error) {
	r, ok := hex4(s.data, i+2)
	if !ok {
		return 0, s.fail(schema.ReasonSyntax, i, `\u is not followed by four hexadecimal digits`)
	}
	next := i + 6
	switch {
	case r == 0:
		return 0, s.fail(schema.ReasonText, i, `\u0000, which PostgreSQL cannot store`)
	case r >= 0xd800 && r < 0xe000:
		low, ok := rune(0), false
		if next+1 < len(s.data) && s.data[next] == '\\' && s.data[next+1] == 'u' {
			low, ok = hex4(s.data, next+2)
		}
		if r >= 0xdc00 || !ok || low < 0xdc00 || low >= 0xe000 {
			return 0, s.fail(schema.ReasonText, i, "a lone surrogate")
		}
		r, next = (r-0xd800)<<10+(low-0xdc00)+0x10000, next+6
	}
	if r >= ' ' || shortForm(byte(r)) != 0 || s.data[i+5] >= 'A' && s.data[i+5] <= 'F' {
		s.canonical = false
	}
	s.unescaped = utf8.AppendRune(s.unescaped, r)
	return next, nil
}

func hex4(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// maxExponent bounds the exponent of a number, so that jsonb, which keeps numbers
// as numeric, takes it. The smallest double is 5e-324.
const maxExponent = 324

// tooLong is said of a number and of its canonical form.
var tooLong = "a number of more than " + strconv.Itoa(schema.MaxNumber) + " characters"

// Number reads a number and returns its text: at most schema.MaxNumber characters
// and finite as a double.
func (s *Scanner) Number() ([]byte, error) {
	end, exponent, ok := numberEnd(s.data, s.pos)
	if !ok {
		return nil, s.unexpected("a number")
	}
	text := s.data[s.pos:end]
	if len(text) > schema.MaxNumber {
		if s.canonical = false; !s.stored {
			return nil, s.fail(schema.ReasonRange, s.pos, tooLong)
		}
	}
	if text[0] == '-' && text[1] == '0' {
		s.canonical = false // as far as can be seen quickly
	}
	if exponent < end {
		s.canonical = false
		if !exponentFits(text, s.data[exponent:end]) {
			return nil, s.fail(schema.ReasonRange, s.pos, "the number "+Excerpt(text)+" does not fit a double")
		}
		// The canonical form is read again, so that it must keep the rules, too.
		if n := parseNumber(text); !n.readable() {
			return nil, s.fail(schema.ReasonRange, s.pos, tooLong)
		}
	}
	s.pos = end
	return text, nil
}

// numberEnd returns the index behind the number at i and that of the digits of
// its exponent, which is end if it has none.
func numberEnd(b []byte, i int) (end, exponent int, ok bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	whole := i
	i = digits(b, i)
	if i == whole || b[whole] == '0' && i > whole+1 {
		return 0, 0, false
	}
	if i < len(b) && b[i] == '.' {
		fraction := i + 1
		if i = digits(b, fraction); i == fraction {
			return 0, 0, false
		}
	}
	exponent = i
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		exponent = i
		if i = digits(b, i); i == exponent {
			return 0, 0, false
		}
	}
	return i, exponent, true
}

func exponentFits(number, exponent []byte) bool {
	n := 0
	for _, c := range exponent {
		if n = n*10 + int(c-'0'); n > maxExponent {
			return false
		}
	}
	f, err := strconv.ParseFloat(unsafeString(number), 64)
	return err == nil && !math.IsInf(f, 0)
}

// unsafeString returns b as a string without copying; it must not outlive b.
func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

func (s *Scanner) literal(text string) bool {
	rest := s.data[s.pos:]
	if len(rest) < len(text) || string(rest[:len(text)]) != text {
		return false
	}
	s.pos += len(text)
	return true
}

func (s *Scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// space skips white space.
func (s *Scanner) space() {
	if s.pos < len(s.data) && s.data[s.pos] <= ' ' {
		s.skipSpace()
	}
}

func (s *Scanner) skipSpace() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
			s.canonical = false
		default:
			return
		}
	}
}

// colon reads the colon behind a key and the white space around it.
func (s *Scanner) colon() error {
	s.space()
	if s.peek() != ':' {
		return s.unexpected("a colon")
	}
	s.pos++
	s.space()
	return nil
}

// value reads any value inside depth arrays and objects.
func (s *Scanner) value(depth int) error {
	var err error
	switch c := s.peek(); {
	case c == '"':
		_, err = s.String()
	case c == '{':
		return s.object(depth + 1)
	case c == '[':
		return s.array(depth + 1)
	case c == '-' || c-'0' <= 9:
		_, err = s.Number()
	case s.literal("null") || s.literal("true") || s.literal("false"):
	default:
		return s.unexpected("a value")
	}
	return err
}

func (s *Scanner) checkDepth(depth int) error {
	if depth > schema.MaxDepth {
		return s.fail(schema.ReasonTooDeep, s.pos, "nested more than "+strconv.Itoa(schema.MaxDepth)+" levels deep")
	}
	return nil
}

func (s *Scanner) array(depth int) error {
	if err := s.checkDepth(depth); err != nil {
		return err
	}
	s.pos++
	s.space()
	if s.peek() == ']' {
		s.pos++
		return nil
	}
	for {
		if err := s.value(depth); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
			s.space()
		case ']':
			s.pos++
			return nil
		default:
			return s.unexpected("a comma or a closing bracket")
		}
	}
}

func (s *Scanner) object(depth int) error {
	if err := s.checkDepth(depth); err != nil {
		return err
	}
	s.pos++
	s.space()
	if s.peek() == '}' {
		s.pos++
		return nil
	}
	base := len(s.keys)
	sorted := true // strictly ascending keys, as in canonical form, cannot be duplicates
	for {
		if s.peek() != '"' {
			return s.unexpected("a key in double quotes")
		}
		offset := s.pos
		key, err := s.String()
		if err != nil {
			return err
		}
		n := len(s.keys)
		if n-base == schema.MaxKeys {
			return s.fail(schema.ReasonTooLarge, offset, "more than "+strconv.Itoa(schema.MaxKeys)+" keys in one object")
		}
		if sorted && n > base && bytes.Compare(s.keys[n-1].key, key) >= 0 {
			sorted = false
		}
		s.keys = append(s.keys, member{key: key, offset: offset})
		if err := s.colon(); err != nil {
			return err
		}
		if err := s.value(depth); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
			s.space()
			continue
		case '}':
			s.pos++
		default:
			return s.unexpected("a comma or a closing brace")
		}
		if !sorted {
			s.canonical = false
			err = s.duplicates(s.keys[base:])
		}
		s.keys = s.keys[:base]
		return err
	}
}

// fewKeys is how many keys are compared pair by pair; more are sorted.
const fewKeys = 16

// duplicates fails if a key is there twice. It may sort the keys.
func (s *Scanner) duplicates(keys []member) error {
	if len(keys) <= fewKeys {
		for i := range keys {
			for j := range keys[:i] {
				if bytes.Equal(keys[i].key, keys[j].key) {
					return s.duplicate(keys[i])
				}
			}
		}
		return nil
	}
	slices.SortFunc(keys, func(a, b member) int {
		if c := bytes.Compare(a.key, b.key); c != 0 {
			return c
		}
		return a.offset - b.offset
	})
	for i := range keys[1:] {
		if bytes.Equal(keys[i].key, keys[i+1].key) {
			return s.duplicate(keys[i+1])
		}
	}
	return nil
}

func (s *Scanner) duplicate(m member) error {
	return s.fail(schema.ReasonDuplicateKey, m.offset, "the key "+Excerpt(m.key)+" is there twice")
}

func (s *Scanner) invalidUTF8(start, end int) error {
	for i := start; i < end; {
		r, n := utf8.DecodeRune(s.data[i:end])
		if r == utf8.RuneError && n == 1 {
			return s.fail(schema.ReasonText, i, "not valid UTF-8")
		}
		i += n
	}
	panic("jsonscan: invalidUTF8 of valid UTF-8")
}

// unexpected reports that something other than want comes next.
func (s *Scanner) unexpected(want string) error {
	found := "the end"
	if s.pos < len(s.data) {
		found = Excerpt(s.data[s.pos:])
	}
	return s.fail(schema.ReasonSyntax, s.pos, "want "+want+", found "+found)
}

func (s *Scanner) fail(reason schema.Reason, offset int, detail string) error {
	return &schema.RowError{Reason: reason, Offset: offset, Detail: detail}
}

// maxExcerpt is how many bytes of data an error shows.
const maxExcerpt = 40

// Excerpt quotes the beginning of b for an error: short, in ASCII, and free of
// anything that a terminal or a log would interpret.
func Excerpt(b []byte) string {
	if len(b) <= maxExcerpt {
		return strconv.QuoteToASCII(string(b))
	}
	return strconv.QuoteToASCII(string(b[:maxExcerpt])) + "..."
}

// IsNumber reports whether b is written like a JSON number, of any size.
func IsNumber(b []byte) bool {
	end, _, ok := numberEnd(b, 0)
	return ok && end == len(b)
}
