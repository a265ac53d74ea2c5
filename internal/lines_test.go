package internal_test

import (
	"go/scanner"
	"go/token"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxLine is how many characters a line of Go has at most, a tab being one.
const maxLine = 120

// A raw string is as it has to be: SQL, JSON, the tag of a field. So linters, which look
// at lines and not at tokens, cannot tell which lines are too long.
func TestLinesOfGo(t *testing.T) {
	for _, path := range tracked(t, "*.go") {
		source, err := os.ReadFile("../" + path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range tooLong(source) {
			t.Errorf("%s:%d: the line is longer than %d characters", path, line, maxLine)
		}
	}
}

// tooLong returns the numbers of the lines that are too long and have no part of a raw
// string.
func tooLong(source []byte) (lines []int) {
	raw := rawLines(source)
	for i, line := range strings.Split(string(source), "\n") {
		if utf8.RuneCountInString(line) > maxLine && !raw[i+1] {
			lines = append(lines, i+1)
		}
	}
	return lines
}

// rawLines returns the numbers of the lines that raw strings begin, go on or end in.
func rawLines(source []byte) map[int]bool {
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)
	raw := map[int]bool{}
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return raw
		}
		if tok == token.STRING && text[0] == '`' {
			for line := file.Line(pos); line <= file.Line(pos)+strings.Count(text, "\n"); line++ {
				raw[line] = true
			}
		}
	}
}

func TestTooLong(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	source := "package p\n\n// " + long + "\nvar a = `" + long + "\n" + long + "`\nvar b = \"" + long + "\"\n"
	if got := tooLong([]byte(source)); len(got) != 2 || got[0] != 3 || got[1] != 6 {
		t.Errorf("got lines %d, want 3 and 6", got)
	}
}
