package kcl

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

func TestLeaseTableBelongsToOneStreamOnAWSFake(t *testing.T) {
	t.Parallel()
	server := must(awsfake.New(awsfake.Config{}))
	t.Cleanup(func() { server.Close() })
	cfg := server.AWSConfig(account, region)
	testLeaseTableBelongsToOneStream(t, cfg, cfg)
}

func TestLeaseTableBelongsToOneStreamOnEmulators(t *testing.T) {
	t.Parallel()
	testLeaseTableBelongsToOneStream(t,
		emulator(t, "kinesalite", `{createStreamMs: 10, deleteStreamMs: 10}`), emulator(t, "dynalite", `{createTableMs: 10}`))
}

func testLeaseTableBelongsToOneStream(t *testing.T, streams, tables aws.Config) {
	first, second := newSubject(t, streams, tables, 1), newSubject(t, streams, tables, 1)
	second.app = first.app
	worker := func(s *subject) *Worker {
		return must(New(Config{
			LeaseTable: s.app, Stream: s.name, Kinesis: kinesis.NewFromConfig(s.streams),
			DynamoDB: dynamodb.NewFromConfig(s.tables),
		}, &streamtest.Sink{}))
	}
	// A table that was in use before tables belonged to streams is taken as it is.
	leases := &table{dynamodb.NewFromConfig(tables), first.app, subjectLease, subjectLease}
	if err := leases.take(t.Context(), shard0, "old", claim{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := worker(first).bind(t.Context()); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), subjectLease)
	defer cancel()
	var other *OtherStreamError
	if err := worker(second).Run(ctx); !errors.As(err, &other) {
		t.Fatalf("the other stream: %v", err)
	}
	equal(t, "table", other.Table, first.app)
	about := must(first.kinesis.DescribeStreamSummary(t.Context(),
		&kinesis.DescribeStreamSummaryInput{StreamName: &first.name}))
	equal(t, "stream", other.Stream, aws.ToString(about.StreamDescriptionSummary.StreamARN))
	equal(t, "leases", len(must(leases.claims(t.Context()))), 1)

	// A stream that is made again is the same to its lease table.
	must(first.kinesis.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: &first.name}))
	first.gone(t)
	must(first.kinesis.CreateStream(t.Context(),
		&kinesis.CreateStreamInput{StreamName: &first.name, ShardCount: aws.Int32(1)}))
	first.active(t)
	if err := worker(first).bind(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestShardsThatHaveNotEndedAreCounted(t *testing.T) {
	s, sink := newStack(t, 2, awsfake.Config{}), &streamtest.Sink{}
	var open atomic.Int32
	cfg := s.config()
	cfg.Hooks.ShardsListed = func(n int) { open.Store(int32(n)) }
	s.start(cfg, sink)
	s.poll("two shards", func() bool { return open.Load() == 2 })
	s.split(shard0)
	s.until(sink, "the end of the parent", func() bool { return sink.Ended(shard0) })
	s.poll("three shards", func() bool { return open.Load() == 3 })
}

// gone waits until the stream is deleted.
func (s *subject) gone(t *testing.T) {
	waiter := kinesis.NewStreamNotExistsWaiter(s.kinesis,
		func(o *kinesis.StreamNotExistsWaiterOptions) { o.MinDelay, o.MaxDelay = mostWait/1000, mostWait/100 })
	if err := waiter.Wait(context.WithoutCancel(t.Context()), &kinesis.DescribeStreamInput{StreamName: &s.name},
		6*mostWait); err != nil {
		t.Fatal(err)
	}
}
