package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hubspoke/observability/internal/program"
)

func TestRules(t *testing.T) {
	isolate(t)
	for _, test := range []struct {
		args           string
		code           int
		stdout, stderr string
		absent         string
	}{
		{"", program.ExitDone, `"spoke-kms_keys-kms"`, "", "AWS::"},
		{"--format cloudformation", program.ExitDone, "AWS::SQS::Queue", "", "HomeBusArn"},
		{"--format cloudformation --stack edge", program.ExitDone, "HomeBusArn", "", "AWS::SQS::Queue"},
		{"--format terraform", program.ExitDone, "aws_sqs_queue", "", "home_bus_arn"},
		{"--format terraform --stack edge", program.ExitDone, "home_bus_arn", "", "aws_sqs_queue"},
		{"--category security_findings", program.ExitDone, "CRITICAL", "", "kms"},
		{"--category security_findings --no-match", program.ExitDone, "Imported", "", "CRITICAL"},
		{"--exclude kms_keys", program.ExitDone, "iam_users", "", "kms_keys"},
		{"--category savings_plans", program.ExitUsage, "", "spoke categories", "pattern"},
		{"--category things", program.ExitUsage, "", "unknown category", "pattern"},
	} {
		r := spoke(t.Context(), nil, append([]string{"rules"}, strings.Fields(test.args)...)...)
		r.want(t, test.code, test.stdout, test.stderr)
		if strings.Contains(r.stdout, test.absent) {
			t.Errorf("%s: %s is printed", test.args, test.absent)
		}
		if !strings.Contains(test.args, "terraform") && test.code == program.ExitDone && !json.Valid([]byte(r.stdout)) {
			t.Errorf("%s: no JSON", test.args)
		}
	}
}
