package refresh

import (
	"slices"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	tests := []struct {
		name, file string
		want       []string
	}{
		{"empty", "", nil},
		{"nothing but comments", "-- a; b\n/* c; /* d; */ e; */ ;; ;", nil},
		{"two", "SELECT 1; SELECT 2;", []string{"SELECT 1", "SELECT 2"}},
		{"no semicolon at the end", "SELECT 1;\n SELECT 2 \n", []string{"SELECT 1", "SELECT 2"}},
		{"leading comments", "-- it's\n/* $$ */ SELECT 1; -- x\nSELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{"comment inside", "SELECT 1 -- ;\n + /* ; */ 1; SELECT 2", []string{"SELECT 1 -- ;\n + /* ; */ 1", "SELECT 2"}},
		{"string", `SELECT ';'';', 'a\'; SELECT 2`, []string{`SELECT ';'';', 'a\'`, "SELECT 2"}},
		{"escape string", `SELECT e'a\';', E'\\'; SELECT 2`, []string{`SELECT e'a\';', E'\\'`, "SELECT 2"}},
		{"a name that ends in e", `SELECT date'2026-01-01\'; SELECT 2`, []string{`SELECT date'2026-01-01\'`, "SELECT 2"}},
		{"quoted name", `SELECT 1 AS "a;""'"; SELECT 2`, []string{`SELECT 1 AS "a;""'"`, "SELECT 2"}},
		{"dollar quotes", "DO $$ a; $b$ $$; DO $b$ ; $$ ; $b$; SELECT 2",
			[]string{"DO $$ a; $b$ $$", "DO $b$ ; $$ ; $b$", "SELECT 2"}},
		{"dollar in a name", "SELECT a$b$; SELECT 2 AS c$b$", []string{"SELECT a$b$", "SELECT 2 AS c$b$"}},
		{"parameter", "SELECT $1; SELECT $2", []string{"SELECT $1", "SELECT $2"}},
		{"never closed", "SELECT 'a; SELECT 2", []string{"SELECT 'a; SELECT 2"}},
		{"letters beyond ASCII", "SELECT 1 AS é$é$; SELECT '€;'", []string{"SELECT 1 AS é$é$", "SELECT '€;'"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, s := range split(test.file) {
				got = append(got, s.text)
				if !strings.HasPrefix(test.file[s.start:], s.text) {
					t.Errorf("%q does not start at %d", s.text, s.start)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}
