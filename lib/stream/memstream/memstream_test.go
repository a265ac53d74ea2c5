package memstream_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/memstream"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

// messages makes messages with the data from to to-1.
func messages(from, to int) []stream.Message {
	var out []stream.Message
	for i := from; i < to; i++ {
		out = append(out, stream.Message{PartitionKey: fmt.Sprintf("key-%d", i%16), Data: fmt.Append(nil, i)})
	}
	return out
}

// publish fails the test when a message is not stored.
func publish(t *testing.T, s *memstream.Stream, from, to int) {
	t.Helper()
	if err := s.Publisher().Publish(t.Context(), messages(from, to)); err != nil {
		t.Fatal(err)
	}
}

// wait waits for a condition of the sink.
func wait(t *testing.T, sink *streamtest.Sink, until func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := sink.Wait(ctx, until); err != nil {
		t.Fatalf("%v: %d records applied", err, sink.Count())
	}
}

// applied counts how often each datum was applied.
func applied(sink *streamtest.Sink) map[string]int {
	out := map[string]int{}
	for _, shard := range sink.Shards() {
		for _, r := range sink.Applied(shard) {
			out[string(r.Data)]++
		}
	}
	return out
}

// TestSeededFaults lets everything go wrong and compares the sink with what the
// publisher was told.
func TestSeededFaults(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			s := memstream.New(3)
			s.Inject(memstream.Faults{
				Seed: seed, Duplicate: 0.05, Refuse: 0.05, LoseAnswer: 0.1,
				Abandon: 0.1, Empty: 0.2, MaxBatch: 20,
			})
			sink := &streamtest.Sink{Hold: 8}
			w := start(t, s, sink)
			stored := map[string]bool{} // false: not known
			for i := 0; i < 2000; i += 20 {
				batch := messages(i, i+20)
				var missing *stream.PublishError
				if err := s.Publisher().Publish(t.Context(), batch); err != nil && !errors.As(err, &missing) {
					t.Fatal(err)
				}
				for j, m := range batch {
					stored[string(m.Data)] = missing == nil || !slices.Contains(missing.Failed, j)
				}
				synctest.Wait()
			}
			if err := w.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := sink.Err(); err != nil {
				t.Fatal(err)
			}
			got := applied(sink)
			for datum, known := range stored {
				if known && got[datum] == 0 {
					t.Errorf("seed %d: %s was stored and not applied", seed, datum)
				}
			}
			injected := reflect.ValueOf(s.Injected())
			for i := range injected.NumField() {
				if injected.Field(i).Int() == 0 {
					t.Errorf("seed %d: the fault %s never happened", seed, injected.Type().Field(i).Name)
				}
			}
			if sink.Delivered() == sink.Count() {
				t.Errorf("seed %d: no record was delivered twice", seed)
			}
		})
	}
}

func TestASeedGivesTheSameFaultsAgain(t *testing.T) {
	run := func(seed uint64) (counts memstream.Injected, failed []int) {
		s := memstream.New(1)
		s.Inject(memstream.Faults{Seed: seed, Duplicate: 0.3, Refuse: 0.3})
		var missing *stream.PublishError
		if errors.As(s.Publisher().Publish(t.Context(), messages(0, 100)), &missing) {
			failed = missing.Failed
		}
		return s.Injected(), failed
	}
	first, firstFailed := run(7)
	again, againFailed := run(7)
	if first != again || !slices.Equal(firstFailed, againFailed) {
		t.Errorf("seed 7 gave %+v %v, then %+v %v", first, firstFailed, again, againFailed)
	}
	if _, other := run(8); slices.Equal(firstFailed, other) {
		t.Error("seeds 7 and 8 refuse the same messages")
	}
}

func TestRefuseNext(t *testing.T) {
	s := memstream.New(1)
	boom := errors.New("boom")
	s.RefuseNext(nil, boom, nil, boom)
	err := s.Publisher().Publish(t.Context(), messages(0, 5))
	var missing *stream.PublishError
	if !errors.As(err, &missing) || !slices.Equal(missing.Failed, []int{1, 3}) || !errors.Is(err, boom) {
		t.Errorf("Publish returned %v", err)
	}
	if n := len(s.Records("shardId-000000000000")); n != 3 {
		t.Errorf("%d messages are stored, not 3", n)
	}
}

func TestALostAnswerHidesStoredMessages(t *testing.T) {
	s := memstream.New(1)
	s.Inject(memstream.Faults{LoseAnswer: 1})
	err := s.Publisher().Publish(t.Context(), messages(0, 2))
	var missing *stream.PublishError
	if !errors.As(err, &missing) || !slices.Equal(missing.Failed, []int{0, 1}) ||
		!errors.Is(err, memstream.ErrAnswerLost) {
		t.Errorf("Publish returned %v", err)
	}
	if n := len(s.Records("shardId-000000000000")); n != 2 {
		t.Errorf("%d messages are stored, not 2", n)
	}
}

func TestPartitionKeysAreChecked(t *testing.T) {
	s := memstream.New(1)
	err := s.Publisher().Publish(t.Context(), []stream.Message{{PartitionKey: "a"}, {}})
	var missing *stream.PublishError
	if !errors.As(err, &missing) || !slices.Equal(missing.Failed, []int{0, 1}) {
		t.Errorf("Publish returned %v", err)
	}
}

// TestLoseLease takes a shard away in the middle of a delivery.
func TestLoseLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstream.New(1)
		shard := s.Shards()[0].Name
		if s.LoseLease(shard) {
			t.Error("a lease was lost before there was one")
		}
		blocks := true
		sink := &streamtest.Sink{BeforeDeliver: func(ctx context.Context, _ string, _ []stream.Record) error {
			if blocks {
				blocks = false
				<-ctx.Done()
			}
			return ctx.Err()
		}}
		publish(t, s, 0, 10)
		w := start(t, s, sink)
		synctest.Wait()
		if !s.LoseLease(shard) {
			t.Error("no lease was lost")
		}
		wait(t, sink, func() bool { return sink.Count() == 10 })
		if n := sink.Opened(shard); n != 2 {
			t.Errorf("the shard had %d sessions, not 2", n)
		}
		if err := w.Stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTrimMakesAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstream.New(1)
		shard := s.Shards()[0].Name
		sink := &streamtest.Sink{}
		publish(t, s, 0, 2) // sequence numbers 1 and 2
		w := start(t, s, sink)
		wait(t, sink, func() bool { return sink.Count() == 2 })
		if err := w.Stop(); err != nil {
			t.Fatal(err)
		}
		publish(t, s, 2, 5) // 3, 4, 5
		if err := s.Trim(shard, 4); err != nil {
			t.Fatal(err)
		}
		w = start(t, s, sink)
		wait(t, sink, func() bool { return sink.Count() == 3 })
		if err := w.Stop(); err != nil {
			t.Fatal(err)
		}
		gaps := sink.Gaps(shard)
		if len(gaps) != 1 || gaps[0].After != "2" || gaps[0].Until != "5" || gaps[0].Reason == "" {
			t.Errorf("gaps %+v", gaps)
		}
		// What was applied before it was trimmed is no gap.
		if err := s.Trim(shard, 1); err != nil {
			t.Fatal(err)
		}
		w = start(t, s, sink)
		synctest.Wait()
		if err := w.Stop(); err != nil {
			t.Fatal(err)
		}
		if n := len(sink.Gaps(shard)); n != 1 {
			t.Errorf("%d gaps, not 1", n)
		}
	})
}

// TestASinkThatFailsIsNotAskedInAHotLoop counts attempts by the virtual clock.
func TestASinkThatFailsIsNotAskedInAHotLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstream.New(1)
		attempts := 0
		sink := &streamtest.Sink{BeforeDeliver: func(context.Context, string, []stream.Record) error {
			attempts++
			return errors.New("the database is away")
		}}
		publish(t, s, 0, 1)
		w := start(t, s, sink)
		time.Sleep(time.Second)
		if err := w.Stop(); err != nil {
			t.Fatal(err)
		}
		if attempts < 50 || attempts > 101 {
			t.Errorf("%d attempts in a second, expected one in 10 ms", attempts)
		}
	})
}

// TestStopGivesUpDrainingInTime stops a worker with a sink that never drains.
func TestStopGivesUpDrainingInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstream.New(1)
		sink := &neverDrains{}
		w := start(t, s, sink)
		synctest.Wait()
		stopped := time.Now()
		if err := w.Stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(stopped); took != 10*time.Second {
			t.Errorf("Stop took %v, not 10s", took)
		}
		if !sink.abandoned {
			t.Error("the session was not abandoned")
		}
	})
}

// neverDrains is a Sink and Session. Its Drain waits for its context.
type neverDrains struct {
	streamtest.Sink
	abandoned bool
}

func (n *neverDrains) Open(string, stream.Position) stream.Session    { return n }
func (n *neverDrains) Deliver(context.Context, []stream.Record) error { return nil }
func (n *neverDrains) End(context.Context) error                      { return nil }
func (n *neverDrains) Abandon()                                       { n.abandoned = true }
func (n *neverDrains) Drain(ctx context.Context) (stream.Position, error) {
	<-ctx.Done()
	return stream.Position{}, ctx.Err()
}

func TestResharding(t *testing.T) {
	s := memstream.New(2)
	first, second := s.Shards()[0].Name, s.Shards()[1].Name
	left, right, err := s.Split(first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Merge(left, second); err == nil {
		t.Error("shards that are no neighbours were merged")
	}
	merged, err := s.Merge(second, right)
	if err != nil {
		t.Fatal(err)
	}
	for _, closed := range []string{first, second, right} {
		if _, _, err := s.Split(closed); err == nil {
			t.Errorf("the closed shard %s was split", closed)
		}
	}
	if _, err := s.Merge(left, left); err == nil {
		t.Error("a shard was merged with itself")
	}
	if _, _, err := s.Split("none"); err == nil {
		t.Error("a shard that does not exist was split")
	}
	want := []memstream.Shard{
		{Name: first, Closed: true},
		{Name: second, Closed: true},
		{Name: left, Parents: []string{first}},
		{Name: right, Parents: []string{first}, Closed: true},
		{Name: merged, Parents: []string{second, right}},
	}
	if got := s.Shards(); !reflect.DeepEqual(got, want) {
		t.Errorf("shards are\n%+v, not\n%+v", got, want)
	}
	publish(t, s, 0, 100)
	if a, b := len(s.Records(left)), len(s.Records(merged)); a == 0 || b == 0 || a+b != 100 {
		t.Errorf("%d and %d of 100 records are in the open shards", a, b)
	}
}

// TestDeliveredDataBelongToTheSink writes into what was delivered.
func TestDeliveredDataBelongToTheSink(t *testing.T) {
	s := memstream.New(1)
	shard := s.Shards()[0].Name
	sink := &streamtest.Sink{BeforeDeliver: func(_ context.Context, _ string, records []stream.Record) error {
		for _, r := range records {
			clear(r.Data)
		}
		return nil
	}}
	m := messages(0, 1)
	if err := s.Publisher().Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	clear(m[0].Data)
	w := start(t, s, sink)
	wait(t, sink, func() bool { return sink.Count() == 1 })
	if err := w.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := string(s.Records(shard)[0].Data); got != "0" {
		t.Errorf("the stream holds %q, not what was published", got)
	}
}
