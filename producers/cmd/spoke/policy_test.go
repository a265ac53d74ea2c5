package main

import (
	"encoding/json"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/producers/policy"
)

// TestPolicyIsWhatCollectorsDeclare, as the reference shows it.
func TestPolicyIsWhatCollectorsDeclare(t *testing.T) {
	isolate(t)
	r := spoke(t.Context(), nil, "policy")
	r.want(t, program.ExitDone, "", "")
	var d struct {
		Statement []struct {
			Sid, Effect string
			Action      []string
			Resource    any
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &d); err != nil || len(d.Statement) != 3 {
		t.Fatalf("%d statements, %v", len(d.Statement), err)
	}
	want := actionsOf(collectors.All())
	slices.Sort(want)
	if got := d.Statement[0].Action; !slices.Equal(got, slices.Compact(want)) {
		t.Errorf("actions %q\nwant %q", got, want)
	}
	for _, s := range d.Statement[1:] {
		for _, pattern := range s.Action {
			for _, action := range want {
				if denied, _ := path.Match(pattern, action); denied {
					t.Errorf("%s is needed, and denied by %s", action, pattern)
				}
			}
		}
	}
	reference, err := os.ReadFile("../../../docs/reference/permissions.md")
	if err != nil || !strings.Contains(string(reference), "```json\n"+r.stdout+"```\n") {
		t.Errorf("docs/reference/permissions.md has another policy: %v", err)
	}
}

func TestPolicyOfWhatIsUsed(t *testing.T) {
	isolate(t)
	args := func(text string) []string { return strings.Fields("policy --category secrets " + text) }
	r := spoke(t.Context(), nil, args("--no-deny")...)
	r.want(t, program.ExitDone, `"secretsmanager:ListSecrets"`, "")
	for _, absent := range []string{"Deny", "acm:", "Send"} {
		if strings.Contains(r.stdout, absent) {
			t.Errorf("%s is in %s", absent, r.stdout)
		}
	}
	key := "arn:aws:kms:eu-central-1:444455556666:key/x"
	t.Setenv("SPOKE_KMS_KEY_ID", key) // as `spoke run` has it
	everything := args("--stream observability --bucket s3://hub-archive --partition aws-cn " +
		"--events arn:aws:sqs:eu-central-1:111122223333:events")
	for _, want := range []string{
		"arn:aws-cn:kinesis:*:${aws:PrincipalAccount}:stream/observability", "NeverValues", key,
		"arn:aws-cn:s3:::hub-archive/data/account=${aws:PrincipalAccount}/*", `"sqs:ReceiveMessage"`,
	} {
		spoke(t.Context(), nil, everything...).want(t, program.ExitDone, want, "")
	}
	hears := func(flags string, want bool) {
		t.Helper()
		r := spoke(t.Context(), nil, args("--events arn:aws:sqs:eu-central-1:111122223333:events"+flags)...)
		r.want(t, program.ExitDone, `"sqs:ReceiveMessage"`, "")
		for _, action := range []string{"sqs:GetQueueAttributes", "sqs:SendMessage"} {
			if got := strings.Contains(r.stdout, action); got != want {
				t.Errorf("flags %q: %s is allowed: %v", flags, action, got)
			}
		}
	}
	hears("", false)
	hears(" --lambda", true)
	spoke(t.Context(), nil, args("--personal-key-arn "+hmacKey)...).want(t, program.ExitDone, `"kms:GenerateMac"`, "")
	spoke(t.Context(), nil, args("--format cloudformation")...).want(t, program.ExitDone, "AWS::IAM::ManagedPolicy", "")
	spoke(t.Context(), nil, args("--format terraform")...).want(t, program.ExitDone, `resource "aws_iam_policy"`, "")
	for text, want := range map[string]string{
		"--category nothing":              "unknown category",
		"--events https://sqs/queue":      `--events "https://sqs/queue" is not an ARN of sqs, such as`,
		"--lambda":                        "--lambda without --events",
		"--kms-key alias/x":               `--kms-key "alias/x" is not an ARN of kms, such as`,
		"--stream-role-arn " + roleARN:    "--stream-role-arn without --stream",
		"--bucket b --bucket-prefix data": `--bucket-prefix "data" must end`,
	} {
		spoke(t.Context(), nil, args(text)...).want(t, program.ExitUsage, "", want)
	}
}

// TestSeveralPolicies are said to be several.
func TestSeveralPolicies(t *testing.T) {
	isolate(t)
	long := "arn:aws:sqs:eu-central-1:111122223333:" + strings.Repeat("x", policy.MaxCharacters-500)
	spoke(t.Context(), nil, "policy", "--events", long).want(t, program.ExitDone, "}\n{", "attach all of these")
}
