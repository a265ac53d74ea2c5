package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hubspoke/observability/producers/policy"
)

func TestReplacePart(t *testing.T) {
	const template = "Resources:\n  # generated: x, by go run ./internal/generate\n  Old: 1\n  # end: x\n  Last: 2\n"
	got, err := replacePart([]byte(template), "x", []byte("New:\n  A: 1\n"))
	want := "Resources:\n  # generated: x, by go run ./internal/generate\n  New:\n    A: 1\n  # end: x\n  Last: 2\n"
	if string(got) != want || err != nil {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	for _, old := range []string{"# end", "# generated"} {
		broken := strings.Replace(template, old, "#", 1)
		if _, err := replacePart([]byte(broken), "x", nil); err == nil || !strings.Contains(err.Error(), "must enclose") {
			t.Errorf("%s: %v", broken, err)
		}
	}
}

func TestRate(t *testing.T) {
	for d, want := range map[time.Duration]string{
		15 * time.Minute: "rate(15 minutes)", time.Hour: "rate(1 hour)", 90 * time.Minute: "rate(90 minutes)",
		24 * time.Hour: "rate(1 day)", 36 * time.Hour: "rate(36 hours)", 7 * 24 * time.Hour: "rate(7 days)",
	} {
		if got := rate(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}

// TestTemplateAllowsWhatPolicyPrints: people wrote these statements of the template, because they name resources.
func TestTemplateAllowsWhatPolicyPrints(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root, templatesDir, "spoke.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	statements := policy.Send(policy.Destination{Stream: "arn:x", Bucket: "b", Keys: []string{"k"}})
	for _, s := range append(statements, policy.HearInLambda("q"), policy.Pseudonyms("k")) {
		want := "Action: " + s.Action[0]
		if len(s.Action) > 1 {
			want = `Action: ["` + strings.Join(s.Action, `", "`) + `"]`
		}
		if !strings.Contains(string(content), want+"\n") {
			t.Errorf("no statement of spoke.yaml has %s", want)
		}
	}
}
