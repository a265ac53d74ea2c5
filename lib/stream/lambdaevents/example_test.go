package lambdaevents_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/lambdaevents"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

// In a Lambda function main is lambda.Start(handler.Handle), and the Sink an
// ingest.Pipeline.
func Example() {
	sink := &streamtest.Sink{}
	handler := lambdaevents.Handler{Sink: func(_ context.Context, streamARN string) (stream.Sink, error) {
		fmt.Println("stream:", lambdaevents.StreamName(streamARN))
		return sink, nil
	}}
	answer, err := handler.Handle(context.Background(), events.KinesisEvent{Records: []events.KinesisEventRecord{{
		EventID:        "shardId-000000000000:1",
		EventSource:    "aws:kinesis",
		EventSourceArn: "arn:aws:kinesis:eu-central-1:111122223333:stream/events",
		Kinesis:        events.KinesisRecord{SequenceNumber: "1", PartitionKey: "a", Data: []byte("one")},
	}}})
	fmt.Println("to be delivered again:", answer.BatchItemFailures, err)
	fmt.Println("applied:", sink.Count())
	// Output:
	// stream: events
	// to be delivered again: [] <nil>
	// applied: 1
}
