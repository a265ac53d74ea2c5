package simulate_test

import (
	"context"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/producers/simulate"
)

// counted counts what is put into the stream and the bucket, and keeps nothing.
type counted struct {
	archive.S3
	records, bytes, objects, stored int
}

func (c *counted) Publish(_ context.Context, messages []stream.Message) error {
	c.records += len(messages)
	for _, m := range messages {
		c.bytes += len(m.PartitionKey) + len(m.Data)
	}
	return nil
}

func (c *counted) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput,
	error) {
	n, err := io.Copy(io.Discard, in.Body)
	c.objects++
	c.stored += int(n)
	return &s3.PutObjectOutput{}, err
}

// TestUnchangedAccount: an account in which nothing has changed sends a small part of what
// it sent at first, the smaller the more rows it has, and stores no object. Findings, which
// are asked for what changed since, are left out.
func TestUnchangedAccount(t *testing.T) {
	first, second := collectTwice(t, simulate.Config{Accounts: 1})
	less := float64(first.bytes+first.stored) / float64(second.bytes+second.stored)
	t.Logf("at first %d records with %d bytes and %d objects with %d, then %d records with %d bytes and %d objects: "+
		"%.0f times fewer bytes", first.records, first.bytes, first.objects, first.stored, second.records, second.bytes,
		second.objects, less)
	if second.objects > 0 || less < 15 {
		t.Errorf("first %+v, then %+v: %.1f times fewer bytes", first, second, less)
	}
}

// collectTwice collects an account, and once more when nothing has changed.
func collectTwice(t *testing.T, cfg simulate.Config) (first, second counted) {
	t.Helper()
	w := world(t, cfg, 10)
	account := w.Accounts()[0].ID
	to := &counted{}
	bucket, err := archive.New(archive.Config{Client: to, Name: "bucket"})
	if err != nil {
		t.Fatal(err)
	}
	var chosen []collect.Any
	for _, c := range w.Collectors(account) {
		if c.Declaration().Incremental == nil {
			chosen = append(chosen, c)
		}
	}
	runner, err := collect.New(collect.Config{
		Account: account, Regions: w.Regions(), Collectors: chosen, Services: collectors.Services(),
		AWS:       func(region string) aws.Config { return aws.Config{Region: region} },
		Publisher: to, Archive: bucket, MaxConcurrentRuns: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, sent := range []*counted{&first, &second} {
		*to = counted{}
		results, err := runner.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if want := sent == &second; want != (r.Outcome == schema.Unchanged) {
				t.Errorf("%v: %s", r.Scope, r.Outcome)
			}
		}
		*sent = *to
	}
	return first, second
}
