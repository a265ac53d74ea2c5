package kcl

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

// The tests of this file are the hazards of the library, by their numbers in the
// package's documentation.

// aggregate makes what the Kinesis Producer Library would: magic, body, digest.
func aggregate(body []byte) string {
	digest := md5.Sum(body)
	return magic + string(body) + string(digest[:])
}

// aggregated is a well-formed aggregate of one record, with an index into a table
// of one partition key.
func aggregated(index byte) string {
	return aggregate([]byte("\x0a\x05inner\x1a\x0a\x08" + string(rune(index)) + "\x1a\x06inside"))
}

func TestItem01_KPLMagicRecord(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	want := []string{"good", aggregate([]byte("no protobuf \xff")), aggregated(7), magic, magic + "short", "also good"}
	s.batch(shard0, want...)
	s.start(s.config(), sink)
	s.until(sink, "all records", func() bool { return sink.Count() == len(want) })
	for i, r := range sink.Applied(shard0) {
		equal(t, fmt.Sprintf("record %d", i), string(r.Data), want[i])
	}
}

func TestItem02_TrimHorizonForChildren(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	sink := &streamtest.Sink{Parents: s.parents}
	s.put(shard0, "parent")
	s.split(shard0)
	s.put(shard1, "a", "b") // nobody has seen these shards yet
	s.put(shard2, "c")
	s.start(s.config(), sink)
	s.until(sink, "all records", func() bool { return sink.Count() == 4 })
	equal(t, "child 1", texts(sink, shard1), "a b")
	equal(t, "child 2", texts(sink, shard2), "c")
}

func TestItem03_ChildWaitsForAllParents(t *testing.T) {
	s := newStack(t, 2, awsfake.Config{})
	slow := make(chan struct{})
	sink := &streamtest.Sink{Parents: s.parents,
		BeforeDeliver: func(ctx context.Context, shard string, _ []stream.Record) error {
			if shard == shard1 { // the second parent, which the library does not look at
				return await(ctx, slow)
			}
			return nil
		}}
	s.put(shard0, "p0")
	s.put(shard1, "p1")
	s.merge(shard0, shard1)
	s.put(shard2, "child")
	s.start(s.config(), sink)
	s.until(sink, "first parent", func() bool { return sink.Ended(shard0) })
	lists := s.aws.Calls("kinesis:ListShards")
	s.poll("passes", func() bool { return s.aws.Calls("kinesis:ListShards") > lists+5 })
	equal(t, "sessions of the child", sink.Opened(shard2), 0)
	equal(t, "owner of the child", s.owner(shard2), "")
	close(slow)
	s.until(sink, "child", func() bool { return texts(sink, shard2) == "child" })
}

func TestItem04_OwnerOnlyAfterLease(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	s.put(shard0, "a")
	s.start(s.hasty(), sink)
	s.until(sink, "a", func() bool { return texts(sink, shard0) == "a" })
	outage := s.aws.Inject(awsfake.Fault{Operation: "dynamodb:UpdateItem", Effect: awsfake.ServerError})
	if err := outage.Wait(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	s.put(shard0, "b")
	s.poll("lease expires", func() bool { return outage.Count() > 20 })
	outage.Remove()
	s.put(shard0, "c")
	s.until(sink, "all", func() bool { return texts(sink, shard0) == "a b c" })
}

func TestItem05_NewWorkerIDAtEachStart(t *testing.T) {
	s, sink := newStack(t, 4, awsfake.Config{}), &streamtest.Sink{}
	for i := range 4 {
		s.put(shardName(i), "x")
	}
	worker, err := New(s.hasty(), sink)
	if err != nil {
		t.Fatal(err)
	}
	first := s.run(worker)
	s.until(sink, "records", func() bool { return sink.Count() == 4 })
	before := s.owner(shard0)
	first.stop()
	// As if it had been killed: its leases are still there.
	for i := range 4 {
		if err := s.table().take(t.Context(), shardName(i), before, claim{}); err != nil {
			t.Fatal(err)
		}
		s.put(shardName(i), "y")
	}
	s.run(worker)
	s.until(sink, "records of all shards", func() bool { return sink.Count() == 8 })
	if after := s.owner(shard0); after == before || after == "" {
		t.Errorf("worker is %q again", after)
	}
}

func TestItem06_FailedRenewalKeepsTheLease(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	var failed atomic.Int32
	cfg := s.config()
	cfg.LeaseDuration = 5 * time.Second
	cfg.Hooks.RenewFailed = func(string, error) { failed.Add(1) }
	s.start(cfg, sink)
	s.until(sink, "session", func() bool { return sink.Opened(shard0) == 1 })
	throttle := s.aws.Inject(awsfake.Fault{Operation: "dynamodb:UpdateItem", Effect: awsfake.Throttle, Times: 5})
	s.poll("throttled renewals", func() bool { return throttle.Count() == 5 })
	seen := must(s.table().claims(t.Context()))[shard0]
	s.poll("renewal", func() bool { return must(s.table().claims(t.Context()))[shard0] != seen })
	s.put(shard0, "a")
	s.until(sink, "a", func() bool { return texts(sink, shard0) == "a" })
	equal(t, "sessions", sink.Opened(shard0), 1)
	if failed.Load() == 0 {
		t.Error("no renewal failed")
	}
}

func TestItem06_LostLeaseDropsWhatIsBuffered(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	sink := &streamtest.Sink{Hold: 10} // nothing is applied before the session is drained
	lost := make(chan error, 1)
	cfg := s.hasty()
	cfg.Hooks.LeaseEnded = func(_ string, err error) { lost <- err }
	r := s.start(cfg, sink)
	s.put(shard0, "a")
	s.until(sink, "a delivered", func() bool { return sink.Delivered() == 1 })
	s.steal(shard0, "thief")
	if err := <-lost; !errors.Is(err, errTaken) {
		t.Errorf("lease ended with %v", err)
	}
	equal(t, "applied", sink.Count(), 0)
	equal(t, "sessions left open", len(sink.Active()), 0)
	equal(t, "owner", s.owner(shard0), "thief") // the loser frees nothing
	r.stop()
}

// steal makes somebody else the owner of a lease.
func (s *stack) steal(shard, thief string) {
	s.Helper()
	s.poll("steal", func() bool {
		return s.table().take(s.Context(), shard, thief, must(s.table().claims(s.Context()))[shard]) == nil
	})
}

func TestItem07_ZombieCannotWrite(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	leases, ctx := s.table(), t.Context()
	check := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	check("take", leases.take(ctx, shard0, "old", claim{}), nil)
	seen := must(leases.claims(ctx))[shard0]
	check("renew", leases.renew(ctx, shard0, "old"), nil)
	check("take what was renewed since", leases.take(ctx, shard0, "new", seen), errTaken)
	seen = must(leases.claims(ctx))[shard0]
	check("take over", leases.take(ctx, shard0, "new", seen), nil)
	held := must(leases.claims(ctx))[shard0]

	check("zombie renews", leases.renew(ctx, shard0, "old"), errTaken)
	check("zombie frees", leases.free(ctx, shard0, "old"), errTaken)
	check("zombie removes", leases.remove(ctx, shard0, "old"), errTaken)
	check("zombie takes", leases.take(ctx, shard0, "old", seen), errTaken)
	check("zombie takes it for free", leases.take(ctx, shard0, "old", claim{}), errTaken)
	equal(t, "lease", must(leases.claims(ctx))[shard0], held)

	check("free", leases.free(ctx, shard0, "new"), nil)
	equal(t, "owner", must(leases.claims(ctx))[shard0].owner, "")
	check("remove", leases.remove(ctx, shard0, "new"), nil)
	equal(t, "leases", len(must(leases.claims(ctx))), 0)
}

func TestItem07_NoPositionsInDynamoDB(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	s.put(shard0, "a")
	s.split(shard0)
	s.start(s.config(), sink)
	s.until(sink, "end", func() bool { return sink.Ended(shard0) && sink.Opened(shard1) == 1 && sink.Opened(shard2) == 1 })
	for _, item := range s.leaseItems() {
		if text(item[attrShard]) == binding {
			continue
		}
		for name := range item {
			if name != attrShard && name != attrOwner && name != attrTimeout && name != attrDuration {
				t.Errorf("attribute %s", name)
			}
		}
	}
	// A table that knows nothing, as after a loss, harms nothing.
	equal(t, "PutItem", s.aws.Calls("dynamodb:PutItem"), 0)
}

func TestItem08_StopWhileChildWaits(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	sink := &streamtest.Sink{Parents: s.parents}
	if err := s.table().take(t.Context(), shard0, "other", claim{}); err != nil {
		t.Fatal(err)
	}
	s.split(shard0)
	cfg := s.config()
	cfg.LeaseDuration, cfg.DrainTimeout = time.Hour, time.Minute // the other's parent lease does not expire
	r := s.start(cfg, sink)
	s.poll("passes", func() bool { return s.aws.Calls("dynamodb:Scan") > 3 })
	equal(t, "owner of the child", s.owner(shard1), "")
	began := time.Now()
	r.stop()
	if took := time.Since(began); took > cfg.DrainTimeout {
		t.Errorf("stopping took %v", took)
	}
}

func TestItem08_StopWhileDeliverBlocks(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	stuck, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	sink := &streamtest.Sink{BeforeDeliver: func(context.Context, string, []stream.Record) error {
		once.Do(func() { close(stuck) })
		<-release // ends with no context
		return nil
	}}
	cfg := s.config()
	cfg.DrainTimeout = time.Second
	s.put(shard0, "a")
	r := s.start(cfg, sink)
	<-stuck
	began := time.Now()
	r.stop()
	if took := time.Since(began); took > time.Minute {
		t.Errorf("stopping took %v", took)
	}
	equal(t, "owner", s.owner(shard0), "") // given up all the same
	close(release)
}

func TestItem09_NoEndAfterAbort(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	var tries atomic.Int32
	var sink *streamtest.Sink
	sink = &streamtest.Sink{Parents: s.parents, BeforeDeliver: func(_ context.Context, shard string,
		_ []stream.Record) error {
		if shard == shard0 && tries.Add(1) <= 2 {
			return errors.New("database is away")
		}
		if sink.Ended(shard0) && shard == shard0 {
			return errors.New("ended before its last records")
		}
		return nil
	}}
	s.batch(shard0, "last")
	s.split(shard0)
	s.start(s.config(), sink)
	s.until(sink, "end", func() bool { return sink.Ended(shard0) })
	equal(t, "applied", texts(sink, shard0), "last")
	equal(t, "tries", tries.Load(), 3)
}

func TestItem10_ExpiredIterator(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	s.start(s.config(), sink)
	s.put(shard0, "a")
	s.until(sink, "a", func() bool { return texts(sink, shard0) == "a" })
	expired := s.aws.Inject(awsfake.Fault{Operation: "kinesis:GetRecords", Effect: awsfake.ExpiredIterator, Times: 1})
	if err := expired.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	s.put(shard0, "b")
	s.until(sink, "b", func() bool { return texts(sink, shard0) == "a b" })
	equal(t, "sessions", sink.Opened(shard0), 1)
	equal(t, "delivered", sink.Delivered(), 2)
	equal(t, "gaps", len(sink.Gaps(shard0)), 0)
}

func TestItem11_HungRead(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	s.start(s.hasty(), sink)
	s.put(shard0, "a")
	s.until(sink, "a", func() bool { return texts(sink, shard0) == "a" })
	hole := s.aws.Inject(awsfake.Fault{Operation: "kinesis:GetRecords", Effect: awsfake.BlackHole, Times: 1})
	if err := hole.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	s.put(shard0, "b")
	s.until(sink, "b", func() bool { return texts(sink, shard0) == "a b" })
	equal(t, "sessions", sink.Opened(shard0), 1)
}

func TestItem11_ReadsThatKeepHangingGiveTheLeaseUp(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	cfg := s.config()
	cfg.LeaseDuration = 300 * time.Millisecond
	ended := make(chan error, 10)
	cfg.Hooks.LeaseEnded = func(_ string, err error) { ended <- err }
	s.start(cfg, sink)
	s.until(sink, "session", func() bool { return sink.Opened(shard0) == 1 })
	hole := s.aws.Inject(awsfake.Fault{Operation: "kinesis:GetRecords", Effect: awsfake.BlackHole})
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("lease ended with %v", err)
	}
	hole.Remove()
	s.put(shard0, "a")
	s.until(sink, "a", func() bool { return texts(sink, shard0) == "a" })
}

func TestItem14_TableIsNotCreated(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	cfg := s.config()
	cfg.LeaseTable = "missing"
	worker := must(New(cfg, &streamtest.Sink{}))
	err := worker.Run(t.Context())
	contains(t, err, `lease table missing does not exist`, `aws dynamodb create-table --table-name missing`)

	cfg.LeaseTable = app
	s.aws.Inject(awsfake.Fault{Operation: "dynamodb:DescribeTable", Effect: awsfake.Deny})
	creates := s.aws.Calls("dynamodb:CreateTable")
	contains(t, must(New(cfg, &streamtest.Sink{})).Run(t.Context()), "is dynamodb:DescribeTable allowed?")
	equal(t, "CreateTable", s.aws.Calls("dynamodb:CreateTable"), creates)
}

func TestItem15_NoDeaggregation(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	whole := aggregated(0) // the library would unpack it
	s.put(shard0, whole)
	s.start(s.config(), sink)
	s.until(sink, "record", func() bool { return sink.Count() == 1 })
	got := sink.Applied(shard0)[0]
	equal(t, "data", string(got.Data), whole)
	equal(t, "partition key", got.PartitionKey, "key")
}

func TestItem17_PollingOnly(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	s.put(shard0, "a")
	s.start(s.config(), sink).stack.until(sink, "a", func() bool { return sink.Count() == 1 })
	for _, operation := range []string{"SubscribeToShard", "RegisterStreamConsumer", "DescribeStreamConsumer"} {
		equal(t, operation, s.aws.Calls("kinesis:"+operation), 0)
	}
}

// await waits for a channel to be closed.
func await(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestItem12_ManyShardsAreTakenSoon(t *testing.T) {
	const n = 32
	s, sink := newStack(t, n, awsfake.Config{}), &streamtest.Sink{}
	cfg := s.config()
	cfg.ShardSyncInterval = 5 * time.Second // a lease per pass would take minutes
	s.start(cfg, sink)
	s.until(sink, "all shards", func() bool { return len(sink.Shards()) == n })
	scans := s.aws.Calls("dynamodb:Scan")
	equal(t, "GetItem", s.aws.Calls("dynamodb:GetItem"), 0)
	if scans > 10 {
		t.Errorf("the lease table was read %d times", scans)
	}
}

func TestItem13_WorkersShareWithoutStealing(t *testing.T) {
	s, sink := newStack(t, 5, awsfake.Config{}), &streamtest.Sink{}
	var first, second, taken atomic.Int32
	count := func(held *atomic.Int32) Config {
		cfg := s.config()
		cfg.Hooks.LeaseTaken = func(string) { held.Add(1); taken.Add(1) }
		cfg.Hooks.LeaseEnded = func(_ string, err error) {
			if err != nil {
				t.Errorf("lease ended with %v", err)
			}
			held.Add(-1)
		}
		return cfg
	}
	s.start(count(&first), sink)
	s.until(sink, "all shards", func() bool { return len(sink.Shards()) == 5 })
	other := s.start(count(&second), sink)
	s.poll("shares", func() bool { return first.Load() == 3 && second.Load() == 2 })
	lists := s.aws.Calls("kinesis:ListShards")
	s.poll("passes", func() bool { return s.aws.Calls("kinesis:ListShards") > lists+20 })
	if f, o := first.Load(), second.Load(); f != 3 || o != 2 {
		t.Errorf("the workers have %d and %d shards", f, o)
	}
	equal(t, "leases taken", taken.Load(), 5+2) // and none there and back again
	other.stop()
	s.poll("all shards again", func() bool { return first.Load() == 5 })
	workers := 0
	for key := range must(s.table().claims(t.Context())) {
		if strings.HasPrefix(key, presence) {
			workers++
		}
	}
	equal(t, "workers in the lease table", workers, 1)
}

// A worker that is alive but takes nothing must not keep shards from being read.
func TestItem13_WorkerThatTakesNothing(t *testing.T) {
	s, sink := newStack(t, 2, awsfake.Config{}), &streamtest.Sink{}
	const ghost = presence + "ghost"
	if err := s.table().take(t.Context(), ghost, "ghost", claim{}); err != nil {
		t.Fatal(err)
	}
	alive := make(chan struct{})
	go func() {
		defer close(alive)
		for sleep(t.Context(), 100*time.Millisecond) {
			_ = s.table().renew(t.Context(), ghost, "ghost")
		}
	}()
	t.Cleanup(func() { <-alive })
	cfg := s.hasty()
	s.start(cfg, sink)
	s.until(sink, "one shard", func() bool { return len(sink.Shards()) == 1 })
	s.until(sink, "both shards", func() bool { return len(sink.Shards()) == 2 })
	lists := s.aws.Calls("kinesis:ListShards")
	s.poll("passes", func() bool { return s.aws.Calls("kinesis:ListShards") > lists+20 })
	equal(t, "shards that are read", len(sink.Active()), 2)
}

func TestItem16_ShardThatVanishedUnread(t *testing.T) {
	clock := &clock{}
	s := newStack(t, 1, awsfake.Config{Now: clock.now})
	slow := make(chan struct{})
	defer close(slow)
	sink := &streamtest.Sink{BeforeDeliver: func(ctx context.Context, shard string, records []stream.Record) error {
		if shard == shard0 && len(records) > 0 && string(records[0].Data) != "a" {
			return errors.New("database is away")
		}
		return nil
	}}
	s.put(shard0, "a")
	s.start(s.config(), sink)
	s.until(sink, "a", func() bool { return texts(sink, shard0) == "a" })
	s.put(shard0, "b")
	s.split(shard0)
	s.put(shard1, "child")
	equal(t, "sessions of the child", sink.Opened(shard1), 0)
	clock.advance(25 * time.Hour) // more than the stream keeps
	s.until(sink, "gap", func() bool { return len(sink.Gaps(shard0)) > 0 && sink.Ended(shard0) })
	gap := sink.Gaps(shard0)[0]
	equal(t, "after", gap.After, sink.Applied(shard0)[0].Sequence)
	s.until(sink, "child is read", func() bool { return sink.Opened(shard1) > 0 })
	s.poll("the lease is removed", func() bool {
		_, ok := must(s.table().claims(t.Context()))[shard0]
		return !ok
	})
	equal(t, "gaps", len(sink.Gaps(shard0)), 1)
}

// What was read before a shard vanished is applied, and only the rest is a gap.
func TestItem16_ShardThatVanishesWhileItIsRead(t *testing.T) {
	clock := &clock{}
	s := newStack(t, 1, awsfake.Config{Now: clock.now})
	slow, stuck := make(chan struct{}), make(chan struct{})
	var once sync.Once
	sink := &streamtest.Sink{BeforeDeliver: func(ctx context.Context, shard string, records []stream.Record) error {
		if shard == shard0 && len(records) > 0 {
			once.Do(func() { close(stuck) })
			return await(ctx, slow)
		}
		return nil
	}}
	s.put(shard0, "a")
	s.start(s.config(), sink)
	<-stuck
	s.split(shard0)
	clock.advance(25 * time.Hour)
	s.put(shard1, "child")
	s.start(s.config(), sink) // one that does not have the shard
	lists := s.aws.Calls("kinesis:ListShards")
	s.poll("passes", func() bool { return s.aws.Calls("kinesis:ListShards") > lists+10 })
	equal(t, "gaps", len(sink.Gaps(shard0)), 0)
	equal(t, "sessions of the child", sink.Opened(shard1), 0)
	close(slow)
	s.until(sink, "child", func() bool { return texts(sink, shard1) == "child" })
	equal(t, "parent", texts(sink, shard0), "a")
	equal(t, "ended", sink.Ended(shard0), true)
}

func TestItem16_ParentThatVanishedBeforeTheStart(t *testing.T) {
	clock := &clock{}
	s, sink := newStack(t, 1, awsfake.Config{Now: clock.now}), &streamtest.Sink{}
	s.put(shard0, "a")
	first := s.start(s.config(), sink)
	s.until(sink, "a", func() bool { return texts(sink, shard0) == "a" })
	first.stop()
	s.put(shard0, "b")
	s.split(shard0)
	clock.advance(25 * time.Hour)
	s.put(shard1, "child")
	s.start(s.config(), sink)
	s.until(sink, "child", func() bool { return texts(sink, shard1) == "child" })
	equal(t, "gaps", len(sink.Gaps(shard0)), 1)
	equal(t, "ended", sink.Ended(shard0), true)
}

func TestItem18_ThrottledReadsGoOn(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	s.start(s.config(), sink)
	s.until(sink, "session", func() bool { return sink.Opened(shard0) == 1 })
	throttle := s.aws.Inject(awsfake.Fault{Operation: "kinesis:GetRecords", Effect: awsfake.Throttle, Times: 2})
	failure := s.aws.Inject(awsfake.Fault{Operation: "kinesis:GetRecords", Effect: awsfake.ServerError, Times: 1})
	reset := s.aws.Inject(awsfake.Fault{Operation: "kinesis:GetRecords", Effect: awsfake.Reset, Times: 1})
	s.put(shard0, "a")
	s.until(sink, "a", func() bool { return texts(sink, shard0) == "a" })
	equal(t, "faults", throttle.Count()+failure.Count()+reset.Count(), 4)
	equal(t, "sessions", sink.Opened(shard0), 1)
}

func TestItem18_StopWhileThrottled(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	r := s.start(s.config(), sink)
	s.until(sink, "session", func() bool { return sink.Opened(shard0) == 1 })
	throttle := s.aws.Inject(awsfake.Fault{Operation: "kinesis:GetRecords", Effect: awsfake.Throttle})
	if err := throttle.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	r.stop()
	equal(t, "owner", s.owner(shard0), "")
}
