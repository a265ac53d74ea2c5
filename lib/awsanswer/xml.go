package awsanswer

import (
	"bytes"
	"encoding/xml"
	"io"
	"strconv"
	"unicode/utf8"
)

// xmlRoot returns the name of the document's root, "" if there is none.
func xmlRoot(document []byte) string {
	d := newXML(document)
	for {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local
		}
	}
}

func isDoctypeHTML(document []byte) bool {
	const doctype = "<!doctype html"
	document = bytes.TrimLeft(document, " \t\r\n")
	return len(document) >= len(doctype) && bytes.EqualFold(document[:len(doctype)], []byte(doctype))
}

// wellFormed reports whether the document can be read to its end.
func wellFormed(document []byte) bool {
	d := newXML(document)
	for {
		if _, err := d.Token(); err != nil {
			return err == io.EOF //nolint:errorlint // xml returns it as it is, when all elements are closed
		}
	}
}

func newXML(document []byte) *xml.Decoder { return xml.NewDecoder(bytes.NewReader(document)) }

// isChar reports whether XML 1.0 allows the character.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD ||
		r >= 0x10000 && r <= 0x10FFFF
}

// cleanXML returns the document with U+FFFD in place of the characters that XML
// forbids, whether they are written as such or as a reference.
func cleanXML(document []byte) []byte {
	var clean []byte // nil as long as nothing was wrong
	kept := 0        // of document, up to where it is in clean
	replace := func(from, to int) {
		clean = append(append(clean, document[kept:from]...), string(utf8.RuneError)...)
		kept = to
	}
	for i := 0; i < len(document); {
		switch c := document[i]; {
		case c == '&':
			if n, ok := forbiddenReference(document[i:]); ok {
				replace(i, i+n)
				i += n
				continue
			}
			i++
		case c >= 0x20 && c < utf8.RuneSelf, c == '\t', c == '\n', c == '\r':
			i++
		default:
			r, n := utf8.DecodeRune(document[i:])
			if r == utf8.RuneError && n == 1 || !isChar(r) {
				replace(i, i+n)
			}
			i += n
		}
	}
	if clean == nil {
		return document
	}
	return append(clean, document[kept:]...)
}

// forbiddenReference returns the length of the reference that text begins with, if
// it is one to a character that XML forbids: &#27; or &#x1B;.
func forbiddenReference(text []byte) (length int, ok bool) {
	const longest = len("&#x10FFFF;") + 8 // with leading zeros
	if !bytes.HasPrefix(text, []byte("&#")) {
		return 0, false
	}
	end := bytes.IndexByte(text[:min(len(text), longest)], ';')
	if end < 0 {
		return 0, false
	}
	digits, base := text[2:end], 10
	if len(digits) > 0 && (digits[0] == 'x' || digits[0] == 'X') {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(string(digits), base, 64)
	if err != nil {
		return 0, false
	}
	return end + 1, n > utf8.MaxRune || !isChar(rune(n))
}
