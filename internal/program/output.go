package program

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// OutputFlag chooses the format of results, to be embedded in commands.
type OutputFlag struct {
	Output string `short:"o" enum:"table,json" default:"table" help:"Format on standard output: ${enum}."`
}

// JSON reports whether the format is JSON.
func (f OutputFlag) JSON() bool { return f.Output == "json" }

// WriteJSON writes v, indented. Characters that a terminal might obey are escaped.
func WriteJSON(w io.Writer, v any) error {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, escape(b.String(), func(b []byte, r rune) []byte {
		for _, unit := range utf16.Encode([]rune{r}) {
			b = fmt.Appendf(b, `\u%04x`, unit)
		}
		return b
	}))
	return err
}

// Visible returns text as a terminal may show it: characters that are not
// printable, other than line feeds and tabs, are written as \x1b or \u202e, and
// bytes that are no UTF-8 as \xff.
func Visible(text string) string {
	return escape(text, func(b []byte, r rune) []byte {
		quoted := strconv.AppendQuoteRune(nil, r)
		return append(b, quoted[1:len(quoted)-1]...)
	})
}

// escape replaces what a terminal does not show as it is.
func escape(text string, replace func(b []byte, r rune) []byte) string {
	var b []byte
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = fmt.Appendf(b, `\x%02x`, text[i])
		case unicode.IsPrint(r) || r == '\n' || r == '\t':
			b = utf8.AppendRune(b, r)
		default:
			b = replace(b, r)
		}
	}
	return string(b)
}

// resultWriter keeps the first error of a writer, which those who write tables do
// not look at. It is safe for concurrent use.
type resultWriter struct {
	w   io.Writer
	mu  sync.Mutex
	err error
}

// Write writes until there is an error, and from then on returns it.
func (r *resultWriter) Write(b []byte) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		n, r.err = r.w.Write(b)
	}
	return n, r.err
}

func (r *resultWriter) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Cut makes text one line of at most n characters that a terminal shows as it is.
func Cut(text string, n int) string {
	text = OneLine(text)
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return text
}

// OneLine makes text one line that a terminal shows as it is.
func OneLine(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text))
}
