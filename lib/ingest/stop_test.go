package ingest_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/stream"
)

// eventually waits for a condition that tells nobody when it comes true.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: still not so after a minute", what)
		}
	}
}

// TestStopWhileSessionsDeliver stops pipelines while sessions seal and identify
// batches that nobody will apply: nobody touches rows that were given back, and the
// whole budget comes back.
func TestStopWhileSessionsDeliver(t *testing.T) {
	// No database: a batch waits for a connection until the pipeline stops.
	pool := newPool(t, "postgres://127.0.0.1:1/nothing", nil)
	const rows, sessions = 2000, 4
	var values []string
	for i := range rows {
		values = append(values, thing(strconv.Itoa(i), fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i), byte(i >> 8)}))))
	}
	part := records(t, scopeOf(0), time.Now(), rows, values...)[0]
	for range 10 {
		p, err := ingest.New(newLoader(pool, quick), ingest.Config{StreamID: "stream", BatchRows: rows})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if err := p.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		delivered := make(chan struct{}, 2*sessions)
		for i := range sessions {
			group.Go(func() {
				s := p.Open(strconv.Itoa(i), stream.Position{})
				at := 0
				for ; s.Deliver(t.Context(), streamRecords(at, [][]byte{part})) == nil; at++ {
					select {
					case delivered <- struct{}{}:
					default: // more than anybody waits for
					}
				}
				if _, err := s.Drain(t.Context()); err == nil && at > 0 { // a slow one has nothing to drain
					t.Error("drained what was not applied")
				}
			})
		}
		for range 2 * sessions {
			<-delivered
		}
		stop()
		group.Wait()
		if !p.Unspent() {
			t.Fatal("a part of the budget is lost")
		}
		if err := p.Open("late", stream.Position{}).End(t.Context()); err == nil {
			t.Fatal("a shard was ended after the end of the pipeline")
		}
	}
}

// TestPanicInTheReader: what a record makes panic is its reject.
func TestPanicInTheReader(t *testing.T) {
	p, err := ingest.New(nil, ingest.Config{StreamID: "stream"}) // without a loader there is no table to ask for
	if err != nil {
		t.Fatal(err)
	}
	part := records(t, scopeOf(1), time.Now(), 10, thing("a", "1"))[0]
	reject := p.Read(stream.Record{Sequence: "1", Data: part, Arrived: time.Now()})
	if reject == nil || reject.Reason != ingest.ReasonInternal || reject.Scope != scopeOf(1) || reject.Part == nil ||
		*reject.Part != 0 {
		t.Errorf("the reject is %+v", reject)
	}
}

// TestUnknownKeys: keys without a column are told once, when their rows are
// applied, and by a hook that may take the pipeline's own calls.
func TestUnknownKeys(t *testing.T) {
	unknown := make(chan int64, 10)
	var h *hub
	h = newHub(t, ingest.Config{Committers: 1, BatchRows: 3, OnUnknownKeys: func(category string, n int64) {
		if category != "things" {
			t.Errorf("unknown keys of %s", category)
		}
		// A session of the same lane goes on meanwhile.
		if err := h.pipeline.Open("other", stream.Position{}).Deliver(t.Context(),
			streamRecords(0, [][]byte{[]byte("x")})); err != nil {
			t.Error(err)
		}
		unknown <- n
	}})
	row := `{"id":"a","value":"1","new":1,"newer":[]}`
	other := `{"id":"b","value":"1","new":1}`
	data := records(t, scopeOf(1), time.Now(), 10, row, other, thing("c", "1"))
	h.exec("ALTER TABLE obs.things RENAME COLUMN value TO elsewhere")
	h.deliver(data...)
	h.exec("ALTER TABLE obs.things RENAME COLUMN elsewhere TO value")
	if n := len(unknown); n != 0 {
		t.Errorf("unknown keys of rows that are parked were told %d times", n)
	}
	if n, err := h.pipeline.Redrive(t.Context(), things.Table); n < 1 || err != nil {
		t.Errorf("redrive: %d, %v", n, err)
	}
	h.deliver(records(t, scopeOf(2), time.Now(), 10, row, row)...)
	eventually(t, "unknown keys are told twice", func() bool { return len(unknown) == 2 })
	if got := h.query("SELECT category || ' ' || key || ' ' || count FROM hub.unknown_key ORDER BY key"); !slices.Equal(
		got, []string{"things new 4", "things newer 3"}) {
		t.Errorf("stored %q", got)
	}
	if first, second := <-unknown, <-unknown; first != 3 || second != 4 {
		t.Errorf("%d and %d keys without a column", first, second)
	}
}

// endings are what ends a session while it delivers.
var endings = map[string]func(p *ingest.Pipeline, s stream.Session, cancel func()){
	"abandoned":  func(_ *ingest.Pipeline, s stream.Session, _ func()) { s.Abandon() },
	"superseded": func(p *ingest.Pipeline, _ stream.Session, _ func()) { p.Open("0", stream.Position{}) },
	"cancelled":  func(_ *ingest.Pipeline, _ stream.Session, cancel func()) { cancel() },
}

// TestDeliverStops: a session that is abandoned, superseded or cancelled takes no
// further record, although there is room for it.
func TestDeliverStops(t *testing.T) {
	part := records(t, scopeOf(0), time.Now(), 10, thing("a", "1"))[0]
	for name, end := range endings {
		const budget = 64 << 20
		p, s := newStopped(t, ingest.Config{Budget: budget})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		release := p.Hold()
		done := make(chan error, 1)
		go func() { done <- s.Deliver(ctx, streamRecords(0, [][]byte{part, part, part})) }()
		eventually(t, "the first record has its part of the budget", func() bool { return !p.Unspent() })
		end(p, s, cancel)
		release()
		if err := <-done; err == nil {
			t.Errorf("%s: all records were taken", name)
		}
		if !p.Has(budget - ingest.Cost(stream.Record{Data: part})) {
			t.Errorf("%s: more than the first record was taken", name)
		}
	}
}

// TestBlockedDeliverIsWoken: the same of a session that waits for the budget.
func TestBlockedDeliverIsWoken(t *testing.T) {
	part := largePart(t, scopeOf(0), 900_000)
	for name, end := range endings {
		p, s := newStopped(t, ingest.Config{Budget: 16 << 20})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- s.Deliver(ctx, streamRecords(0, slices.Repeat([][]byte{part}, 30))) }()
		eventually(t, "the session waits", func() bool { return p.Waiting() == 1 })
		end(p, s, cancel)
		eventually(t, name+": Deliver returns", func() bool { return len(done) == 1 })
		if err := <-done; err == nil {
			t.Errorf("%s: all records were taken", name)
		}
	}
}

// newStopped returns a pipeline that applies nothing, and a session.
func newStopped(t *testing.T, config ingest.Config) (*ingest.Pipeline, stream.Session) {
	t.Helper()
	config.StreamID = "stream"
	p, err := ingest.New(newLoader(nil, quick), config)
	if err != nil {
		t.Fatal(err)
	}
	return p, p.Open("0", stream.Position{})
}
