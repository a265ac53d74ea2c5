package kcl

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

// relist returns a client for the worker under test. Its lists of shards go through
// change.
func (s *stack) relist(change func(in *kinesis.ListShardsInput, out *kinesis.ListShardsOutput)) *kinesis.Client {
	return kinesis.NewFromConfig(s.aws.AWSConfig(account, region),
		kinesis.WithAPIOptions(func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("relist",
				func(ctx context.Context, in middleware.InitializeInput,
					next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
					list, ok := in.Parameters.(*kinesis.ListShardsInput)
					if !ok || aws.ToInt32(list.MaxResults) == 1 { // the look before the start
						return next.HandleInitialize(ctx, in)
					}
					asked := *list
					list.NextToken = nil
					list.StreamName = aws.String(events)
					out, md, err := next.HandleInitialize(ctx, in)
					if err == nil {
						change(&asked, out.Result.(*kinesis.ListShardsOutput))
					}
					return out, md, err
				}), middleware.Before)
		}))
}

func without(shards []types.Shard, id string) []types.Shard {
	return slices.DeleteFunc(shards, func(shard types.Shard) bool { return *shard.ShardId == id })
}

// One list that lacks a shard does not end it: neither one that waits for its parent,
// nor a parent that its child looks for.
func TestItem16_ShardThatIsNotListedOnce(t *testing.T) {
	for name, hidden := range map[string]string{"child": shard1, "parent": shard0} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, 1, awsfake.Config{})
			gate := make(chan struct{})
			sink := &streamtest.Sink{Parents: s.parents,
				BeforeDeliver: func(ctx context.Context, shard string, records []stream.Record) error {
					if shard == shard0 && len(records) > 0 {
						return await(ctx, gate)
					}
					return nil
				}}
			s.put(shard0, "p")
			s.split(shard0)
			s.put(shard1, "a", "b")
			s.put(shard2, "c")
			var lists, hide atomic.Int32 // hide is the number of the list to change
			if name == "parent" {
				hide.Store(1) // before anybody has the parent
			}
			cfg := s.config()
			cfg.Kinesis = s.relist(func(_ *kinesis.ListShardsInput, out *kinesis.ListShardsOutput) {
				if lists.Add(1) == hide.Load() {
					out.Shards = without(out.Shards, hidden)
				}
			})
			s.start(cfg, sink)
			s.until(sink, "the parent is read", func() bool { return sink.Opened(shard0) == 1 })
			if name == "child" {
				hide.Store(lists.Load() + 2)
			}
			s.poll("passes", func() bool { return lists.Load() > hide.Load()+5 })
			close(gate)
			s.until(sink, "all records", func() bool { return texts(sink, shard1) == "a b" && texts(sink, shard2) == "c" })
			equal(t, "the parent", texts(sink, shard0), "p")
			equal(t, "gaps", len(sink.Gaps(shard0))+len(sink.Gaps(shard1)), 0)
		})
	}
}

// A list of several pages is one list.
func TestListOfTwoPages(t *testing.T) {
	s, sink := newStack(t, 2, awsfake.Config{}), &streamtest.Sink{}
	s.put(shard0, "a")
	s.put(shard1, "b")
	cfg := s.config()
	cfg.Kinesis = s.relist(func(in *kinesis.ListShardsInput, out *kinesis.ListShardsOutput) {
		if in.NextToken == nil {
			out.Shards, out.NextToken = without(out.Shards, shard1), aws.String("page 2")
			return
		}
		if *in.NextToken != "page 2" || in.StreamName != nil {
			t.Errorf("the second page is asked for with %+v", in)
		}
		out.Shards = without(out.Shards, shard0)
	})
	s.start(cfg, sink)
	s.until(sink, "both shards", func() bool { return texts(sink, shard0) == "a" && texts(sink, shard1) == "b" })
}
