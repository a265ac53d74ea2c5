// Package errtext bounds the error text of a run, which travels in the stream, in
// manifests and into the database.
package errtext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Max is the length of an error text in bytes.
const Max = 1024

// Clean returns s without control characters, those that change the direction of
// text included, and without invalid UTF-8, cut to Max bytes between two characters.
func Clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r // U+FFFD where s is not valid UTF-8
	}, s)
	if len(s) <= Max {
		return s
	}
	cut := Max
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
