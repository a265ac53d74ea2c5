package lambdaevents_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"go.uber.org/goleak"

	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/lambdaevents"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// to is a Handler for one Sink.
func to(sink stream.Sink) lambdaevents.Handler {
	return lambdaevents.Handler{Sink: func(context.Context, string) (stream.Sink, error) { return sink, nil }}
}

// record makes a record of an event.
func record(shard, sequence string) events.KinesisEventRecord {
	return events.KinesisEventRecord{
		EventID:        shard + ":" + sequence,
		EventSource:    "aws:kinesis",
		EventSourceArn: "arn:aws:kinesis:eu-central-1:111122223333:stream/events",
		Kinesis:        events.KinesisRecord{SequenceNumber: sequence, PartitionKey: "key", Data: []byte("data " + sequence)},
	}
}

func event(records ...events.KinesisEventRecord) events.KinesisEvent {
	return events.KinesisEvent{Records: records}
}

// TestTheDocumentedEvent sends the JSON that AWS documents through the function
// that lambda.Start makes of Handle.
func TestTheDocumentedEvent(t *testing.T) {
	payload, err := os.ReadFile("testdata/event.json")
	if err != nil {
		t.Fatal(err)
	}
	sink := &streamtest.Sink{}
	var arn string
	h := lambdaevents.Handler{Sink: func(_ context.Context, streamARN string) (stream.Sink, error) {
		arn = streamARN
		return sink, nil
	}}
	answer, err := lambda.NewHandler(h.Handle).Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(answer); got != `{"batchItemFailures":[]}` {
		t.Errorf("the answer is %s", got)
	}
	if arn != "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream" ||
		lambdaevents.StreamName(arn) != "lambda-stream" {
		t.Errorf("the stream is %q", arn)
	}
	if err := sink.Err(); err != nil {
		t.Error(err)
	}
	if active := sink.Active(); len(active) != 0 {
		t.Errorf("sessions of %q are open", active)
	}
	got := sink.Applied("shardId-000000000006")
	want := []stream.Record{
		{
			Sequence: "49590338271490256608559692538361571095921575989136588898", PartitionKey: "1",
			Data: []byte("Hello, this is a test."), Arrived: time.UnixMilli(1545084650987).UTC(),
		},
		{
			Sequence: "49590338271490256608559692540925702759324208523137515618", PartitionKey: "1",
			Data: []byte("This is only a test."), Arrived: time.UnixMilli(1545084711166).UTC(),
		},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("applied\n%v, not\n%v", got, want)
	}
}

// scripted is a Sink and Session. Its methods return what a test says.
type scripted struct {
	streamtest.Sink // for Progress and Gap, which nobody must call
	opened          []string
	from            []stream.Position
	delivered       [][]stream.Record
	deliver         func(ctx context.Context) error
	drain           func(ctx context.Context) (stream.Position, error)
	abandoned       int
}

func (s *scripted) Progress(context.Context, string) (stream.Position, error) {
	return stream.Position{}, errors.New("Progress is not used under Lambda")
}

func (s *scripted) Open(shard string, from stream.Position) stream.Session {
	s.opened, s.from = append(s.opened, shard), append(s.from, from)
	return s
}

func (s *scripted) Deliver(ctx context.Context, records []stream.Record) error {
	s.delivered = append(s.delivered, records)
	if s.deliver == nil {
		return nil
	}
	return s.deliver(ctx)
}

func (s *scripted) Drain(ctx context.Context) (stream.Position, error) {
	if s.drain == nil {
		last := s.delivered[len(s.delivered)-1]
		return stream.Position{Sequence: last[len(last)-1].Sequence}, nil
	}
	return s.drain(ctx)
}

func (s *scripted) End(context.Context) error { return errors.New("Lambda knows of no end") }
func (s *scripted) Abandon()                  { s.abandoned++ }

func TestBatchesBeginAtZeroEvenIfAppliedBefore(t *testing.T) {
	sink := &scripted{}
	for range 2 { // Lambda repeats an event
		if _, err := to(sink).Handle(t.Context(), event(record("s", "1"), record("s", "2"))); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(sink.opened, sink.from, len(sink.delivered)) != "[s s] [{ false} { false}] 2" {
		t.Errorf("opened %v from %v, delivered %v", sink.opened, sink.from, sink.delivered)
	}
}

func TestFailures(t *testing.T) {
	boom := errors.New("boom")
	three := event(record("s", "9"), record("s", "10"), record("s", "11"))
	drainedTo := func(sequence string) func(context.Context) (stream.Position, error) {
		return func(context.Context) (stream.Position, error) { return stream.Position{Sequence: sequence}, boom }
	}
	for name, c := range map[string]struct {
		sink *scripted
		want string // the record that is answered; "" is an error
	}{
		"Deliver fails":                    {&scripted{deliver: func(context.Context) error { return boom }}, ""},
		"Drain fails at once":              {&scripted{drain: drainedTo("")}, ""},
		"Drain fails after one record":     {&scripted{drain: drainedTo("9")}, "10"},
		"Drain fails after two records":    {&scripted{drain: drainedTo("10")}, "11"},
		"Drain fails after all of them":    {&scripted{drain: drainedTo("11")}, ""},
		"Drain tells of another batch":     {&scripted{drain: drainedTo("8")}, ""},
		"Drain tells of one far ahead":     {&scripted{drain: drainedTo("4000")}, ""},
		"Drain tells of nothing we'd know": {&scripted{drain: drainedTo("x")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			h := to(c.sink)
			h.Logger = slog.New(slog.NewTextHandler(&logged, nil))
			answer, err := h.Handle(t.Context(), three)
			if c.sink.abandoned != 1 {
				t.Errorf("abandoned %d times", c.sink.abandoned)
			}
			if c.want == "" {
				if !errors.Is(err, boom) || !strings.Contains(err.Error(), "stream events, s: 0 of 3") {
					t.Errorf("Handle returned %v, %+v", err, answer)
				}
				return
			}
			if err != nil || len(answer.BatchItemFailures) != 1 || answer.BatchItemFailures[0].ItemIdentifier != c.want {
				t.Errorf("Handle returned %v, %+v", err, answer)
			}
			if !strings.Contains(logged.String(), "boom") {
				t.Errorf("the log is %q", logged.String())
			}
		})
	}
}

// TestSeveralShards has an event that Lambda does not make today.
func TestSeveralShards(t *testing.T) {
	boom := errors.New("boom")
	sink := &scripted{}
	sink.drain = func(context.Context) (stream.Position, error) {
		if sink.opened[len(sink.opened)-1] == "b" {
			return stream.Position{}, boom
		}
		return stream.Position{}, nil
	}
	answer, err := to(sink).Handle(t.Context(), event(record("a", "1"), record("b", "2"), record("a", "3"),
		record("b", "4")))
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.BatchItemFailures) != 1 || answer.BatchItemFailures[0].ItemIdentifier != "2" {
		t.Errorf("the answer is %+v", answer)
	}
	if fmt.Sprint(sink.opened) != "[a b]" || len(sink.delivered[0]) != 2 || len(sink.delivered[1]) != 2 {
		t.Errorf("opened %v, delivered %v", sink.opened, sink.delivered)
	}
}

// TestLeavesTimeForTheAnswer drains for ever.
func TestLeavesTimeForTheAnswer(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		3 * time.Second:  2700 * time.Millisecond,
		15 * time.Minute: 15*time.Minute - 5*time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			sink := &scripted{drain: func(ctx context.Context) (stream.Position, error) {
				<-ctx.Done()
				return stream.Position{}, ctx.Err()
			}}
			start := time.Now()
			_, err := to(sink).Handle(ctx, event(record("s", "1")))
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != want {
				t.Errorf("Handle returned %v after %v, not %v", err, time.Since(start), want)
			}
			if sink.abandoned != 1 {
				t.Error("the session was not abandoned")
			}
		})
	}
}

func TestNoRecords(t *testing.T) {
	answer, err := to(&scripted{}).Handle(t.Context(), event())
	if err != nil || len(answer.BatchItemFailures) != 0 {
		t.Errorf("Handle returned %v, %+v", err, answer)
	}
}

func TestEventsThatAreNotOfKinesis(t *testing.T) {
	dynamo, nameless := record("s", "1"), record("s", "1")
	dynamo.EventSource = "aws:dynamodb"
	nameless.EventID = "1"
	for _, bad := range []events.KinesisEventRecord{dynamo, nameless} {
		sink := &scripted{}
		if _, err := to(sink).Handle(t.Context(), event(record("s", "1"), bad)); err == nil ||
			!strings.Contains(err.Error(), "record 1") {
			t.Errorf("Handle returned %v", err)
		}
		if len(sink.opened) != 0 {
			t.Error("a part of the event was taken")
		}
	}
}

func TestNoSink(t *testing.T) {
	boom := errors.New("no database")
	h := lambdaevents.Handler{Sink: func(context.Context, string) (stream.Sink, error) { return nil, boom }}
	if _, err := h.Handle(t.Context(), event(record("s", "1"))); !errors.Is(err, boom) {
		t.Errorf("Handle returned %v", err)
	}
}

func TestStreamName(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream":                            "lambda-stream",
		"arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream/consumer/lambda:1545084650": "lambda-stream",
		"arn:aws-cn:kinesis:cn-north-1:123456789012:stream/x":                                    "x",
		"lambda-stream": "lambda-stream",
	} {
		if got := lambdaevents.StreamName(arn); got != want {
			t.Errorf("the name in %s is %q, not %q", arn, got, want)
		}
	}
}

// FuzzEvent checks that every record of an event is applied or answered, or that
// the event fails as a whole.
func FuzzEvent(f *testing.F) {
	payload, err := os.ReadFile("testdata/event.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Add([]byte(`{"Records":[{"eventID":":","eventSource":"aws:kinesis"}]}`))
	f.Add([]byte(`{"Records":null}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var e events.KinesisEvent
		if json.Unmarshal(payload, &e) != nil {
			return
		}
		sink := &streamtest.Sink{}
		answer, err := to(sink).Handle(t.Context(), e)
		if err == nil && len(answer.BatchItemFailures) == 0 && sink.Count() != len(e.Records) {
			t.Errorf("%d of %d records were applied without an error", sink.Count(), len(e.Records))
		}
	})
}
