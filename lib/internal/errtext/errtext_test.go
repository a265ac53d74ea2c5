package errtext_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hubspoke/observability/lib/internal/errtext"
)

func TestClean(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"none", "", ""},
		{"quotes", `a "b" \c`, `a "b" \c`},
		{"control characters", "a\x00b\nc\x7f", "a b c "},
		{"control characters of eight bits", "a\u0085b\u009bc", "a b c"},
		{"direction of text", "a\u202eb\u2066c\u200fd", "a b c d"},
		{"invalid UTF-8", "a\xffb", "a\ufffdb"},
		{"as long as may be", strings.Repeat("x", errtext.Max), strings.Repeat("x", errtext.Max)},
		{"cut at a character", "x" + strings.Repeat("é", 1000), "x" + strings.Repeat("é", 511)},
		{"longer when cleaned", strings.Repeat("\xff", errtext.Max), strings.Repeat("\ufffd", 341)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := errtext.Clean(test.text)
			if got != test.want || len(got) > errtext.Max || !utf8.ValidString(got) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
