package internal_test

import (
	"go/scanner"
	"go/token"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A sentence with one of these has to be read twice by many who learned English late.
// Two sentences, or one with "with" or "of", say the same.
var twisted = regexp.MustCompile(`(?i)\b(whose|whoever|of\s+which)\b`)

// written are files that nobody edits any more.
var written = []string{
	// Databases were made by these.
	"lib/load/migrations/00006_row_keys.sql",
	"lib/load/migrations/00010_reject_limits.sql",
	// An earlier version made this database.
	"consumers/cmd/hub/testdata/before/database.sql",
}

func TestWords(t *testing.T) {
	for _, name := range tracked(t, "*.go", "*.sql", "*.md") {
		source, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		found := twistedLines(path.Ext(name), source)
		if slices.Contains(written, name) {
			if len(found) == 0 {
				t.Errorf("%s has no such word: take it off the list", name)
			}
			continue
		}
		for _, line := range found {
			t.Errorf("%s:%d: write the sentence without %v", name, line, twisted)
		}
	}
}

// twistedLines returns the numbers of the lines on which such words begin, in what a file
// of that kind says to people.
func twistedLines(ext string, source []byte) (lines []int) {
	prose := map[string]func([]byte) []string{".go": proseOfGo, ".sql": proseOfSQL, ".md": proseOfMarkdown}[ext](source)
	text := strings.Join(prose, "\n")
	for _, at := range twisted.FindAllStringIndex(text, -1) {
		lines = append(lines, 1+strings.Count(text[:at[0]], "\n"))
	}
	return lines
}

// nothing stands for a line without prose. It is not empty, so that no sentence goes on
// across it.
const nothing = "."

// proseOfGo returns the comments of a file, each on the line that it is on.
func proseOfGo(source []byte) []string {
	prose := slices.Repeat([]string{nothing}, strings.Count(string(source), "\n")+1)
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, scanner.ScanComments)
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return prose
		}
		if tok == token.COMMENT {
			for i, line := range strings.Split(text, "\n") {
				prose[file.Line(pos)-1+i] = strings.Trim(line, "/* \t")
			}
		}
	}
}

// proseOfSQL returns the comments of a file and the statements COMMENT ON, each on the
// line that it is on.
func proseOfSQL(source []byte) (prose []string) {
	statement := false
	for line := range strings.Lines(string(source)) {
		line = strings.TrimSpace(line)
		statement = statement || strings.HasPrefix(line, "COMMENT ON")
		_, comment, found := strings.Cut(line, "--")
		switch {
		case statement:
			prose = append(prose, line)
			statement = !strings.HasSuffix(line, ";")
		case found:
			prose = append(prose, strings.TrimSpace(comment))
		default:
			prose = append(prose, nothing)
		}
	}
	return prose
}

func proseOfMarkdown(source []byte) []string { return strings.Split(string(source), "\n") }

func TestTwistedLines(t *testing.T) {
	word, split := "who"+"se", "of\n// wh"+"ich"
	for name, test := range map[string]struct {
		ext, source string
		want        []int
	}{
		"comment of Go":    {".go", "package p\n\n// a " + word + " b\nvar a = 1 // " + word, []int{3, 4}},
		"over two lines":   {".go", "package p\n\n// a " + split + " b\n", []int{3}},
		"block":            {".go", "package p\n\n/*\na " + word + "\n*/\n", []int{4}},
		"string of Go":     {".go", "package p\n\nvar a = \"" + word + "\"\n", nil},
		"comment of SQL":   {".sql", "SELECT 1\n-- a " + word + "\n", []int{2}},
		"statement of SQL": {".sql", "COMMENT ON VIEW a IS\n  '" + word + "';\nSELECT '" + word + "';\n", []int{2}},
		"Markdown":         {".md", "a\n\nb " + strings.ToUpper(word) + "\n", []int{3}},
		"no word":          {".md", "whosever\n", nil},
	} {
		if got := twistedLines(test.ext, []byte(test.source)); !slices.Equal(got, test.want) {
			t.Errorf("%s: got lines %d, want %d", name, got, test.want)
		}
	}
}
