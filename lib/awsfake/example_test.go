package awsfake_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/hubspoke/observability/lib/awsfake"
)

// A record is put into a stream and read again, although the first attempt to put it is throttled.
func Example() {
	server, err := awsfake.New(awsfake.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	throttle := server.Inject(awsfake.Fault{Operation: "kinesis:PutRecord", Effect: awsfake.Throttle, Times: 1})

	ctx := context.Background()
	client := kinesis.NewFromConfig(server.AWSConfig("111111111111", "eu-central-1"))
	stream := aws.String("events")
	if _, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: stream,
		ShardCount: aws.Int32(1)}); err != nil {
		log.Fatal(err)
	}
	put, err := client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: stream, PartitionKey: aws.String("key"),
		Data: []byte("hello")})
	if err != nil {
		log.Fatal(err)
	}
	iterator, err := client.GetShardIterator(ctx,
		&kinesis.GetShardIteratorInput{StreamName: stream, ShardId: put.ShardId,
			ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: iterator.ShardIterator})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, throttled %d time, put %d times\n", page.Records[0].Data, throttle.Count(),
		server.Calls("kinesis:PutRecord"))
	// Output: hello, throttled 1 time, put 2 times
}
