package main

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
)

// deployed returns a stack without programs and with an empty database.
func deployed(t *testing.T) *stack {
	t.Helper()
	db := pgtest.New(t, hubtest.Tables)
	server, err := awsfake.New(awsfake.Config{Region: region})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	s := &stack{out: t.Output(), aws: server, url: db.URL, db: db.Pool}
	if err := s.deploy(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stack) put(t *testing.T, n int) {
	t.Helper()
	spoke := kinesis.NewFromConfig(s.aws.AWSConfig(spokeAccount, region))
	for i := range n {
		_, err := spoke.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamARN: &streamARN,
			PartitionKey: aws.String(strings.Repeat("k", i+1)), Data: []byte("x")})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// apply moves the progress of every shard to its last record, and marks closed
// shards as ended.
func (s *stack) apply(t *testing.T) {
	t.Helper()
	records, err := s.aws.Records(streamARN)
	if err != nil {
		t.Fatal(err)
	}
	all, err := listShards(t.Context(), s.kinesis)
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range all {
		last, arrived := "-1", (*time.Time)(nil)
		for _, r := range records {
			if r.Shard == *shard.ShardId {
				last, arrived = r.SequenceNumber, &r.Arrived
			}
		}
		_, err := s.db.Exec(t.Context(), `
			INSERT INTO hub.shard_progress (stream, stream_created_at, shard, sequence_number, ended, arrived_at)
			VALUES ($1, 'epoch', $2, $3::text::numeric, $4, $5)
			ON CONFLICT (stream, stream_created_at, shard) DO UPDATE SET sequence_number = excluded.sequence_number,
				ended = excluded.ended, arrived_at = excluded.arrived_at`,
			streamARN, *shard.ShardId, last, shard.SequenceNumberRange.EndingSequenceNumber != nil, arrived)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (s *stack) behind(t *testing.T) string {
	t.Helper()
	at, err := positions(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	shard, err := shardBehind(t.Context(), s.kinesis, at)
	if err != nil {
		t.Fatal(err)
	}
	return shard
}

func TestDrainedMeansThatEveryRecordIsApplied(t *testing.T) {
	s := deployed(t)
	if shard := s.behind(t); shard != "" {
		t.Errorf("an empty stream is behind in %s", shard)
	}
	s.put(t, 20)
	if s.behind(t) == "" {
		t.Error("20 records that nobody applied, and no shard is behind")
	}
	s.apply(t)
	if shard := s.behind(t); shard != "" {
		t.Errorf("all records are applied, and %s is behind", shard)
	}
	s.put(t, 1)
	if s.behind(t) == "" {
		t.Error("one record more, and no shard is behind")
	}
	// Records in shards that were closed count too.
	var c chaos
	for range 10 {
		if err := c.reshard(t.Context(), s.kinesis); err != nil {
			t.Fatal(err)
		}
	}
	if s.behind(t) == "" {
		t.Error("the shards were changed, and no shard is behind")
	}
	s.put(t, 20)
	s.apply(t)
	if shard := s.behind(t); shard != "" {
		t.Errorf("all records are applied, and %s is behind", shard)
	}
	if err := drained(t.Context(), s.kinesis, s.db, nil); err != nil {
		t.Error(err)
	}
}

func TestWaitingEndsWhenTheConsumerDoes(t *testing.T) {
	s := deployed(t)
	s.put(t, 1)
	failed := make(chan error, 1)
	failed <- context.DeadlineExceeded
	if err := drained(t.Context(), s.kinesis, s.db, failed); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(context.DeadlineExceeded)
	if err := drained(ctx, s.kinesis, s.db, nil); err == nil {
		t.Error("no error")
	}
}

func TestShardsAreSplitAndMergedAgainAndAgain(t *testing.T) {
	s := deployed(t)
	var c chaos
	for range 60 {
		if err := c.reshard(t.Context(), s.kinesis); err != nil {
			t.Fatal(err)
		}
		all, err := listShards(t.Context(), s.kinesis)
		if err != nil {
			t.Fatal(err)
		}
		open, covered := 0, new(big.Int)
		for _, shard := range all {
			if shard.SequenceNumberRange.EndingSequenceNumber == nil {
				open++
				from, to := hashKey(shard.HashKeyRange.StartingHashKey), hashKey(shard.HashKeyRange.EndingHashKey)
				covered.Add(covered, to.Sub(to, from).Add(to, big.NewInt(1)))
			}
		}
		if open < fewestShards || open > mostShards {
			t.Fatalf("%d open shards", open)
		}
		if covered.Cmp(new(big.Int).Lsh(big.NewInt(1), 128)) != 0 {
			t.Fatalf("the open shards cover %d hash keys", covered)
		}
	}
	if c.splits == 0 || c.merges == 0 || c.splits+c.merges != 60 {
		t.Errorf("%d splits and %d merges of 60", c.splits, c.merges)
	}
}

func TestMemoryIsFreedOfWhatIsAppliedOnly(t *testing.T) {
	s := deployed(t)
	s.put(t, 40)
	count := func() int {
		t.Helper()
		records, err := s.aws.Records(streamARN)
		if err != nil {
			t.Fatal(err)
		}
		return len(records)
	}
	trim := func() {
		t.Helper()
		if err := s.trimStream(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if trim(); count() != 40 {
		t.Errorf("of 40 records that are not applied %d are left", count())
	}
	s.apply(t)
	s.put(t, 40)
	if trim(); count() < 40 || count() == 80 {
		t.Errorf("of 80 records, 40 of them applied, %d are left", count())
	}

	client := awsconfig.S3(s.aws.AWSConfig(hubAccount, region))
	now := time.Now()
	for i, at := range []time.Time{now.Add(-time.Hour), now} {
		run := schema.NewRunID(at).String()
		for _, name := range []string{run + "-0.parquet", "_" + run + ".manifest.json", "notes" + string(rune('0'+i))} {
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket),
				Key: aws.String("data/" + name), Body: strings.NewReader("x")})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.trimArchive(t.Context(), now.Add(-time.Minute), 1<<20); err != nil {
		t.Fatal(err)
	}
	list, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Contents) != 4 {
		t.Errorf("%d objects are left, want the two of the new run and the two that are no run", len(list.Contents))
	}
}

// TestMemoryIsBounded: the oldest records and objects go, applied or not.
func TestMemoryIsBounded(t *testing.T) {
	s := deployed(t)
	s.put(t, 40)
	before, err := s.aws.Records(streamARN)
	if err != nil {
		t.Fatal(err)
	}
	newest, size := map[string]string{}, len(before[0].Data)
	for _, r := range before {
		newest[r.Shard], size = r.SequenceNumber, max(size, len(r.Data))
	}
	if err := s.boundStream(size); err != nil {
		t.Fatal(err)
	}
	after, err := s.aws.Records(streamARN)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range after {
		if i == len(after)-1 || after[i+1].Shard != r.Shard { // the last one of its shard
			if r.SequenceNumber != newest[r.Shard] {
				t.Errorf("shard %s lost its newest record", r.Shard)
			}
			delete(newest, r.Shard)
		}
	}
	if len(newest) > 0 || len(after) >= len(before) {
		t.Errorf("of %d records %d are left, none in %v", len(before), len(after), newest)
	}

	client := awsconfig.S3(s.aws.AWSConfig(hubAccount, region))
	now := time.Now()
	var want []string
	for i := range 10 {
		key := "data/" + schema.NewRunID(now.Add(time.Duration(i)*time.Second)).String() + "-0.parquet"
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key,
			Body: strings.NewReader("0123456789")})
		if err != nil {
			t.Fatal(err)
		}
		if i >= 7 {
			want = append(want, key)
		}
	}
	if err := s.trimArchive(t.Context(), now.Add(-time.Hour), 39); err != nil {
		t.Fatal(err)
	}
	list, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, object := range list.Contents {
		got = append(got, *object.Key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
}
