package rules_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/producers/rules"
)

func declared() (all []collect.Declaration) {
	for _, c := range collectors.All() {
		all = append(all, c.Declaration())
	}
	return all
}

// matches does what EventBridge does with a pattern, for the kinds of conditions that
// Pattern makes: equality, prefix, exists, objects and $or. It fails on any other.
func matches(t *testing.T, pattern, event any) bool {
	t.Helper()
	switch p := pattern.(type) {
	case map[string]any:
		if list, ok := event.([]any); ok {
			return slices.ContainsFunc(list, func(e any) bool { return matches(t, p, e) })
		}
		e, _ := event.(map[string]any)
		for key, condition := range p {
			var ok bool
			if key == "$or" {
				ok = slices.ContainsFunc(condition.([]any), func(one any) bool { return matches(t, one, event) })
			} else {
				ok = matches(t, condition, e[key])
			}
			if !ok {
				return false
			}
		}
		return true
	case []any:
		return slices.ContainsFunc(p, func(condition any) bool {
			switch c := condition.(type) {
			case string:
				return c == event
			case map[string]any:
				if prefix, ok := c["prefix"].(string); ok {
					text, isText := event.(string)
					return isText && strings.HasPrefix(text, prefix)
				}
				if exists, ok := c["exists"].(bool); ok {
					return exists == (event != nil)
				}
			}
			t.Fatalf("EventBridge knows more than this test: %v", condition)
			return false
		})
	}
	t.Fatalf("no pattern: %v", pattern)
	return false
}

// TestRulesTakeWhatHearTakes: what a rule takes is what a spoke hears, and nothing else.
func TestRulesTakeWhatHearTakes(t *testing.T) {
	runner, err := collect.New(collect.Config{
		Account: "111122223333", Regions: []string{"eu-central-1", "us-east-1"}, Collectors: collectors.All(),
		AWS: func(region string) aws.Config { return aws.Config{Region: region} },
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../collectors/testdata/events/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d events, error %v", len(files), err)
	}
	all := declared()
	byCategory, err := rules.ByCategory(all)
	if err != nil {
		t.Fatal(err)
	}
	bySource, err := rules.BySource(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		message, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		event, err := collect.ParseEvent(message)
		if err != nil {
			t.Fatal(err)
		}
		var whole map[string]any
		if err := json.Unmarshal(message, &whole); err != nil {
			t.Fatal(err)
		}
		taken := func(list []rules.Rule) (names []string) {
			for _, r := range list {
				var pattern any
				if err := json.Unmarshal(r.Pattern, &pattern); err != nil {
					t.Fatal(err)
				}
				if (r.Only == "" || r.Only == event.Region) && matches(t, pattern, whole) {
					names = append(names, r.Name)
				}
			}
			return names
		}
		var want []string
		for _, scope := range runner.ScopesOf(event) {
			name := fmt.Sprintf("spoke-%s-%s", scope.Category, strings.TrimPrefix(event.Source, "aws."))
			if !slices.Contains(want, name) {
				want = append(want, name)
			}
		}
		home, edge := taken(byCategory), taken(bySource)
		slices.Sort(want)
		slices.Sort(home)
		switch name := filepath.Base(file); {
		case strings.Contains(name, "other_"): // its rules are of another account or region
		case name == "securityhub_finding_low.json": // Match leaves it out
			if len(home)+len(edge) > 0 {
				t.Errorf("%s: taken by %q", name, home)
			}
		case !slices.Equal(home, want):
			t.Errorf("%s: taken by %q, a hint for %q", name, home, want)
		case len(edge) > 1 || (len(edge) > 0) != (len(home) > 0):
			t.Errorf("%s: forwarded by %q, taken by %q", name, edge, home)
		}
		if detail := whole["detail"].(map[string]any); event.Call != "" {
			detail["errorCode"] = "AccessDenied"
			if names := append(taken(byCategory), taken(bySource)...); len(names) > 0 {
				t.Errorf("%s: a call that failed is taken by %q", file, names)
			}
		}
	}
}

func TestRulesFit(t *testing.T) {
	name := regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)
	for _, make := range []func([]collect.Declaration) ([]rules.Rule, error){rules.ByCategory, rules.BySource} {
		list, err := make(declared())
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, r := range list {
			if !name.MatchString(r.Name) || seen[r.Name] || len(r.Pattern) > 4096 || len(r.Description) > 512 {
				t.Errorf("EventBridge refuses %+v", r)
			}
			seen[r.Name] = true
		}
		if len(list) > 100 {
			t.Errorf("%d rules: a bus has 100 at most in some regions", len(list))
		}
	}
}

// TestFormats shows the templates for a small choice.
func TestFormats(t *testing.T) {
	var few []collect.Declaration
	for _, d := range declared() {
		if slices.Contains([]string{"certificates", "support_cases", "security_findings"}, d.Category) {
			few = append(few, d)
		}
	}
	home, err := rules.ByCategory(few)
	if err != nil {
		t.Fatal(err)
	}
	edge, err := rules.BySource(few)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"rules.json": rules.JSON(home), "home.json": rules.Home(home), "edge.json": rules.Edge(edge),
		"home.tf": rules.TerraformHome(home), "edge.tf": rules.TerraformEdge(edge),
	} {
		if strings.HasSuffix(name, ".json") && !json.Valid([]byte(text)) {
			t.Errorf("%s is no JSON", name)
		}
		goldentest.Equal(t, name, text+"\n")
	}
}
