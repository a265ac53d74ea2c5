package program

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
)

// OutputFlag chooses the format of results, to be embedded in commands.
type OutputFlag struct {
	Output string `short:"o" enum:"table,json" default:"table" help:"Format on standard output: ${enum}."`
}

// JSON reports whether the format is JSON.
func (f OutputFlag) JSON() bool { return f.Output == "json" }

// NewTable returns a table for people. Render writes it.
func NewTable(w io.Writer, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(header)
	return t
}

// WriteJSON writes v, indented.
func WriteJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
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
