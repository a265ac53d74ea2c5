package main

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The second run does not name the cellar's lamp, and its first attempt is
// throttled: the library sees to both.
func TestLamps(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	fake, err := awsfake.New(awsfake.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	cfg := fake.AWSConfig(account, region)
	if err := createStream(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	pool, err := connect(ctx, pgtest.New(t, pgtest.Template{Name: "lamps", Migrate: migrate}).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()

	if err := publish(ctx, cfg, stream, account, []Lamp{{ID: "hall", Watts: aws.Int64(60)}, {ID: "cellar"}}); err != nil {
		t.Fatal(err)
	}
	throttle := fake.Inject(awsfake.Fault{Operation: "kinesis:PutRecords", Effect: awsfake.Throttle, Times: 1})
	if err := publish(ctx, cfg, stream, account, []Lamp{{ID: "hall", Watts: aws.Int64(40)}}); err != nil {
		t.Fatal(err)
	}
	if throttle.Count() != 1 {
		t.Errorf("throttled %d times, want 1", throttle.Count())
	}

	var runs int64
	loader, err := load.New(pool, load.Config{Tables: []*schema.Table{Lamps.Table}})
	if err != nil {
		t.Fatal(err)
	}
	err = consume(ctx, cfg, stream, loader, func(r load.Result) {
		if runs += r.Categories["lamps"].Completed; runs == 2 {
			stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{fmt.Sprintf("%s in %s: lamp hall takes 40 W", account, region)}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func Example() {
	if err := run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 111122223333 in eu-central-1: lamp cellar takes ? W
	// 111122223333 in eu-central-1: lamp hall takes 60 W
}
