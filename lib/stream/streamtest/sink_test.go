package streamtest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

func records(sequences ...string) []stream.Record {
	var out []stream.Record
	for _, s := range sequences {
		out = append(out, stream.Record{Sequence: s})
	}
	return out
}

// TestSinkNoticesBreaches breaks every rule of the contract that a source can.
func TestSinkNoticesBreaches(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		want string // "" if it is allowed
		do   func(ctx context.Context, sink *streamtest.Sink, s stream.Session)
	}{
		"in order": {"", func(ctx context.Context, _ *streamtest.Sink, s stream.Session) {
			s.Deliver(ctx, records("11", "12"))
			s.Deliver(ctx, nil)
			s.Deliver(ctx, records("100"))
			s.End(ctx)
			s.Abandon()
		}},
		"a record twice": {"12 was delivered after 12", func(ctx context.Context, _ *streamtest.Sink, s stream.Session) {
			s.Deliver(ctx, records("12"))
			s.Deliver(ctx, records("12"))
		}},
		"a record that Progress covers": {"10 was delivered after 10",
			func(ctx context.Context, _ *streamtest.Sink, s stream.Session) {
				s.Deliver(ctx, records("10"))
			}},
		"out of order": {"99 was delivered after 100", func(ctx context.Context, _ *streamtest.Sink, s stream.Session) {
			s.Deliver(ctx, records("100", "99"))
		}},
		"Open at the end": {"opened at the end", func(ctx context.Context, sink *streamtest.Sink, s stream.Session) {
			s.End(ctx)
			from, _ := sink.Progress(ctx, "s")
			sink.Open("s", from)
		}},
		"Open at a made-up position": {`opened at "9", which Progress never returned`,
			func(_ context.Context, sink *streamtest.Sink, _ stream.Session) {
				sink.Open("s", stream.Position{Sequence: "9"})
			}},
		"Open at the beginning": {"", func(_ context.Context, sink *streamtest.Sink, _ stream.Session) {
			sink.Open("s", stream.Position{})
		}},
		"no number": {`"x" is no number`, func(ctx context.Context, _ *streamtest.Sink, s stream.Session) {
			s.Deliver(ctx, records("x"))
		}},
		"Deliver after Drain": {"Deliver was called after Drain",
			func(ctx context.Context, _ *streamtest.Sink, s stream.Session) {
				s.Drain(ctx)
				s.Deliver(ctx, nil)
			}},
		"Drain after End": {"Drain was called after End", func(ctx context.Context, _ *streamtest.Sink, s stream.Session) {
			s.End(ctx)
			s.Drain(ctx)
		}},
		"one call that crosses Abandon": {"", func(ctx context.Context, _ *streamtest.Sink, s stream.Session) {
			s.Abandon()
			s.Deliver(ctx, records("11"))
		}},
		"a second call after Abandon": {"Drain was called after Abandon",
			func(ctx context.Context, _ *streamtest.Sink, s stream.Session) {
				s.Abandon()
				s.Deliver(ctx, records("11"))
				s.Drain(ctx)
			}},
		"Drain after a failed Deliver": {"Drain was called after a failed Deliver",
			func(ctx context.Context, sink *streamtest.Sink, s stream.Session) {
				sink.BeforeDeliver = func(context.Context, string, []stream.Record) error { return boom }
				s.Deliver(ctx, records("11"))
				s.Drain(ctx)
			}},
		"a call after a failed Deliver and Abandon": {"End was called after Abandon",
			func(ctx context.Context, sink *streamtest.Sink, s stream.Session) {
				sink.BeforeDeliver = func(context.Context, string, []stream.Record) error { return boom }
				s.Deliver(ctx, records("11"))
				s.Abandon()
				s.End(ctx)
			}},
		"a child before its parent": {"before the end of the parent p",
			func(ctx context.Context, sink *streamtest.Sink, s stream.Session) {
				sink.Parents = func(string) []string { return []string{"p"} }
				s.Deliver(ctx, records("11"))
			}},
		"a child after its parent": {"", func(ctx context.Context, sink *streamtest.Sink, s stream.Session) {
			sink.Parents = func(string) []string { return []string{"p"} }
			sink.Open("p", stream.Position{}).End(ctx)
			s.Deliver(ctx, records("11"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			sink := &streamtest.Sink{}
			first := sink.Open("s", stream.Position{})
			if err := first.Deliver(t.Context(), records("10")); err != nil {
				t.Fatal(err)
			}
			from, err := sink.Progress(t.Context(), "s")
			if err != nil || from.Sequence != "10" {
				t.Fatalf("Progress is %+v, %v", from, err)
			}
			c.do(t.Context(), sink, sink.Open("s", from))
			err = sink.Err()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("Err is %v, expected %q", err, c.want)
			}
		})
	}
}

func TestSinkNoticesCallsAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		sink := &streamtest.Sink{BeforeDeliver: func(context.Context, string, []stream.Record) error {
			<-release
			return nil
		}}
		s := sink.Open("s", stream.Position{})
		go s.Deliver(t.Context(), records("1"))
		synctest.Wait()
		if _, err := s.Drain(t.Context()); err == nil {
			t.Error("Drain was allowed while Deliver was running")
		}
		close(release)
		if err := sink.Err(); err == nil || !strings.Contains(err.Error(), "while Deliver was running") {
			t.Errorf("Err is %v", err)
		}
	})
}

// TestSinkAppliesByCompareAndSet opens two sessions as two workers would that
// both think the shard is theirs.
func TestSinkAppliesByCompareAndSet(t *testing.T) {
	ctx := t.Context()
	sink := &streamtest.Sink{Hold: 1}
	zombie := sink.Open("s", stream.Position{})
	if err := zombie.Deliver(ctx, records("1", "2")); err != nil {
		t.Fatal(err)
	}
	from, _ := sink.Progress(ctx, "s")
	if from.Sequence != "1" {
		t.Fatalf("applied up to %q, and one record is to be held", from.Sequence)
	}
	owner := sink.Open("s", from)
	if _, err := zombie.Drain(ctx); !errors.Is(err, streamtest.ErrSuperseded) {
		t.Errorf("the superseded session drained: %v", err)
	}
	if err := owner.Deliver(ctx, records("2", "3")); err != nil {
		t.Fatal(err)
	}
	if held := sink.Held("s"); len(held) != 1 || held[0].Sequence != "3" {
		t.Errorf("held %+v", held)
	}
	if position, err := owner.Drain(ctx); err != nil || position.Sequence != "3" {
		t.Errorf("drained to %+v: %v", position, err)
	}
	late := sink.Open("s", from) // Progress of before
	if err := late.Deliver(ctx, records("2", "3", "4")); !errors.Is(err, streamtest.ErrSuperseded) {
		t.Errorf("a session from an old position applied: %v", err)
	}
	if n := len(sink.Applied("s")); n != 3 || sink.Delivered() != 7 {
		t.Errorf("%d applied of %d delivered", n, sink.Delivered())
	}
}

// TestNothingIsAppliedBehindTheEnd opens a session as a worker would that does not
// know that the shard has ended.
func TestNothingIsAppliedBehindTheEnd(t *testing.T) {
	ctx := t.Context()
	sink := &streamtest.Sink{}
	from, _ := sink.Progress(ctx, "s")
	if err := sink.Open("s", from).End(ctx); err != nil {
		t.Fatal(err)
	}
	late := sink.Open("s", from)
	if err := late.Deliver(ctx, records("1")); !errors.Is(err, streamtest.ErrSuperseded) {
		t.Errorf("a record behind the end: %v", err)
	}
	if err := sink.Open("s", from).End(ctx); !errors.Is(err, streamtest.ErrSuperseded) {
		t.Errorf("the end again: %v", err)
	}
	if err := sink.Err(); err != nil {
		t.Error(err) // it could not know
	}
}

func TestAbandonDropsWhatIsHeld(t *testing.T) {
	ctx := t.Context()
	sink := &streamtest.Sink{Hold: 10}
	s := sink.Open("s", stream.Position{})
	if err := s.Deliver(ctx, records("1")); err != nil {
		t.Fatal(err)
	}
	if active := sink.Active(); len(active) != 1 {
		t.Errorf("active sessions: %q", active)
	}
	s.Abandon()
	s.Abandon()
	if active := sink.Active(); len(active) != 0 {
		t.Errorf("active sessions after Abandon: %q", active)
	}
	if _, err := s.Drain(ctx); !errors.Is(err, streamtest.ErrAbandoned) {
		t.Errorf("Drain after Abandon: %v", err)
	}
	if sink.Count() != 0 || len(sink.Held("s")) != 0 {
		t.Error("an abandoned record was kept")
	}
}
