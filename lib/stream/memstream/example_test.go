package memstream_test

import (
	"context"
	"fmt"

	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/memstream"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

// A stream in memory drives any [stream.Sink]; here it is one that keeps what it
// is given.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	s := memstream.New(2)
	s.Inject(memstream.Faults{Seed: 1, Duplicate: 0.5, Abandon: 0.5, MaxBatch: 2})

	sink := &streamtest.Sink{}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, sink) }()

	err := s.Publisher().Publish(ctx, []stream.Message{
		{PartitionKey: "a", Data: []byte("one")},
		{PartitionKey: "b", Data: []byte("two")},
		{PartitionKey: "c", Data: []byte("three")},
	})
	if err != nil {
		fmt.Println(err)
	}
	want := 3 + s.Injected().Duplicate
	if err := sink.Wait(ctx, func() bool { return sink.Count() == want }); err != nil {
		fmt.Println(err)
	}
	stop()
	fmt.Println("run:", <-done)
	fmt.Println("breaches of the contract:", sink.Err())
	// Output:
	// run: <nil>
	// breaches of the contract: <nil>
}
