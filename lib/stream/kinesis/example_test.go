package kinesis_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/kinesis"
)

// The example runs against a stand-in for AWS; with the configuration of
// package awsconfig it runs against AWS.
func Example() {
	ctx := context.Background()
	server, err := awsfake.New(awsfake.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := awskinesis.NewFromConfig(server.AWSConfig("111122223333", "us-east-1"))
	if _, err := client.CreateStream(ctx, &awskinesis.CreateStreamInput{StreamName: aws.String("events"),
		ShardCount: aws.Int32(2)}); err != nil {
		log.Fatal(err)
	}

	publisher, err := kinesis.New(kinesis.Config{
		Client: client,
		Stream: "arn:aws:kinesis:us-east-1:111122223333:stream/events",
		Hooks: kinesis.Hooks{Called: func(c kinesis.Call) {
			fmt.Printf("%d records, %d bytes, %d failed\n", c.Records, c.Bytes, c.Failed)
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	messages := []stream.Message{
		{PartitionKey: "a", Data: []byte("one")},
		{PartitionKey: "b", Data: []byte("two")},
	}
	err = publisher.Publish(ctx, messages)
	if missing := (*stream.PublishError)(nil); errors.As(err, &missing) {
		fmt.Println("not stored:", missing.Failed)
	}
	// Output: 2 records, 8 bytes, 0 failed
}
