package memstream_test

import (
	"context"
	"testing"

	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/memstream"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

// start runs a worker.
func start(t *testing.T, s *memstream.Stream, sink stream.Sink) streamtest.Worker {
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, sink) }()
	t.Cleanup(func() { cancel(memstream.ErrKilled) })
	return streamtest.Worker{
		Stop: func() error { cancel(nil); return <-ended },
		Kill: func() { cancel(memstream.ErrKilled); <-ended },
	}
}

// describe is the stream as the suite wants it.
func describe(s *memstream.Stream) streamtest.Stream {
	return streamtest.Stream{
		Publisher: s.Publisher(),
		Start:     func(t *testing.T, sink stream.Sink) streamtest.Worker { return start(t, s, sink) },
		Shards: func(*testing.T) []string {
			var open []string
			for _, sh := range s.Shards() {
				if !sh.Closed {
					open = append(open, sh.Name)
				}
			}
			return open
		},
		Parents: func(t *testing.T, shard string) []string {
			for _, sh := range s.Shards() {
				if sh.Name == shard {
					return sh.Parents
				}
			}
			t.Errorf("no shard %q", shard)
			return nil
		},
		Split: func(t *testing.T, shard string) {
			if _, _, err := s.Split(shard); err != nil {
				t.Error(err)
			}
		},
		Merge: func(t *testing.T, a, b string) {
			if _, err := s.Merge(a, b); err != nil {
				t.Error(err)
			}
		},
	}
}

func TestSuite(t *testing.T) {
	streamtest.Run(t, streamtest.Harness{
		New:      func(_ *testing.T, shards int) streamtest.Stream { return describe(memstream.New(shards)) },
		Features: streamtest.Features{Reshard: true, Takeover: true, Balance: true},
	})
}
