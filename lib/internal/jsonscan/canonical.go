package jsonscan

import (
	"bytes"
	"slices"
)

// AppendCanonical appends the canonical form of the JSON value src to dst: no
// white space, keys sorted by their bytes, strings with the fewest escapes (quote,
// backslash and control characters only), numbers as PostgreSQL's jsonb prints them:
// without exponent and without -0, except that a number that would so have more than
// schema.MaxNumber characters is written 1.5e300. The canonical form of a canonical
// form is itself; that of what jsonb prints is [AppendStored].
//
// The error, a *schema.RowError, is nil if src is one valid JSON value within the
// limits of package schema.
func AppendCanonical(dst, src []byte) ([]byte, error) {
	var s Scanner
	return s.AppendCanonical(dst, src)
}

// AppendCanonical is the function AppendCanonical with the scanner's memory. It
// resets the scanner.
func (s *Scanner) AppendCanonical(dst, src []byte) ([]byte, error) {
	s.Reset(src)
	s.space()
	text, canonical, err := s.Value()
	if err != nil {
		return dst, err
	}
	if err := s.End(); err != nil {
		return dst, err
	}
	if canonical {
		return append(dst, text...), nil
	}
	return s.rewrite(dst, text), nil
}

// AppendStored is AppendCanonical for a value as PostgreSQL's jsonb prints it: its
// numbers have no exponent and any number of digits.
func (s *Scanner) AppendStored(dst, src []byte) ([]byte, error) {
	s.stored = true
	defer func() { s.stored = false }()
	return s.AppendCanonical(dst, src)
}

// Canonical returns the canonical form of text, which Value has returned for the
// scanner's text. It is valid until the next Reset.
func (s *Scanner) Canonical(text []byte) []byte {
	data, pos, begin := s.data, s.pos, len(s.rewritten)
	s.rewritten = s.rewrite(s.rewritten, text)
	s.data, s.pos = data, pos
	return s.rewritten[begin:len(s.rewritten):len(s.rewritten)]
}

// rewrite appends the canonical form of a value that has been checked.
func (s *Scanner) rewrite(dst, text []byte) []byte {
	s.data, s.pos = text, 0
	s.space()
	return s.appendValue(dst)
}

func (s *Scanner) appendValue(dst []byte) []byte {
	switch s.peek() {
	case '{':
		return s.appendObject(dst)
	case '[':
		return s.appendArray(dst)
	case '"':
		text, _ := s.String()
		return AppendString(dst, text)
	}
	start := s.pos
	_ = s.value(0) // a number or a literal; it was checked
	text := s.data[start:s.pos]
	if text[0] == '-' || text[0]-'0' <= 9 {
		return appendNumber(dst, text)
	}
	return append(dst, text...)
}

func (s *Scanner) appendArray(dst []byte) []byte {
	dst = append(dst, '[')
	for first := true; s.next(']'); first = false {
		if !first {
			dst = append(dst, ',')
		}
		dst = s.appendValue(dst)
	}
	return append(dst, ']')
}

func (s *Scanner) appendObject(dst []byte) []byte {
	dst = append(dst, '{')
	base, start, sorted := len(s.keys), len(dst), true
	for s.next('}') {
		if n := len(s.keys); n > base {
			dst = append(dst, ',')
		}
		from := len(dst)
		key, _ := s.Key()
		dst = s.appendValue(append(AppendString(dst, key), ':'))
		if n := len(s.keys); n > base && bytes.Compare(s.keys[n-1].key, key) > 0 {
			sorted = false
		}
		s.keys = append(s.keys, member{key: key, from: from, to: len(dst)})
	}
	if !sorted {
		members := s.keys[base:]
		slices.SortFunc(members, func(a, b member) int { return bytes.Compare(a.key, b.key) })
		s.joined = s.joined[:0]
		for i, m := range members {
			if i > 0 {
				s.joined = append(s.joined, ',')
			}
			s.joined = append(s.joined, dst[m.from:m.to]...)
		}
		copy(dst[start:], s.joined)
	}
	s.keys = s.keys[:base]
	return append(dst, '}')
}

// next reads what comes before a member of an array or object that has been
// checked: the opening bracket, a comma, or the closing one, for which it returns
// false.
func (s *Scanner) next(closing byte) bool {
	s.space()
	c := s.data[s.pos]
	s.pos++
	s.space()
	if c != closing && c != ',' && s.data[s.pos] == closing { // an empty one
		s.pos++
		return false
	}
	return c != closing
}

const hexDigits = "0123456789abcdef"

// shortForm returns the letter of the short escape of a control character, 0 if
// it has none.
func shortForm(c byte) byte {
	switch c {
	case '\b':
		return 'b'
	case '\f':
		return 'f'
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	}
	return 0
}

// AppendString appends text, which must be valid UTF-8, as a canonical JSON string.
func AppendString(dst, text []byte) []byte {
	dst = append(dst, '"')
	for from := 0; ; {
		i, _ := plain(text, from)
		dst = append(dst, text[from:i]...)
		if i == len(text) {
			return append(dst, '"')
		}
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case shortForm(c) != 0:
			dst = append(dst, '\\', shortForm(c))
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		from = i + 1
	}
}

// CleanText returns a copy of src, which is JSON or meant to be, in which U+FFFD
// stands for what a string must not hold: invalid UTF-8, NUL and lone surrogates,
// also as escapes.
func CleanText(src []byte) []byte {
	const replacement = "\ufffd"
	src = bytes.ToValidUTF8(src, []byte(replacement))
	dst := make([]byte, 0, len(src)+len(replacement))
	for i := 0; i < len(src); {
		size, bad := 1, src[i] == 0
		if src[i] == '\\' && i+1 < len(src) {
			size, bad = escapeSize(src[i:])
		}
		if bad {
			dst = append(dst, replacement...)
		} else {
			dst = append(dst, src[i:i+size]...)
		}
		i += size
	}
	return dst
}

// escapeSize returns the length of the escape sequence that b begins with, and
// whether it is NUL or a lone surrogate. A pair of surrogates is one sequence.
func escapeSize(b []byte) (size int, bad bool) {
	if b[1] != 'u' {
		return 2, false
	}
	r, ok := hex4(b, 2)
	if !ok {
		return 2, false // it is no JSON
	}
	if r < 0xd800 || r > 0xdfff {
		return 6, r == 0
	}
	if r < 0xdc00 && len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if low, ok := hex4(b, 8); ok && low >= 0xdc00 && low <= 0xdfff {
			return 12, false
		}
	}
	return 6, true
}
