package deptest

import (
	"slices"
	"testing"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, path string
		want          bool
	}{
		{"m/lib", "m/lib", true},
		{"m/lib", "m/lib/a", false},
		{"m/lib/...", "m/lib", true},
		{"m/lib/...", "m/lib/a/b", true},
		{"m/lib/...", "m/library", false},
		{"m/...test", "m/lib/xtest", true},
		{"m/...test", "m/lib/xtest/cmd", false},
		{"a.b/c", "aXb/c", false},
		{"...", "anything/at.all", true},
		{"std", "fmt", true},
		{"std", "encoding/json/v2", true},
		{"std", "example.org/fmt", false},
	}
	for _, test := range tests {
		if got := match([]string{"other", test.pattern})(test.path); got != test.want {
			t.Errorf("%s matches %s: %v, want %v", test.pattern, test.path, got, test.want)
		}
	}
	if match(nil)("m") {
		t.Error("no pattern matches a path")
	}
}

func TestViolations(t *testing.T) {
	imports := map[string][]string{
		"m/top":    {"fmt", "m/mid"},
		"m/mid":    {"m/low", "m/wrap"},
		"m/low":    {"x.org/db", "m/mid"},
		"m/wrap":   {"x.org/queue"},
		"m/direct": {"x.org/queue/v2"},
		"m/alone":  nil,
	}
	tests := map[string]struct {
		rule Rule
		want []string
	}{
		"direct and through others": {
			Rule{Packages: []string{"m/top", "m/low"}, MustNot: []string{"x.org/db"}, Why: "why"},
			[]string{"m/low imports x.org/db: why", "m/top imports m/mid imports m/low imports x.org/db: why"},
		},
		"an exempt package may, and so may its importers through it": {
			Rule{Packages: []string{"..."}, MustNot: []string{"x.org/queue/..."}, Exempt: []string{"m/wrap"}, Why: "why"},
			[]string{"m/direct imports x.org/queue/v2: why"},
		},
		"an exempt package may itself be what others must not import": {
			Rule{Packages: []string{"..."}, MustNot: []string{"m/wrap", "x.org/queue"}, Exempt: []string{"m/wrap"}, Why: "why"},
			[]string{"m/low imports m/mid imports m/wrap: why", "m/mid imports m/wrap: why",
				"m/top imports m/mid imports m/wrap: why"},
		},
		"an allowed import": {
			Rule{Packages: []string{"m/wrap", "m/direct"}, MustNot: []string{"..."}, Allow: []string{"x.org/queue"},
				Why: "only this"},
			[]string{"m/direct imports x.org/queue/v2: only this"},
		},
		"what an allowed import imports": {
			Rule{Packages: []string{"m/mid"}, MustNot: []string{"m/wrap", "x.org/queue"}, Allow: []string{"m/wrap"}, Why: "why"},
			nil,
		},
		"kept": {
			Rule{Packages: []string{"m/top"}, MustNot: []string{"m/direct"}},
			nil,
		},
		"no such package": {
			Rule{Packages: []string{"m/later"}, MustNot: []string{"..."}},
			nil,
		},
	}
	for name, test := range tests {
		if got := violations(imports, []Rule{test.rule}); !slices.Equal(got, test.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, test.want)
		}
	}
}

func TestList(t *testing.T) {
	const this = "github.com/hubspoke/observability/internal/deptest"
	imports, err := list([]string{this})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(imports[this], "os/exec") {
		t.Errorf("this package imports %q", imports[this])
	}
	if _, err := list([]string{"github.com/hubspoke/observability/nothing/..."}); err == nil {
		t.Error("a pattern that matches nothing is not an error")
	}
}
