package collect_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// Bucket is one S3 bucket.
type Bucket struct {
	// Name of the bucket.
	Name string `col:"bucket_name,key"`
	// Versioned says whether old versions are kept; null if not known.
	Versioned *bool `col:"versioned"`
}

// Buckets is the category "buckets", a full snapshot every run.
var Buckets = schema.Of[Bucket](schema.Spec{Name: "buckets", Mode: schema.Snapshot})

var bucketCollector = collect.Collector[Bucket]{
	Category: Buckets,
	Reach:    collect.Global,
	Every:    6 * time.Hour,
	Calls:    []string{"s3:ListBuckets"},
	Collect: func(ctx context.Context, env *collect.Env, emit func(Bucket) error) error {
		// A real collector makes a client from env.AWS and pages through a list.
		for _, name := range []string{"logs", "backups"} {
			if err := emit(Bucket{Name: name, Versioned: aws.Bool(name == "backups")}); err != nil {
				return err
			}
		}
		return nil
	},
}

func Example() {
	runner, err := collect.New(collect.Config{
		Account:    "111122223333",
		Regions:    []string{"eu-central-1"},
		Collectors: []collect.Any{bucketCollector},
		AWS:        func(region string) aws.Config { return aws.Config{Region: region} },
		// Publisher and Archive are where rows go; this prints them.
		Row: func(_ schema.Scope, row []byte) { fmt.Println(string(row)) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	results, err := runner.Once(context.Background())
	if err != nil {
		fmt.Println(err)
	}
	for _, r := range results {
		fmt.Println(r.Scope, r.Outcome, r.Rows)
	}
	// Output:
	// {"bucket_name":"logs","versioned":false}
	// {"bucket_name":"backups","versioned":true}
	// buckets/111122223333/global ok 2
}
