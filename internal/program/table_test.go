package program_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hubspoke/observability/internal/program"
)

// widest returns the width of the widest line.
func widest(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		n = max(n, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")))
	}
	return n
}

func wideTable(out *bytes.Buffer) *program.Table {
	t := program.NewTable(out, "category", "rows arrived", "last complete run", "error")
	t.AppendRow([]any{"security_findings", 1234567890123, "3h02m ago",
		"AccessDeniedException: the role may not call securityhub:GetFindings"})
	t.AppendRow([]any{"certificates", 5, "never", ""})
	return t
}

func TestTableFitsItsWidth(t *testing.T) {
	for columns, want := range map[string]int{"": 128, "no number": 128, "200": 128, "100": 100, "80": 80, "60": 60} {
		t.Setenv("COLUMNS", columns)
		var out bytes.Buffer
		wideTable(&out).Render()
		if n := widest(out.String()); n != want {
			t.Errorf("COLUMNS=%q: %d characters, want %d:\n%s", columns, n, want, &out)
		}
		for _, whole := range []string{" 1234567890123 "} {
			if !strings.Contains(out.String(), whole) {
				t.Errorf("COLUMNS=%q: %q is broken:\n%s", columns, whole, &out)
			}
		}
		words := strings.Join(strings.FieldsFunc(out.String(),
			func(r rune) bool { return strings.ContainsRune("│┌┐└┘├┤┬┴┼─ \n", r) }), "")
		if columns != "60" && !strings.Contains(words, "securityhub:GetFindings") {
			t.Errorf("COLUMNS=%q: a word is lost or broken:\n%s", columns, &out)
		}
	}
}

func TestColumnsThatDoNotFitAreHidden(t *testing.T) {
	for columns, want := range map[string]int{"": 0, "128": 0, "127": 1, "50": 2, "20": 2} {
		t.Setenv("COLUMNS", columns)
		var out bytes.Buffer
		table := wideTable(&out)
		if n := table.HideToFit(2); n != want {
			t.Errorf("COLUMNS=%q: %d columns are hidden, want %d", columns, n, want)
		}
		table.Render()
		if shown := strings.Contains(out.String(), "ERROR"); shown != (want == 0) {
			t.Errorf("COLUMNS=%q:\n%s", columns, &out)
		}
	}
}

func TestWrap(t *testing.T) {
	for columns, want := range map[string]string{"": "one two three four", "11": "one two\n  three\n  four",
		"18": "one two three four"} {
		t.Setenv("COLUMNS", columns)
		if got := program.Wrap(os.Stdin, "one two three four", "  "); got != want {
			t.Errorf("COLUMNS=%q: %q, want %q", columns, got, want)
		}
	}
}

// Lines that a cell has of its own stay apart.
func TestLinesOfACellAreWrappedEachForItself(t *testing.T) {
	t.Setenv("COLUMNS", "20")
	var out bytes.Buffer
	table := program.NewTable(&out, "text")
	table.AppendRow([]any{"a\nb\none two three four"})
	table.Render()
	if want := "│ a"; strings.Count(out.String(), "\n│") != 5 || !strings.Contains(out.String(), want) {
		t.Errorf("got\n%s", &out)
	}
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain äß 日本\n\ttab":     "plain äß 日本\n\ttab",
		"\x1b[2J\x07\r\u009b31m": `\x1b[2J\a\r\u009b31m`,
		"a\u202eb\xff\uFFFD":     `a\u202eb\xff` + "\uFFFD",
		"":                       "",
	} {
		if got := program.Visible(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// What a sender wrote stays the same value, and no terminal obeys it.
func TestJSONHasNoControlCharacters(t *testing.T) {
	const text = "a\x1b[31m\x7f\u009b31m\u202e\U000E0001 ä <&>"
	var out bytes.Buffer
	if err := program.WriteJSON(&out, text); err != nil {
		t.Fatal(err)
	}
	if want := `"a\u001b[31m\u007f\u009b31m\u202e\udb40\udc01 ä <&>"` + "\n"; out.String() != want {
		t.Errorf("got %s, want %s", &out, want)
	}
	var back string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != text {
		t.Errorf("read back as %q, %v", back, err)
	}
}

func ExampleNewTable() {
	table := program.NewTable(os.Stdout, "name", "rows")
	table.AppendRow([]any{"certificates", 1})
	table.Render()
	fmt.Println(program.Wrap(os.Stdout, "All is right.", ""))
	// Output:
	// ┌──────────────┬──────┐
	// │ NAME         │ ROWS │
	// ├──────────────┼──────┤
	// │ certificates │    1 │
	// └──────────────┴──────┘
	// All is right.
}

func TestColumnsThatDoNotFitWhenWrappedAreHidden(t *testing.T) {
	const arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:orders"
	for columns, want := range map[string]int{"": 0, "65": 0, "64": 1, "48": 2, "20": 3} {
		t.Setenv("COLUMNS", columns)
		var out bytes.Buffer
		table := program.NewTable(&out, "arn", "reason", "rows", "trend")
		table.Whole(3)
		table.Right(2)
		table.AppendRow([]any{arn, "one two three four", "\x1b[31m1,234,567,890\x1b[0m", "▁▂▃ ▅▆▇█▁▂▃▄▅"})
		if n := table.HideToWrap(1); n != want {
			t.Errorf("COLUMNS=%q: %d columns are hidden, want %d", columns, n, want)
		}
		table.Render()
		if want == 0 && (!strings.Contains(out.String(), " ▁▂▃ ▅▆▇█▁▂▃▄▅ │") || !strings.Contains(out.String(), " ROWS │")) {
			t.Errorf("COLUMNS=%q:\n%s", columns, &out)
		}
		plain := strings.NewReplacer("\x1b[31m", "", "\x1b[0m", "").Replace(out.String())
		if n := widest(plain); columns != "" && want < 3 && fmt.Sprint(n) > columns {
			t.Errorf("COLUMNS=%q: %d characters:\n%s", columns, n, &out)
		}
	}
}
