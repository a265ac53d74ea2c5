package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.yaml.in/yaml/v3"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/policy"
	"github.com/hubspoke/observability/schemas"
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

// TestNoKeyTwice: git keeps the lines of both sides of a merge, and a line of a template may be there twice then.
func TestNoKeyTwice(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, templatesDir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err == nil {
			err = yaml.Unmarshal(content, new(any))
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
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

// puts notes where objects are put.
type puts struct {
	archive.S3
	keys []string
}

func (p *puts) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput,
	error) {
	p.keys = append(p.keys, aws.ToString(in.Bucket)+"/"+aws.ToString(in.Key))
	return &s3.PutObjectOutput{}, nil
}

// TestTablesAreWhereTheArchiveWrites compares the location of a partition with the key of an object.
func TestTablesAreWhereTheArchiveWrites(t *testing.T) {
	client := &puts{}
	bucket, err := archive.New(archive.Config{Client: client, Name: "hub-archive"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := schema.ParseRunID("01981c5e-7c00-7000-8000-000000000001")
	if err != nil {
		t.Fatal(err)
	}
	scope := schema.Scope{Category: "certificates", Account: "111122223333", Region: "eu-central-1"}
	run := bucket.Create(scope, id, schemas.Certificates.Table)
	if err := run.Close(t.Context(), schema.Empty, "", 0, 0); err != nil || len(client.keys) != 1 {
		t.Fatal(client.keys, err)
	}
	content, err := os.ReadFile(filepath.Join(root, templatesDir, "athena.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var locations []string
	for line := range strings.Lines(string(content)) {
		if _, location, ok := strings.Cut(line, "storage.location.template: !Sub s3://"); ok {
			locations = append(locations, strings.NewReplacer("${S3Bucket}", "hub-archive", "${!account}", scope.Account,
				"${!region}", scope.Region, "${!date}", id.Time().Format(time.DateOnly)).Replace(strings.TrimSpace(location)))
		}
	}
	key := client.keys[0]
	if dir := key[:strings.LastIndex(key, "/")+1]; !slices.Contains(locations, dir) {
		t.Errorf("no table has the location %s, only %q", dir, locations)
	}
	if len(locations) != len(schemas.All()) {
		t.Errorf("%d locations for %d categories", len(locations), len(schemas.All()))
	}
}

// TestColumnsAreNoPartitions: Glue refuses a table with a name twice.
func TestColumnsAreNoPartitions(t *testing.T) {
	type place struct {
		Account string `col:"account,key"`
	}
	table := schema.Of[place](schema.Spec{Name: "places", Mode: schema.Snapshot}).Table
	columns := []schemas.CatalogColumn{{Name: "account"}}
	_, err := athenaTables([]category{{
		CatalogCategory: schemas.CatalogCategory{Name: "places", Columns: columns}, Table: table,
	}})
	if err == nil || !strings.Contains(err.Error(), "category places: Athena cannot have the column account") {
		t.Error(err)
	}
}
