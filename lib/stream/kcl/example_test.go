package kcl_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream/kcl"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

// A worker reads a stream until it is told to stop. Instead of awsfake and
// streamtest's Sink there would be AWS and an ingest.Pipeline.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	server, err := awsfake.New(awsfake.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	cfg := server.AWSConfig("111111111111", "eu-central-1")
	stream, table := kinesis.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg)

	if _, err := stream.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("events"),
		ShardCount: aws.Int32(1)}); err != nil {
		log.Fatal(err)
	}
	if err := kcl.CreateLeaseTable(ctx, table, "hub"); err != nil { // in AWS the template does
		log.Fatal(err)
	}
	if _, err := stream.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String("events"),
		PartitionKey: aws.String("key"), Data: []byte("hello")}); err != nil {
		log.Fatal(err)
	}

	sink := &streamtest.Sink{}
	worker, err := kcl.New(kcl.Config{LeaseTable: "hub", Stream: "events", Kinesis: stream, DynamoDB: table}, sink)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		defer stop()
		_ = sink.Wait(ctx, func() bool { return sink.Count() == 1 })
	}()
	if err := worker.Run(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", sink.Applied("shardId-000000000000")[0].Data)
	// Output: hello
}
