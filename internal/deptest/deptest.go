// Package deptest enforces rules about which package may import which.
package deptest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Rule says what packages must not import, directly or through other packages
// of the module. What packages outside the module import does not count, and
// neither does what tests import.
//
// Patterns are import paths in which "..." stands for any string and a final
// "/..." also for nothing, as in the go command. The pattern "std" stands for
// the standard library.
type Rule struct {
	// Packages are the patterns of the packages that the rule binds.
	Packages []string
	// MustNot are the patterns of the packages that they must not import.
	MustNot []string
	// Exempt are the patterns of packages that the rule does not bind. They may
	// import what the others must not, and the others may import them, unless
	// MustNot names them too.
	Exempt []string
	// Allow are the patterns of packages that may be imported although MustNot
	// names them. What they import does not count.
	Allow []string
	// Why is printed when the rule is broken.
	Why string
}

// Check fails the test for every package that breaks a rule. patterns name
// the packages to look at, as in go list.
func Check(t testing.TB, rules []Rule, patterns ...string) {
	t.Helper()
	imports, err := list(patterns)
	if err != nil {
		t.Fatalf("deptest: %v", err)
	}
	for _, v := range violations(imports, rules) {
		t.Error(v)
	}
}

// list returns what each package imports, without tests.
func list(patterns []string) (map[string][]string, error) {
	// -e: what does not compile is for the build to report.
	cmd := exec.Command("go", append([]string{"list", "-e", "-json=ImportPath,Imports"}, patterns...)...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("go list: %w", err)
	}
	imports := map[string][]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		imports[p.ImportPath] = p.Imports
	}
	if len(imports) == 0 {
		return nil, fmt.Errorf("go list: no packages match %s", strings.Join(patterns, " "))
	}
	return imports, nil
}

// violations describes each broken rule by the way from the package to what it
// must not import.
func violations(imports map[string][]string, rules []Rule) []string {
	var found []string
	for _, rule := range rules {
		bound, mustNot, exempt, allow := match(rule.Packages), match(rule.MustNot), match(rule.Exempt), match(rule.Allow)
		target := func(pkg string) bool { return mustNot(pkg) && !allow(pkg) }
		border := func(pkg string) bool { return exempt(pkg) || allow(pkg) }
		for _, pkg := range slices.Sorted(maps.Keys(imports)) {
			if !bound(pkg) || exempt(pkg) {
				continue
			}
			if way := wayTo(pkg, imports, target, border); way != nil {
				found = append(found, strings.Join(way, " imports ")+": "+rule.Why)
			}
		}
	}
	return found
}

// wayTo finds a shortest chain of imports from a package to one that matches
// target, not through those that match border; nil if there is none. A chain ends
// at the first package that matches, and where imports end.
func wayTo(from string, imports map[string][]string, target, border func(string) bool) []string {
	importer := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range imports[queue[0]] {
			if _, seen := importer[next]; seen {
				continue
			}
			importer[next] = queue[0]
			if target(next) {
				var way []string
				for p := next; p != ""; p = importer[p] {
					way = append(way, p)
				}
				slices.Reverse(way)
				return way
			}
			if !border(next) {
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// match returns a function that tells whether a path matches a pattern.
func match(patterns []string) func(path string) bool {
	var expressions []*regexp.Regexp
	for _, pattern := range patterns {
		expression := regexp.QuoteMeta(pattern)
		if pattern == "std" {
			// The first element of every other path is a host name.
			expression = `[^./]+(/.*)?`
		}
		if prefix, ok := strings.CutSuffix(expression, `/\.\.\.`); ok {
			expression = prefix + `(/\.\.\.)?`
		}
		expression = strings.ReplaceAll(expression, `\.\.\.`, `.*`)
		expressions = append(expressions, regexp.MustCompile(`^`+expression+`$`))
	}
	return func(path string) bool {
		return slices.ContainsFunc(expressions, func(e *regexp.Regexp) bool { return e.MatchString(path) })
	}
}
