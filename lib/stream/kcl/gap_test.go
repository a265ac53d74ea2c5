package kcl

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

// applied starts a worker, waits until it applied a record, and stops it.
func (s *stack) applied(sink *streamtest.Sink, data string) {
	s.Helper()
	s.put(shard0, data)
	r := s.start(s.config(), sink)
	s.until(sink, data, func() bool { return texts(sink, shard0) == data })
	r.stop()
}

// trim drops all records of a shard before the n-th.
func (s *stack) trim(n int) {
	s.Helper()
	before := ""
	if all := must(s.aws.Records(s.arn)); n < len(all) {
		before = all[n].SequenceNumber
	}
	must(s.aws.Trim(s.arn, shard0, before))
}

func TestGap(t *testing.T) {
	for name, test := range map[string]struct {
		trim   int
		closed bool
		want   string
		gap    bool
	}{
		"nothing trimmed":                 {0, false, "a b c", false},
		"the position":                    {1, false, "a b c", true}, // may be empty, and here is
		"records behind the position":     {2, false, "a c", true},
		"all records of an ended shard":   {3, true, "a", true},
		"the tail of a shard, still open": {3, false, "a", false}, // not to be seen before the next record
	} {
		t.Run(name, func(t *testing.T) {
			s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
			s.applied(sink, "a")
			s.put(shard0, "b", "c")
			records := must(s.aws.Records(s.arn))
			s.trim(test.trim)
			if test.closed {
				s.split(shard0)
			}
			reads := s.aws.Calls("kinesis:GetRecords")
			s.start(s.config(), sink)
			s.until(sink, "records", func() bool { return texts(sink, shard0) == test.want })
			s.poll("reads", func() bool { return test.closed || s.aws.Calls("kinesis:GetRecords") > reads+2 })
			if test.closed {
				s.until(sink, "end", func() bool { return sink.Ended(shard0) })
			}
			gaps := sink.Gaps(shard0)
			if !test.gap {
				equal(t, "gaps", len(gaps), 0)
				return
			}
			if len(gaps) != 1 {
				t.Fatalf("gaps %+v", gaps)
			}
			equal(t, "after", gaps[0].After, records[0].SequenceNumber)
			until := ""
			if test.trim < len(records) {
				until = records[test.trim].SequenceNumber
			}
			equal(t, "until", gaps[0].Until, until)
		})
	}
}

// A gap that could not be recorded holds up the records behind it.
func TestGapComesBeforeTheRecordsBehindIt(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	s.applied(sink, "a")
	s.put(shard0, "b", "c")
	s.trim(2)
	var tries atomic.Int32
	worker := must(New(s.config(), &failingGap{sink, func() error {
		if tries.Add(1) <= 2 {
			return errors.New("database is away")
		}
		equal(t, "applied before the gap", texts(sink, shard0), "a")
		return nil
	}}))
	s.run(worker)
	s.until(sink, "c", func() bool { return texts(sink, shard0) == "a c" })
	equal(t, "tries", tries.Load(), 3)
}

type failingGap struct {
	*streamtest.Sink
	before func() error
}

func (f *failingGap) Gap(ctx context.Context, shard string, gap stream.Gap) error {
	if err := f.before(); err != nil {
		return err
	}
	return f.Sink.Gap(ctx, shard, gap)
}

// A position that Kinesis refuses is read from the oldest record.
func TestGapAfterARefusedPosition(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	sink := &preset{Sink: &streamtest.Sink{}, at: "1"}
	s.put(shard0, "b")
	s.run(must(New(s.config(), sink)))
	s.poll("gap", func() bool { return len(sink.Gaps(shard0)) == 1 })
	contains(t, errors.New(sink.Gaps(shard0)[0].Reason), "did not come from this stream")
	equal(t, "until", sink.Gaps(shard0)[0].Until, must(s.aws.Records(s.arn))[0].SequenceNumber)
}

// preset is a Sink with all shards at one position.
type preset struct {
	*streamtest.Sink
	at string
}

func (p *preset) Progress(context.Context, string) (stream.Position, error) {
	return stream.Position{Sequence: p.at}, nil
}

// A position of another stream that is behind this one's records must not make
// them be passed over.
func TestForeignPositionIsAnError(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	sink := &preset{Sink: &streamtest.Sink{}, at: "99999999999999999999999999999999999999999999999999999999999"}
	s.put(shard0, "a")
	ended := make(chan error, 100)
	cfg := s.config()
	cfg.Hooks.LeaseEnded = func(_ string, err error) { ended <- err }
	s.run(must(New(cfg, sink)))
	contains(t, <-ended, "is none of shard "+shard0)
	equal(t, "delivered", sink.Delivered(), 0)
}

// Reads from a position that was trimmed may find nothing and not come nearer.
func TestReadsThatFindNothingForEver(t *testing.T) {
	clock := &clock{}
	s := newStack(t, 1, awsfake.Config{Now: clock.now})
	s.put(shard0, "a")
	a := must(s.aws.Records(s.arn))[0].SequenceNumber
	clock.advance(25 * time.Hour)
	s.put(shard0, "b")
	var gaps []stream.Gap
	c := &cursor{
		client: kinesis.NewFromConfig(s.aws.AWSConfig(account, region), withAnswers(&stuckAt{})),
		shard:  shard0, name: aws.String(events), call: time.Second, after: a,
		gap: func(_ context.Context, gap stream.Gap) error { gaps = append(gaps, gap); return nil },
	}
	if err := c.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := must(c.next(t.Context(), nil))
	equal(t, "records of the first read", len(out.Records), 0)
	out = must(c.next(t.Context(), nil))
	equal(t, "record of the second read", string(out.Records[0].Data), "b")
	equal(t, "gaps", len(gaps), 1)
	equal(t, "gap", gaps[0].After, a)
}

// While the position is in the stream, reading from the oldest record again
// passes over what was read before, and is no gap.
func TestFromTheOldestRecordToThePosition(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	s.put(shard0, "a", "b", "c")
	c := &cursor{
		client: s.kinesis, shard: shard0, name: aws.String(events), call: time.Second,
		after: must(s.aws.Records(s.arn))[1].SequenceNumber,
		gap:   func(context.Context, stream.Gap) error { t.Error("gap"); return nil },
	}
	if err := c.openHorizon(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	limit := int32(1)
	var got []string
	for range 3 {
		for _, record := range must(c.next(t.Context(), &limit)).Records {
			got = append(got, string(record.Data))
		}
	}
	if len(got) != 1 || got[0] != "c" {
		t.Errorf("got %q", got)
	}
}

// An iterator that expires in a shard that was read to its end is no sign of a gap,
// although the last record is long trimmed.
func TestNoGapWhenTheShardWasReadToItsEnd(t *testing.T) {
	clock := &clock{}
	s, sink := newStack(t, 1, awsfake.Config{Now: clock.now}), &streamtest.Sink{}
	s.put(shard0, "a")
	s.start(s.config(), sink)
	s.until(sink, "a", func() bool { return texts(sink, shard0) == "a" })
	reads := s.aws.Calls("kinesis:GetRecords")
	s.poll("reads", func() bool { return s.aws.Calls("kinesis:GetRecords") > reads+2 })
	clock.advance(25 * time.Hour) // a is trimmed, and the iterator expires
	s.put(shard0, "b")
	s.until(sink, "b", func() bool { return texts(sink, shard0) == "a b" })
	equal(t, "gaps", len(sink.Gaps(shard0)), 0)
	equal(t, "sessions", sink.Opened(shard0), 1)
}

// stuckAt answers the first read from an iterator AT a sequence number with
// nothing, as far behind as the stream goes back.
type stuckAt struct{ at atomic.Bool }

func withAnswers(a *stuckAt) func(*kinesis.Options) {
	return kinesis.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("stuck", a.answer), middleware.Before)
	})
}

func (a *stuckAt) answer(ctx context.Context, in middleware.InitializeInput,
	next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	switch in := in.Parameters.(type) {
	case *kinesis.GetShardIteratorInput:
		a.at.Store(in.ShardIteratorType == types.ShardIteratorTypeAtSequenceNumber)
	case *kinesis.GetRecordsInput:
		if a.at.Load() {
			return middleware.InitializeOutput{Result: &kinesis.GetRecordsOutput{
				NextShardIterator: in.ShardIterator, MillisBehindLatest: aws.Int64((24 * time.Hour).Milliseconds()),
			}}, middleware.Metadata{}, nil
		}
	}
	return next.HandleInitialize(ctx, in)
}

// The position that a gap begins at is the Sink's of now, and not one that was
// known from before.
func TestGapOfAVanishedShardBeginsAtTheFreshPosition(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	s.applied(sink, "a")
	cfg := s.config()
	cfg.ShardSyncInterval = time.Hour // as long as positions are believed
	r := must(New(cfg, sink)).newRun(t.Context())
	r.progress.store(shard0, stream.Position{})
	if err := r.closeGap(shard0, true); err != nil {
		t.Fatal(err)
	}
	equal(t, "gaps", len(sink.Gaps(shard0)), 1)
	equal(t, "after", sink.Gaps(shard0)[0].After, sink.Applied(shard0)[0].Sequence)
	equal(t, "ended", sink.Ended(shard0), true)
}

// What a program keeps of a shard, such as its metrics, can go with it.
func TestShardThatIsGoneIsTold(t *testing.T) {
	clock := &clock{}
	s, sink := newStack(t, 1, awsfake.Config{Now: clock.now}), &streamtest.Sink{}
	gone := make(chan string, 10)
	cfg := s.config()
	cfg.Hooks.ShardGone = func(shard string) { gone <- shard }
	s.start(cfg, sink)
	s.split(shard0)
	s.until(sink, "the end of the parent", func() bool { return sink.Ended(shard0) })
	clock.advance(25 * time.Hour)
	select {
	case shard := <-gone:
		equal(t, "gone", shard, shard0)
	case <-time.After(time.Minute):
		t.Error("nothing is told")
	}
}

// A shard that vanished and was never read is a gap if it was seen, and nothing to
// tell of if it was not.
func TestGapOfAShardThatWasNeverRead(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	r := must(New(s.config(), sink)).newRun(t.Context())
	if err := r.closeGap(shard0, false); err != nil {
		t.Fatal(err)
	}
	equal(t, "gaps of a shard that nobody saw", len(sink.Gaps(shard0)), 0)
	if err := r.closeGap(shard0, true); err != nil {
		t.Fatal(err)
	}
	equal(t, "gaps of a shard that was seen", len(sink.Gaps(shard0)), 1)
	equal(t, "after", sink.Gaps(shard0)[0].After, "")
	equal(t, "ended", sink.Ended(shard0), true)
}
