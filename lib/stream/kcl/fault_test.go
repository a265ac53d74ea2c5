package kcl

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/awslabs/kinesis-aggregation/go/v2/deaggregator"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

// Three workers read a stream that is split and merged, while a fifth of all calls
// fails in every way there is, one worker is killed and one is stopped: every
// record is applied once and in order, and no child before its parents.
func TestFaults(t *testing.T) {
	for seed := range int64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			clock := &clock{}
			server := must(awsfake.New(awsfake.Config{Seed: seed, Now: clock.now}))
			t.Cleanup(func() { server.Close() })
			cfg := server.AWSConfig(account, region)
			s := newSubject(t, cfg, cfg, 4)

			ofWorker := func(c awsfake.Call) bool { // and not of this test
				return c.Operation != "kinesis:ListShards" || bytes.Contains(c.Body, []byte("MaxResults"))
			}
			var injected []*awsfake.Injection
			for _, operation := range []string{"kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards",
				"dynamodb:UpdateItem", "dynamodb:Scan"} {
				for _, effect := range []awsfake.Effect{awsfake.Throttle, awsfake.ServerError, awsfake.Reset, awsfake.LostAnswer} {
					injected = append(injected, server.Inject(awsfake.Fault{Operation: operation, Effect: effect, Probability: 0.05,
						After: 10, When: ofWorker}))
				}
			}
			injected = append(injected,
				server.Inject(awsfake.Fault{Operation: "kinesis:GetRecords", Effect: awsfake.EmptyPage, Probability: 0.05}),
				server.Inject(awsfake.Fault{Operation: "kinesis:GetRecords", Effect: awsfake.ExpiredIterator, Probability: 0.05}))

			sink := &streamtest.Sink{Hold: 20, Parents: func(shard string) []string { return s.Parents(t, shard) }}
			put := func(n int) {
				client := kinesis.NewFromConfig(cfg)
				for i := range n {
					must(client.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: &s.name,
						PartitionKey: ptr(fmt.Sprint("key", i)), Data: []byte("x")}))
				}
			}
			workers := []streamtest.Worker{s.start(t, sink), s.start(t, sink), s.start(t, sink)}
			put(500)
			s.Split(t, s.Shards(t)[0])
			put(300)
			workers[0].Kill()
			s.Merge(t, s.Shards(t)[0], s.Shards(t)[1])
			put(300)
			if err := workers[1].Stop(); err != nil {
				t.Error(err)
			}
			put(100)

			all := func() bool {
				n := 0
				for _, shard := range sink.Shards() {
					n += len(sink.Applied(shard)) + len(sink.Held(shard))
				}
				return n == 1200
			}
			ctx, cancel := withTimeout(t)
			defer cancel()
			if err := sink.Wait(ctx, all); err != nil {
				t.Fatalf("%v; %d applied of %d delivered", err, sink.Count(), sink.Delivered())
			}
			if err := workers[2].Stop(); err != nil {
				t.Error(err)
			}
			happened := 0
			for _, i := range injected {
				happened += i.Count()
				i.Remove()
			}
			if happened < 20 {
				t.Errorf("only %d faults happened", happened)
			}
			// What the last worker held it may have lost with a lease at the end.
			after := s.start(t, sink)
			if err := sink.Wait(ctx, all); err != nil {
				t.Fatal(err)
			}
			if err := after.Stop(); err != nil {
				t.Error(err)
			}
			equal(t, "applied", sink.Count(), 1200)
			if err := sink.Err(); err != nil {
				t.Error(err)
			}
			for _, shard := range sink.Shards() {
				equal(t, "gaps of "+shard, len(sink.Gaps(shard)), 0)
			}
		})
	}
}

// Whatever the data of a record are, the library passes it on as it was.
func FuzzHide(f *testing.F) {
	f.Add([]byte("good"), "")
	f.Add([]byte(magic), "KMS")
	f.Add([]byte(aggregated(0)), "NONE")
	f.Add([]byte(aggregated(7)), hidden)
	f.Add([]byte(aggregate([]byte("\xff"))), "")
	f.Fuzz(func(t *testing.T, data []byte, encryption string) {
		want := bytes.Clone(data)
		record := types.Record{Data: data, EncryptionType: types.EncryptionType(encryption)}
		if len(encryption) >= len(hidden) && encryption[:len(hidden)] == hidden {
			return // no such encryption type
		}
		hide(&record)
		seen, err := deaggregator.DeaggregateRecords([]types.Record{record})
		if err != nil || len(seen) != 1 {
			t.Fatalf("the library made %d records of one: %v", len(seen), err)
		}
		if got := unhide(&seen[0]); !bytes.Equal(got, want) || string(seen[0].EncryptionType) != encryption {
			t.Errorf("got %q %q, want %q %q", got, seen[0].EncryptionType, want, encryption)
		}
	})
}
