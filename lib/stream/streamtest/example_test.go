package streamtest_test

import (
	"context"
	"fmt"

	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

// A Sink tells what a source does wrong.
func ExampleSink() {
	ctx := context.Background()
	sink := &streamtest.Sink{}
	session := sink.Open("shardId-000000000000", stream.Position{})
	if err := session.Deliver(ctx, []stream.Record{{Sequence: "10"}, {Sequence: "9"}}); err != nil {
		session.Abandon()
	}
	fmt.Println(sink.Err())
	// Output: shardId-000000000000: record 9 was delivered after 10
}
