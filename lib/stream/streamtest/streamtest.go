// Package streamtest is the suite that every implementation of package stream
// passes, and a [Sink] that keeps what it is given and checks how it is called.
//
// An implementation describes itself with a [Harness] and calls [Run] in a test
// of its own:
//
//	func TestSuite(t *testing.T) {
//		streamtest.Run(t, streamtest.Harness{New: newStream, Features: streamtest.Features{Reshard: true}})
//	}
package streamtest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hubspoke/observability/lib/stream"
)

// Harness is what an implementation gives to the suite.
type Harness struct {
	// New creates a fresh, empty stream with so many shards. What it starts must
	// end with t.
	New func(t *testing.T, shards int) Stream
	// Features that the implementation has. Scenarios for the others do not run.
	Features Features
	// Timeout is how long one scenario may take. Defaults to 5 minutes.
	Timeout time.Duration
	// Stall is how long a blocked sink blocks. Leases and iterators must have
	// expired by then if nobody cares for them. Defaults to 300 milliseconds.
	Stall time.Duration
	// MaxRecord is the size of the largest record that the stream takes, its
	// partition key included. Defaults to 1 MiB.
	MaxRecord int
	// Messages is how many messages the larger scenarios publish. Defaults to 2,000.
	Messages int
}

// Features are what only some implementations can do.
type Features struct {
	// Reshard says that Stream.Split, Merge and Parents are there.
	Reshard bool
	// Takeover says that a worker takes over the shards of one that died, and
	// that Worker.Kill is there.
	Takeover bool
	// Balance says that a worker that comes later gets its share of the shards.
	Balance bool
	// Expire says that Stream.Expire is there.
	Expire bool
}

// Stream is one stream of an implementation. Its functions are called by several
// goroutines and report failures with t.Error.
type Stream struct {
	// Publisher puts messages into the stream.
	Publisher stream.Publisher
	// Start starts a worker that drives sink from where sink's Progress is.
	Start func(t *testing.T, sink stream.Sink) Worker
	// Shards returns the open shards.
	Shards func(t *testing.T) []string
	// Parents returns the parents of a shard that the stream still lists.
	Parents func(t *testing.T, shard string) []string
	// Split splits an open shard into two and returns when they are open.
	Split func(t *testing.T, shard string)
	// Merge merges two open neighbours into one and returns when it is open.
	Merge func(t *testing.T, a, b string)
	// Expire makes every shard iterator that is in use too old.
	Expire func(t *testing.T)
}

// Worker is one running consumer of a stream.
type Worker struct {
	// Stop ends the worker gracefully, waits for it, and returns its error.
	Stop func() error
	// Kill ends the worker as a crash would: it tells nobody, and calls neither
	// Drain nor Abandon.
	Kill func()
}

func (h Harness) withDefaults() Harness {
	if h.Timeout == 0 {
		h.Timeout = 5 * time.Minute
	}
	if h.Stall == 0 {
		h.Stall = 300 * time.Millisecond
	}
	if h.MaxRecord == 0 {
		h.MaxRecord = 1 << 20
	}
	if h.Messages == 0 {
		h.Messages = 2000
	}
	return h
}

// Run runs every scenario that the harness has the features for.
func Run(t *testing.T, h Harness) {
	h = h.withDefaults()
	for _, s := range []struct {
		name  string
		needs bool
		run   func(*testing.T, Harness)
	}{
		{"EverythingArrivesInOrder", true, everythingArrives},
		{"AnyBytesArrive", true, anyBytes},
		{"PublishingNothing", true, publishingNothing},
		{"PublishAfterCancelNamesEveryMessage", true, publishCancelled},
		{"ANewWorkerContinuesFromProgress", true, resumes},
		{"StopDrains", true, stopDrains},
		{"StopWhenIdle", true, stopIdle},
		{"StopWhileDeliverBlocks", true, stopBlocked},
		{"ABlockedSinkKeepsItsShard", true, backPressure},
		{"AFailedDeliveryIsRepeated", true, failedDelivery},
		{"ASessionThatFailsWhenIdleIsReplaced", true, failedIdle},
		{"AFailedProgressIsRepeated", true, failedProgress},
		{"SplitAndMergeUnderLoad", h.Features.Reshard, reshard},
		{"AChildWaitsForItsFirstParent", h.Features.Reshard, func(t *testing.T, h Harness) { childWaits(t, h, 0) }},
		{"AChildWaitsForItsSecondParent", h.Features.Reshard, func(t *testing.T, h Harness) { childWaits(t, h, 1) }},
		{"AnEmptyShardEnds", h.Features.Reshard, emptyShardEnds},
		{"StopWhileAChildWaits", h.Features.Reshard, stopWhileChildWaits},
		{"ARestartAmongShardsThatEnded", h.Features.Reshard, restartAfterReshard},
		{"AWorkerTakesOverFromOneThatDied", h.Features.Takeover, takeover},
		{"WorkersShareTheShards", h.Features.Balance, balance},
		{"ExpiredIterators", h.Features.Expire, expiredIterators},
	} {
		if s.needs {
			t.Run(s.name, func(t *testing.T) { s.run(t, h) })
		}
	}
}

// scenario is one stream with the sink that its workers share.
type scenario struct {
	*testing.T
	h      Harness
	ctx    context.Context
	stream Stream
	sink   *Sink

	mu        sync.Mutex
	published []stream.Message
	parents   map[string][]string // by shard
	owners    map[string]string   // name of the worker that opened the newest session, by shard
}

// open creates the stream and the sink of a scenario.
func open(t *testing.T, h Harness, shards int) *scenario {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), h.Timeout)
	t.Cleanup(cancel)
	s := &scenario{
		T: t, h: h, ctx: ctx, stream: h.New(t, shards), sink: &Sink{},
		parents: map[string][]string{}, owners: map[string]string{},
	}
	if h.Features.Reshard {
		s.sink.Parents = s.parentsOf
	}
	return s
}

// parentsOf asks the stream once for the parents of each shard.
func (s *scenario) parentsOf(shard string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	parents, known := s.parents[shard]
	if !known {
		parents = s.stream.Parents(s.T, shard)
		s.parents[shard] = parents
	}
	return parents
}

// publish puts n new messages into the stream.
func (s *scenario) publish(n int) {
	s.Helper()
	if err := s.send(s.messages(n)); err != nil {
		s.Fatal(err)
	}
}

// keys is how many partition keys the messages have: that many messages in a
// row reach every shard.
const keys = 64

// messages makes n messages of different sizes.
func (s *scenario) messages(n int) []stream.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	rng := rand.New(rand.NewPCG(1, uint64(len(s.published))))
	messages := make([]stream.Message, n)
	for i := range messages {
		number := len(s.published) + i
		data := make([]byte, 8+rng.IntN(400))
		binary.BigEndian.PutUint64(data, uint64(number))
		messages[i] = stream.Message{PartitionKey: fmt.Sprintf("key-%d", number%keys), Data: data}
	}
	return messages
}

// send publishes messages and remembers them.
func (s *scenario) send(messages []stream.Message) error {
	s.mu.Lock()
	for _, m := range messages {
		s.published = append(s.published, stream.Message{PartitionKey: m.PartitionKey, Data: slices.Clone(m.Data)})
	}
	s.mu.Unlock()
	if err := s.stream.Publisher.Publish(s.ctx, messages); err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	return nil
}

// start starts a worker for the sink. The test must Stop or Kill it.
func (s *scenario) start() Worker {
	s.Helper()
	return s.stream.Start(s.T, s.sink)
}

// stop ends a worker and fails if that takes too long, fails, or leaves a
// session open.
func (s *scenario) stop(w Worker) {
	s.Helper()
	stopped := make(chan error, 1)
	go func() { stopped <- w.Stop() }()
	select {
	case err := <-stopped:
		if err != nil {
			s.Fatalf("Stop: %v", err)
		}
	case <-s.ctx.Done():
		s.Fatal("Stop does not return")
	}
	if active := s.sink.Active(); len(active) > 0 {
		s.Fatalf("sessions of %q are still open after Stop", active)
	}
}

// wait waits for a condition of the sink.
func (s *scenario) wait(what string, until func() bool) {
	s.Helper()
	if err := s.sink.Wait(s.ctx, until); err != nil {
		s.Fatalf("waiting until %s: %v\n%s", what, err, s.state())
	}
}

// waitApplied waits until every message that was published so far was applied.
func (s *scenario) waitApplied() {
	s.Helper()
	s.waitAll("everything is applied", s.sink.Applied)
}

// waitDelivered waits until every message that was published so far was applied
// or is held by the newest session of its shard.
func (s *scenario) waitDelivered() {
	s.Helper()
	s.waitAll("everything is delivered", s.sink.Applied, s.sink.Held)
}

// waitAll waits until the lists hold every message that was published so far.
func (s *scenario) waitAll(what string, lists ...func(shard string) []stream.Record) {
	s.Helper()
	s.mu.Lock()
	want := identities(s.published)
	s.mu.Unlock()
	s.wait(what, func() bool {
		return s.sink.Delivered() >= len(want) && len(missing(want, s.collect(lists...))) == 0
	})
}

// check fails unless every published message was applied with its bytes and
// key, nothing else was, and the sequence numbers of each shard ascend.
func (s *scenario) check() {
	s.Helper()
	if err := s.sink.Err(); err != nil {
		s.Fatalf("the contract is broken: %v", err)
	}
	want, got := identities(s.published), s.collect(s.sink.Applied)
	if lost := missing(want, got); len(lost) > 0 {
		s.Errorf("%d of %d messages are lost, such as the one with %s\n%s", len(lost), len(want), lost[0], s.state())
	}
	if invented := missing(got, want); len(invented) > 0 {
		s.Errorf("%d records were never published, such as the one with %s", len(invented), invented[0])
	}
	for _, shard := range s.sink.Shards() {
		last := ""
		for _, r := range s.sink.Applied(shard) {
			if stream.CompareSequences(r.Sequence, last) <= 0 {
				s.Fatalf("%s: record %s was applied after %s", shard, r.Sequence, last)
			}
			if r.Arrived.IsZero() {
				s.Fatalf("%s: record %s has no arrival time", shard, r.Sequence)
			}
			last = r.Sequence
		}
		if gaps := s.sink.Gaps(shard); len(gaps) > 0 {
			s.Errorf("%s: gaps %+v in a stream that lost nothing", shard, gaps)
		}
	}
}

// collect returns the identities of the records in the lists of all shards.
func (s *scenario) collect(lists ...func(shard string) []stream.Record) map[string]bool {
	got := map[string]bool{}
	for _, shard := range s.sink.Shards() {
		for _, list := range lists {
			for _, r := range list(shard) {
				got[identity(r.PartitionKey, r.Data)] = true
			}
		}
	}
	return got
}

// state describes the sink for a failed test.
func (s *scenario) state() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d published, %d delivered, %d applied", len(s.published), s.sink.Delivered(), s.sink.Count())
	for _, shard := range s.sink.Shards() {
		fmt.Fprintf(&b, "\n%s: %d sessions, %d applied, ended %t", shard, s.sink.Opened(shard), len(s.sink.Applied(shard)),
			s.sink.Ended(shard))
	}
	return b.String()
}

// identity tells messages apart by all that they carry, and is fit for people.
func identity(key string, data []byte) string {
	return fmt.Sprintf("partition key %q, %d bytes, SHA-256 %.6x", key, len(data), sha256.Sum256(data))
}

func identities(messages []stream.Message) map[string]bool {
	set := map[string]bool{}
	for _, m := range messages {
		set[identity(m.PartitionKey, m.Data)] = true
	}
	return set
}

// missing returns what is in want and not in got.
func missing(want, got map[string]bool) []string {
	var out []string
	for id := range want {
		if !got[id] {
			out = append(out, id)
		}
	}
	return out
}

func everythingArrives(t *testing.T, h Harness) {
	s := open(t, h, 3)
	s.publish(h.Messages / 2)
	w := s.start()
	for range 10 {
		s.publish(h.Messages / 20)
	}
	s.waitApplied()
	s.stop(w)
	s.check()
	if n := len(s.sink.Shards()); n != 3 {
		t.Errorf("records came from %d shards, not 3", n)
	}
	for _, shard := range s.sink.Shards() {
		if s.sink.Ended(shard) {
			t.Errorf("%s ended although it is open", shard)
		}
	}
}

// anyBytes publishes data that libraries in between are known to read, and the
// sizes at the limits.
func anyBytes(t *testing.T, h Harness) {
	magic := []byte{0xF3, 0x89, 0x9A, 0xC2} // begins an aggregated record of the Kinesis Producer Library
	var messages []stream.Message
	for i, data := range [][]byte{
		{},
		{0},
		{0xFF},
		[]byte("\n"),
		[]byte(`{"obs":1}` + "\n"),
		magic,
		magic[:3],
		slices.Concat(magic, []byte{0}),
		slices.Concat(magic, make([]byte, 16)),
		slices.Concat(magic, []byte{0x08, 0x96, 0x01}, make([]byte, 16)), // a wrong MD5
		aggregate(),
		slices.Concat(aggregate(), aggregate()),
		slices.Repeat([]byte{0xF3}, 4096),
	} {
		messages = append(messages, stream.Message{PartitionKey: fmt.Sprintf("bytes-%d", i), Data: data})
	}
	largest := make([]byte, h.MaxRecord-len("largest"))
	for i := range largest {
		largest[i] = byte(i * i >> 3)
	}
	messages = append(messages,
		stream.Message{PartitionKey: "largest", Data: largest},
		stream.Message{PartitionKey: strings.Repeat("k", 256), Data: []byte("the longest partition key")},
		stream.Message{PartitionKey: "ключ", Data: []byte("a partition key beyond ASCII")},
	)
	s := open(t, h, 1)
	w := s.start()
	s.publish(5)
	if err := s.send(messages); err != nil {
		t.Fatal(err)
	}
	s.publish(5)
	s.waitApplied()
	s.stop(w)
	s.check()
}

func publishingNothing(t *testing.T, h Harness) {
	s := open(t, h, 1)
	if err := s.stream.Publisher.Publish(s.ctx, nil); err != nil {
		t.Errorf("publishing no messages: %v", err)
	}
}

func publishCancelled(t *testing.T, h Harness) {
	s := open(t, h, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.stream.Publisher.Publish(ctx, s.messages(3))
	var missing *stream.PublishError
	if !errors.As(err, &missing) {
		t.Fatalf("Publish returned %v, not a *stream.PublishError", err)
	}
	if !slices.Equal(missing.Failed, []int{0, 1, 2}) {
		t.Errorf("Failed is %v, not all three", missing.Failed)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not say that the context was cancelled", err)
	}
}

func resumes(t *testing.T, h Harness) {
	s := open(t, h, 2)
	s.publish(h.Messages / 4)
	w := s.start()
	s.waitApplied()
	s.stop(w)
	s.publish(h.Messages / 4)
	w = s.start()
	s.waitApplied()
	s.stop(w)
	s.check()
	if d := s.sink.Delivered(); d != s.sink.Count() {
		t.Errorf("%d records were delivered for %d: a worker that was stopped gracefully leaves nothing to repeat", d,
			s.sink.Count())
	}
}

func stopDrains(t *testing.T, h Harness) {
	s := open(t, h, 2)
	s.sink.Hold = h.Messages // so that nothing is applied before Drain
	s.publish(h.Messages / 10)
	w := s.start()
	s.waitDelivered()
	if n := s.sink.Count(); n != 0 {
		t.Errorf("%d records were drained although the worker was not stopped", n)
	}
	s.stop(w)
	s.check()
}

func stopIdle(t *testing.T, h Harness) {
	s := open(t, h, 2)
	w := s.start()
	s.wait("both shards are open", func() bool { return len(s.sink.Shards()) == 2 })
	s.stop(w)
	s.check()
}

// stopBlocked stops a worker with a sink that takes nothing until its context ends, as
// a sink does when its database is away.
func stopBlocked(t *testing.T, h Harness) {
	s := open(t, h, 2)
	gate := s.block(s.stream.Shards(t)...)
	s.publish(100)
	w := s.start()
	s.receive("a Deliver", gate.reached)
	s.stop(w)
	close(gate.open)
	w = s.start()
	s.waitApplied()
	s.stop(w)
	s.check()
}

// gate holds the deliveries of some shards up.
type gate struct {
	reached chan struct{} // closed when the first delivery waits
	open    chan struct{} // to be closed when deliveries may pass
}

// block puts a gate before the deliveries of the shards.
func (s *scenario) block(shards ...string) gate {
	g := gate{reached: make(chan struct{}), open: make(chan struct{})}
	var first sync.Once
	s.sink.BeforeDeliver = func(ctx context.Context, shard string, records []stream.Record) error {
		if len(records) == 0 || !slices.Contains(shards, shard) {
			return nil
		}
		first.Do(func() { close(g.reached) })
		select {
		case <-g.open:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return g
}

// receive waits until c is closed.
func (s *scenario) receive(what string, c <-chan struct{}) {
	s.Helper()
	select {
	case <-c:
	case <-s.ctx.Done():
		s.Fatalf("waiting for %s: %v\n%s", what, s.ctx.Err(), s.state())
	}
}

// stall lets time pass, where nothing is there to be waited for.
func (s *scenario) stall() {
	select {
	case <-time.After(s.h.Stall):
	case <-s.ctx.Done():
	}
}

// backPressure blocks one shard for a long time while the other goes on.
func backPressure(t *testing.T, h Harness) {
	s := open(t, h, 2)
	slow := s.stream.Shards(t)[0]
	gate := s.block(slow)
	s.publish(h.Messages / 4)
	w := s.start()
	s.receive("a Deliver of "+slow, gate.reached)
	s.stall() // leases expire by time
	before := s.sink.Count()
	s.publish(keys)
	s.wait("the other shard goes on", func() bool { return s.sink.Count() > before })
	if n := len(s.sink.Applied(slow)); n != 0 {
		t.Errorf("%d records of the blocked shard were applied", n)
	}
	close(gate.open)
	s.waitApplied()
	if n := s.sink.Opened(slow); n != 1 {
		t.Errorf("the blocked shard had %d sessions: it was lost meanwhile", n)
	}
	s.stop(w)
	s.check()
}

var errScripted = errors.New("scripted failure")

func failedDelivery(t *testing.T, h Harness) {
	s := open(t, h, 2)
	s.sink.Hold = 7 // so that records that were delivered and not applied must come again
	var mu sync.Mutex
	deliveries := map[string]int{}
	failures := 0
	s.sink.BeforeDeliver = func(_ context.Context, shard string, records []stream.Record) error {
		mu.Lock()
		defer mu.Unlock()
		if len(records) == 0 {
			return nil
		}
		deliveries[shard]++
		if n := deliveries[shard]; n == 1 || n == 3 || n == 4 {
			failures++
			return errScripted
		}
		return nil
	}
	w := s.start()
	failed := func(n int) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return failures >= n }
	}
	for n := 1; n <= 6; n++ { // three failures in each of two shards
		for !failed(n)() {
			before := s.sink.Delivered()
			s.publish(keys)
			s.wait("a delivery is accepted or fails", func() bool { return failed(n)() || s.sink.Delivered() > before })
		}
	}
	s.publish(h.Messages / 4)
	s.waitDelivered()
	s.stop(w)
	s.check()
	for _, shard := range s.sink.Shards() {
		if n := s.sink.Opened(shard); n < 4 {
			t.Errorf("%s had %d sessions after 3 failures", shard, n)
		}
	}
}

// failedIdle is about a session that loses its shard while there is nothing to
// deliver: without another record nobody would tell the source.
func failedIdle(t *testing.T, h Harness) {
	s := open(t, h, 2)
	var fail sync.Map // shards on which the next empty delivery fails
	s.sink.BeforeDeliver = func(_ context.Context, shard string, records []stream.Record) error {
		if _, scripted := fail.Load(shard); scripted && len(records) == 0 {
			fail.Delete(shard)
			return errScripted
		}
		return nil
	}
	w := s.start()
	s.publish(h.Messages / 4)
	s.waitApplied()
	for _, shard := range s.sink.Shards() {
		opened := s.sink.Opened(shard)
		fail.Store(shard, true)
		s.wait("another session of "+shard, func() bool { return s.sink.Opened(shard) > opened })
	}
	s.publish(h.Messages / 4)
	s.waitApplied()
	s.stop(w)
	s.check()
}

func failedProgress(t *testing.T, h Harness) {
	s := open(t, h, 2)
	var mu sync.Mutex
	calls := 0
	s.sink.BeforeProgress = func(context.Context, string) error {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls <= 5 {
			return errScripted
		}
		return nil
	}
	s.publish(100)
	w := s.start()
	s.waitApplied()
	s.stop(w)
	s.check()
}

// reshard splits and merges while a publisher is at work.
func reshard(t *testing.T, h Harness) {
	s := open(t, h, 2)
	w := s.start()
	resharded := make(chan struct{})
	published := make(chan error, 1)
	go func() { published <- s.publishUntil(resharded) }()
	s.wait("the first records are applied", func() bool { return s.sink.Count() > 0 })
	shards := s.stream.Shards(t)
	s.stream.Split(t, shards[0])
	s.stream.Merge(t, s.newest(2)[0], s.newest(2)[1])
	s.stream.Split(t, s.newest(1)[0])
	close(resharded)
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	s.publish(200) // the newest shards have records too
	s.waitApplied()
	s.wait("the four closed shards have ended", func() bool {
		n := 0
		for _, shard := range s.sink.Shards() {
			if s.sink.Ended(shard) {
				n++
			}
		}
		return n == 4
	})
	s.stop(w)
	s.check()
}

// publishUntil publishes until done is closed, though not without end.
func (s *scenario) publishUntil(done <-chan struct{}) error {
	for n := 0; n < s.h.Messages; n += 20 {
		select {
		case <-done:
			return nil
		default:
		}
		if err := s.send(s.messages(20)); err != nil {
			return err
		}
	}
	return nil
}

// newest returns the n newest open shards. Kinesis numbers shards upwards.
func (s *scenario) newest(n int) []string {
	shards := slices.Sorted(slices.Values(s.stream.Shards(s.T)))
	return shards[len(shards)-n:]
}

// childWaits merges two shards while one of them cannot be read to its end.
func childWaits(t *testing.T, h Harness, slow int) {
	s := open(t, h, 2)
	parents := s.stream.Shards(t)
	gate := s.block(parents[slow])
	s.publish(keys)
	s.stream.Merge(t, parents[0], parents[1])
	s.publish(keys)
	w := s.start()
	s.receive("a Deliver of "+parents[slow], gate.reached)
	s.wait("the other parent has ended", func() bool { return s.sink.Ended(parents[1-slow]) })
	s.stall() // the sink notices if the child is read now
	close(gate.open)
	s.waitApplied()
	s.stop(w)
	s.check()
}

func emptyShardEnds(t *testing.T, h Harness) {
	s := open(t, h, 1)
	parent := s.stream.Shards(t)[0]
	s.stream.Split(t, parent)
	w := s.start()
	s.wait("the parent has ended", func() bool { return s.sink.Ended(parent) })
	s.publish(100)
	s.waitApplied()
	s.stop(w)
	s.check()
}

// stopWhileChildWaits stops a worker that may not read a shard yet.
func stopWhileChildWaits(t *testing.T, h Harness) {
	s := open(t, h, 1)
	parent := s.stream.Shards(t)[0]
	gate := s.block(parent)
	s.publish(50)
	w := s.start()
	s.receive("a Deliver of the parent", gate.reached)
	s.stream.Split(t, parent)
	s.publish(50)
	s.stop(w)
	close(gate.open)
	w = s.start()
	s.waitApplied()
	s.stop(w)
	s.check()
}

// restartAfterReshard starts a worker where some shards have ended.
func restartAfterReshard(t *testing.T, h Harness) {
	s := open(t, h, 2)
	s.publish(100)
	parent := s.stream.Shards(t)[1]
	s.stream.Split(t, parent)
	w := s.start()
	s.wait("the parent has ended", func() bool { return s.sink.Ended(parent) })
	s.stop(w)
	s.publish(200)
	w = s.start()
	s.waitApplied()
	s.stop(w)
	s.check()
}

// named is the scenario's sink as one of several workers sees it: it remembers
// who opened the sessions.
type named struct {
	*Sink
	s    *scenario
	name string
}

// Open remembers the worker and opens the session.
func (n named) Open(shard string, from stream.Position) stream.Session {
	n.s.mu.Lock()
	n.s.owners[shard] = n.name
	n.s.mu.Unlock()
	return n.Sink.Open(shard, from)
}

// startNamed starts a worker for the sink under a name.
func (s *scenario) startNamed(name string) Worker {
	s.Helper()
	return s.stream.Start(s.T, named{s.sink, s, name})
}

// owned returns how many shards' newest sessions the named worker opened.
func (s *scenario) owned(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, owner := range s.owners {
		if owner == name {
			n++
		}
	}
	return n
}

// takeover kills the worker that has more shards.
func takeover(t *testing.T, h Harness) {
	s := open(t, h, 4)
	s.sink.Hold = 5 // the dead worker leaves records that were delivered and not applied
	workers := map[string]Worker{"first": s.startNamed("first"), "second": s.startNamed("second")}
	s.publish(h.Messages / 4)
	s.wait("all shards are open", func() bool { return s.owned("first")+s.owned("second") == 4 })
	s.waitDelivered()
	dies, survives := "first", "second"
	if s.owned(dies) < s.owned(survives) {
		dies, survives = survives, dies
	}
	workers[dies].Kill()
	s.publish(h.Messages / 4)
	s.wait("the survivor has all shards", func() bool { return s.owned(survives) == 4 })
	s.waitDelivered()
	s.stop(workers[survives])
	s.check()
}

// balance adds a worker to one that has all shards, and takes it away again.
func balance(t *testing.T, h Harness) {
	s := open(t, h, 4)
	first := s.startNamed("first")
	s.publish(h.Messages / 4)
	s.wait("the first worker has all shards", func() bool { return s.owned("first") == 4 })
	second := s.startNamed("second")
	s.wait("each worker has its share", func() bool { return s.owned("first") == 2 && s.owned("second") == 2 })
	s.publish(h.Messages / 4)
	s.waitApplied()
	if err := second.Stop(); err != nil {
		t.Fatalf("Stop: %v", err)
	}
	s.wait("the first worker has all shards again", func() bool { return s.owned("first") == 4 })
	s.publish(h.Messages / 4)
	s.waitApplied()
	s.stop(first)
	s.check()
}

func expiredIterators(t *testing.T, h Harness) {
	s := open(t, h, 2)
	s.publish(100)
	w := s.start()
	s.waitApplied()
	for range 3 {
		s.stream.Expire(t)
		s.publish(100)
		s.waitApplied()
	}
	s.stop(w)
	s.check()
}
