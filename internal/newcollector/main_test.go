package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hubspoke/observability/internal/moduletest"
	"github.com/hubspoke/observability/lib/awssnapshot"
)

const root = "../.."

// TestDraftPassesTheFastTests writes drafts into a copy of the module, and runs the tests
// that need no database.
func TestDraftPassesTheFastTests(t *testing.T) {
	dir := moduletest.Copy(t, root)
	for category, from := range map[string]string{
		"copied_secrets": "secretsmanager:ListSecrets", // has tags
		"copied_tables":  "dynamodb:ListTables",        // are texts, of a service that no category calls
	} {
		if _, err := create(dir, category, from); err != nil {
			t.Fatal(err)
		}
	}
	collector := moduletest.Read(t, dir, "producers/collectors/copied_secrets.go")
	for _, want := range []string{
		"jsonOf(tagMap(item.Tags))", "freeText(item.Description)", "SecretVersionsToStages (may hold a secret)",
		`Calls:    []string{"secretsmanager:ListSecrets"}`,
		"SecretList, p.NextToken", "MaxResults: aws.Int32(100)",
	} {
		if !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(collector, "//", "")), " "),
			strings.Join(strings.Fields(want), " ")) {
			t.Errorf("%q is not in the collector\n%s", want, collector)
		}
	}
	if strings.Contains(collector, "collect.Service{") {
		t.Error("the service of secrets is declared again")
	}
	schema := moduletest.Read(t, dir, "schemas/copied_secrets.go")
	for _, want := range []string{
		"ARN string `col:\"arn,key\"`", "RotationEnabled *bool `col:\"rotation_enabled\"`",
		"Tags schema.JSON `col:\"tags,object\"`", "Description *string `col:\"description,personal=text\"`",
		"// The friendly name of the secret (Name). Null: AWS reports none.\n",
	} {
		if !strings.Contains(schema, want) {
			t.Errorf("%q is not in the schema\n%s", want, schema)
		}
	}
	moduletest.Run(t, dir, "go run ./internal/generate")
	moduletest.Run(t, dir, "go test ./producers/collectors -run ^TestCopied(Secrets|Tables)$ -update")
	// ListSecrets hides what waits for its deletion, and no draft knows that, nor what is about
	// people.
	moduletest.Run(t, dir, "go test -skip ^(TestFiltersThatHide|TestPersonalColumnsAreMarked)$ ./schemas/... "+
		"./producers/collectors ./internal/generate/documents")
	moduletest.Run(t, dir, "go test ./producers/simulate -run "+
		"^(TestEveryCategoryChanges|TestEveryColumnIsFilled|TestCollectors.*)$")
	rows := moduletest.Read(t, dir, "producers/collectors/testdata/copied_secrets/want.ndjson")
	if strings.Count(rows, "\n") != 2 || !strings.Contains(rows, `"rotation_interval_days"`) &&
		!strings.Contains(rows, `"rotation_rules"`) {
		t.Errorf("the rows are\n%s", rows)
	}
	if page := moduletest.Read(t, dir, "docs/reference/copied_tables.md"); !strings.Contains(page,
		"FROM current_copied_tables") {
		t.Errorf("the reference page asks no view:\n%s", page)
	}
}

func TestWhatCannotBeDrafted(t *testing.T) {
	for from, want := range map[string]string{
		"kms:ListResourceTags": "must be told KeyId",
		"kms:ListNothing":      "no operation ListNothing",
		"kms:GenerateRandom":   "answers with no list",
		"kms":                  "is not service:Operation",
		"acm:listCertificates": "is not service:Operation",
	} {
		if _, err := create(root, "things", from); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v; want one that says %q", from, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "schemas/things.go")); err == nil {
		t.Error("files were written")
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	moduletest.Write(t, dir, "producers/collectors/topics.go", "mine")
	err := write(dir, map[string][]byte{"producers/collectors/topics.go": nil, "schemas/topics.go": nil})
	if err == nil || !strings.Contains(err.Error(), "producers/collectors/topics.go exists already") {
		t.Errorf("error %v", err)
	}
	if got := moduletest.Read(t, dir, "producers/collectors/topics.go"); got != "mine" {
		t.Errorf("the file was overwritten: %s", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "schemas")); err == nil {
		t.Error("other files were written")
	}
}

func TestNames(t *testing.T) {
	for category, want := range map[string]names{
		"s3_buckets":         {Plural: "S3Buckets", Row: "S3Bucket"},
		"iam_policies":       {Plural: "IAMPolicies", Row: "IAMPolicy"},
		"vpc_endpoint_ids":   {Plural: "VPCEndpointIDs", Row: "VPCEndpointID"},
		"inventory":          {Plural: "Inventory", Row: "InventoryRow"},
		"network_access":     {Plural: "NetworkAccess", Row: "NetworkAccessRow"},
		"health_events_2024": {Plural: "HealthEvents2024", Row: "HealthEvents2024Row"},
	} {
		want.Category = category
		if got := namesOf(category); got != want {
			t.Errorf("%s: %+v, want %+v", category, got, want)
		}
	}
	for _, bad := range []string{"", "S3", "a-b", "1a", "a__b", "_a", "a_", "../x", strings.Repeat("a", maxName+1)} {
		if _, err := create(t.TempDir(), bad, "acm:ListCertificates"); err == nil {
			t.Errorf("the name %q is accepted", bad)
		}
	}
}

func TestColumnNames(t *testing.T) {
	for member, want := range map[string]string{
		"KmsKeyId": "kms_key_id", "ARN": "arn", "DBInstanceArn": "db_instance_arn", "VPCId": "vpc_id",
		"Ipv6Address": "ipv6_address",
		"Region":      "thing_region", "User": "thing_user", "AccountId": "thing_account_id", "CodeSha256": "code_sha256",
	} {
		if got := columnName(member, "Thing"); got != want {
			t.Errorf("%s is %s, want %s", member, got, want)
		}
	}
}

// The SDK's snapshots, of each protocol.
func TestRecording(t *testing.T) {
	text := column{Name: "cluster", Kind: kindKey}
	thing := column{Name: "arn", Kind: kindKey, Field: "Arn"}
	for name, test := range map[string]struct {
		operation        operation
		request, answer  string
		want, wantAbsent []string
	}{
		"json": {
			operation{Name: "ListQueues", List: "QueueUrls", Token: "NextToken", From: "NextToken", Size: "MaxResults",
				SizeMost: 100,
				Signing:  "sqs", Columns: []column{{Name: "queue_url", Kind: kindKey}}},
			"POST /\n\nContent-Type: " +
				"application/x-amz-json-1.0\n\n{\"MaxResults\":1,\"NextToken\":\"__NextToken__\",\"QueueNamePrefix\":\"__P__\"}",
			"200\nContent-Type: " +
				"application/x-amz-json-1.0\n\n{\"NextToken\":\"__NextToken__\",\"QueueUrls\":[\"__Member__\",\"__Member__\"]}",
			[]string{
				"-- ListQueues --\n{\"MaxResults\":100}\n\n200\n{\n  \"NextToken\": \"page2\",",
				`"https://sqs.eu-west-1.amazonaws.com/111122223333/thing-1"`,
				"-- ListQueues --\n{\"MaxResults\":100,\"NextToken\":\"page2\"}\n\n200\n{\n  \"QueueUrls\": [\n    " +
					"\"https://sqs.eu-west-1.amazonaws.com/111122223333/thing-2\"\n",
			}, []string{"Prefix", "__"},
		},
		"rest": {
			operation{Name: "ListClusters", List: "Clusters", Token: "NextToken", From: "NextToken", Size: "MaxResults",
				SizeMost: 100,
				Columns:  []column{text}},
			"GET /clusters?include=__Member__&maxResults=1&nextToken=__NextToken__\n\n\n",
			"200\nContent-Type: " +
				"application/json\n\n{\"clusters\":[\"__Member__\",\"__Member__\"],\"nextToken\":\"__NextToken__\"}",
			[]string{
				"{\"maxResults\":\"100\",\"path\":\"/clusters\"}\n\n200\n{\n  \"clusters\": [\n    \"thing-1\"\n  ],\n  " +
					"\"nextToken\": \"page2\"\n}\n",
				"{\"maxResults\":\"100\",\"nextToken\":\"page2\",\"path\":\"/clusters\"}\n\n200\n{\n  \"clusters\": [\n    " +
					"\"thing-2\"\n  ]\n}\n",
			}, []string{"include", "__"},
		},
		"query": {
			operation{Name: "ListUsers", List: "Users", Token: "Marker", From: "Marker", Size: "MaxItems", SizeMost: 100,
				Signing: "iam", Columns: []column{thing}},
			"POST /\n\nContent-Type: " +
				"application/x-www-form-urlencoded\n\nAction=ListUsers&Marker=__Marker__&MaxItems=1&Version=2010-05-08",
			"200\nContent-Type: " +
				"application/xml\n\n<ListUsersResponse><ListUsersResult>" +
				"<IsTruncated>true</IsTruncated><Marker>__Marker__</Marker><Users>" +
				"<member><Arn>__Arn__</Arn><Path>__Path__</Path></member><member><Arn>__Arn__</Arn></member></Users>" +
				"</ListUsersResult></ListUsersResponse>",
			[]string{
				"{\"MaxItems\":\"100\"}\n\n200\n<ListUsersResponse>", "<Marker>page2</Marker>",
				"<Arn>arn:aws:iam:eu-west-1:111122223333:thing/1</Arn>",
				"<Path>Path</Path>", "{\"Marker\":\"page2\",\"MaxItems\":\"100\"}", "thing/2</Arn>",
			}, []string{"IsTruncated", "__"},
		},
	} {
		dir := t.TempDir()
		test.operation.dir = dir
		moduletest.Write(t, dir, "request_snapshot/"+test.operation.Name+".request.snap", test.request)
		moduletest.Write(t, dir, "response_snapshot/"+test.operation.Name+".response.snap", test.answer)
		got, err := test.operation.recording()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range test.want {
			if !strings.Contains(string(got), want) {
				t.Errorf("%s: %q is not in\n%s", name, want, got)
			}
		}
		if i := slices.IndexFunc(test.wantAbsent, func(s string) bool { return strings.Contains(string(got), s) }); i >= 0 {
			t.Errorf("%s: %q is in\n%s", name, test.wantAbsent[i], got)
		}
	}
	if _, err := (&operation{Name: "ListUsers", dir: t.TempDir()}).recording(); !errors.Is(err, awssnapshot.ErrNone) {
		t.Errorf("without a snapshot: %v", err)
	}
}
