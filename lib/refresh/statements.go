package refresh

import "strings"

// statement is one SQL statement of a file.
type statement struct {
	text  string
	start int // offset of text in the file, in bytes
}

// split cuts the text of a file into statements at the semicolons outside of
// strings, quoted names and comments (PostgreSQL, chapter 4.1, Lexical
// Structure). Comments before a statement do not belong to it.
//
// Function bodies must be quoted: the semicolons of BEGIN ATOMIC would cut them.
func split(file string) []statement {
	var statements []statement
	start := -1 // of the current statement; -1 before its first token
	end := func(at int) {
		if start >= 0 {
			statements = append(statements, statement{strings.TrimSpace(file[start:at]), start})
		}
		start = -1
	}
	for i := 0; i < len(file); {
		rest := file[i:]
		if n := blank(rest); n > 0 {
			i += n
			continue
		}
		if rest[0] == ';' {
			end(i)
			i++
			continue
		}
		if start < 0 {
			start = i
		}
		i += token(rest)
	}
	end(len(file))
	return statements
}

// blank returns the length of the white space or the comment that s begins with.
func blank(s string) int {
	switch {
	case strings.ContainsRune(" \t\r\n\f", rune(s[0])):
		return 1
	case strings.HasPrefix(s, "--"):
		return through(s, 2, "\n")
	case strings.HasPrefix(s, "/*"):
		depth, i := 1, 2
		for i < len(s) && depth > 0 {
			switch {
			case strings.HasPrefix(s[i:], "/*"):
				depth, i = depth+1, i+2
			case strings.HasPrefix(s[i:], "*/"):
				depth, i = depth-1, i+2
			default:
				i++
			}
		}
		return i
	}
	return 0
}

// token returns the length of the string, word or other character that s begins
// with.
func token(s string) int {
	switch c := s[0]; {
	case c == '\'' || c == '"':
		return through(s, 1, s[:1])
	case (c == 'e' || c == 'E') && strings.HasPrefix(s[1:], "'"):
		return escapeString(s)
	case isWord(c):
		i := 1
		for i < len(s) && (isWord(s[i]) || s[i] == '$') {
			i++
		}
		return i
	case c == '$':
		tag := 1
		for tag < len(s) && isWord(s[tag]) {
			tag++
		}
		if tag < len(s) && s[tag] == '$' {
			return through(s, tag+1, s[:tag+1])
		}
	}
	return 1
}

// through returns the length of s up to and with the first mark at or after from,
// or all of it if there is none. (A doubled quote inside a string ends it and
// begins another, which comes to the same.)
func through(s string, from int, mark string) int {
	if i := strings.Index(s[from:], mark); i >= 0 {
		return from + i + len(mark)
	}
	return len(s)
}

// escapeString returns the length of the string e'…' that s begins with, in which
// a backslash escapes a quote.
func escapeString(s string) int {
	for i := 2; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '\'':
			return i + 1
		}
	}
	return len(s)
}

// isWord reports whether c can be part of a name, a keyword or a number.
func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
