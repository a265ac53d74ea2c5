package kcl

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vmware/vmware-go-kcl-v2/clientlibrary/checkpoint"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

// A shard above the share is taken when nobody else has taken it for a lease
// duration in which it could be read: how long it lay free before, waiting for its
// parent, says nothing about the other workers.
func TestItem13_ChildrenThatWaitedAreShared(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	s.split(shard0)
	cfg := s.config()
	cfg.ShardSyncInterval, cfg.LeaseDuration = time.Hour, time.Minute // what it has seen stays as it is
	r := must(New(cfg, sink)).newRun(t.Context())
	must(r.listShards())
	long := time.Now().Add(-time.Hour)
	ghost := claim{owner: "ghost", timeout: "t"}
	r.observed = map[string]observation{
		shard0: {ghost, time.Now()}, shard1: {claim{}, long}, shard2: {claim{}, long},
		presence + "ghost": {ghost, time.Now()},
	}
	take := func(what string, shard string, taken bool) {
		t.Helper()
		status := newStatus(shard)
		err := r.GetLease(status, "")
		if declined := errors.As(err, &checkpoint.ErrLeaseNotAcquired{}); declined == taken || !declined && err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	take("before the parent's end", shard1, false)
	if err := sink.Open(shard0, stream.Position{}).End(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.progress.store(shard0, stream.Position{Ended: true})
	take("one of two", shard1, true)
	take("the other's", shard2, false)
	r.waiting[shard2] = long
	r.observed[shard2] = observation{ghost, time.Now()}
	take("what the other has", shard2, false)
	r.observed[shard2] = observation{claim{}, time.Now()}
	take("what the other had", shard2, false)
	r.waiting[shard2] = long
	take("what nobody takes", shard2, true)
	for _, l := range r.held() {
		l.finish()
	}
}

// A shard is left alone for a while after its last attempts failed.
func TestShardThatKeepsFailingWaits(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	cfg := s.config()
	cfg.ShardSyncInterval = time.Hour // the first pause
	r := must(New(cfg, &streamtest.Sink{})).newRun(t.Context())
	must(r.listShards())
	status := newStatus(shard0)
	r.retries.note(shard0, errors.New("failure"), false)
	if err := r.GetLease(status, ""); !errors.As(err, &checkpoint.ErrLeaseNotAcquired{}) {
		t.Errorf("while it waits: %v", err)
	}
	r.retries.note(shard0, nil, false)
	if err := r.GetLease(status, ""); err != nil {
		t.Errorf("after that: %v", err)
	}
	r.lease(shard0).finish()
}

// A worker that took a lease asks anew: the shard may have ended since it looked.
func TestShardThatEndedMeanwhile(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	cfg := s.config()
	cfg.ShardSyncInterval = time.Hour // as long as positions are believed
	r := must(New(cfg, sink)).newRun(t.Context())
	must(r.listShards())
	r.progress.store(shard0, stream.Position{})
	if err := sink.Open(shard0, stream.Position{}).End(t.Context()); err != nil {
		t.Fatal(err)
	}
	status := newStatus(shard0)
	if err := r.GetLease(status, ""); err != nil {
		t.Fatal(err)
	}
	contains(t, r.FetchCheckpoint(status), errEnded.Error())
	equal(t, "ended", r.progress.ended(shard0), true)
	r.lease(shard0).finish()
}

// Workers with different lease durations respect each other's, and say so.
func TestLeaseDurationOfTheOwnerCounts(t *testing.T) {
	s := newStack(t, 2, awsfake.Config{})
	var log bytes.Buffer
	slow := must(New(s.config(), &streamtest.Sink{})).newRun(t.Context())
	must(slow.listShards())
	if err := slow.GetLease(newStatus(shard0), ""); err != nil {
		t.Fatal(err)
	}
	defer slow.lease(shard0).finish()
	cfg := s.config()
	cfg.LeaseDuration, cfg.Logger = cfg.LeaseDuration/10, slog.New(slog.NewTextHandler(&log, nil))
	hasty := must(New(cfg, &streamtest.Sink{})).newRun(t.Context())
	must(hasty.listShards())
	must(hasty.listShards())
	if n := strings.Count(log.String(), "own=1.5s other=15s of="+slow.worker); n != 1 {
		t.Errorf("said %d times:\n%s", n, &log)
	}
	o := hasty.observed[shard0]
	for ago, fresh := range map[time.Duration]bool{14: true, 16: false} {
		o.since = time.Now().Add(-ago * time.Second)
		equal(t, fmt.Sprintf("fresh after %d s", ago), hasty.fresh(o), fresh)
	}
}

// A worker that cannot apply anything gives its shards up, and takes none.
func TestWorkerThatIsNotReadyLeavesItsShards(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	var broken atomic.Bool
	cfg := s.hasty()
	cfg.Ready = func() error {
		if broken.Load() {
			return errors.New("nothing works here")
		}
		return nil
	}
	s.start(cfg, sink)
	s.poll("its lease", func() bool { return s.owner(shard0) != "" })
	broken.Store(true)
	s.poll("no lease", func() bool { return s.owner(shard0) == "" })
	s.poll("its row to be gone", func() bool { return len(must(s.table().claims(t.Context()))) == 1 })
	broken.Store(false)
	s.poll("its lease again", func() bool { return s.owner(shard0) != "" })
}

// The row of a worker that died is removed, that of one which is silent is not yet.
func TestRowsOfDeadWorkersAreRemoved(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	r := must(New(s.config(), &streamtest.Sink{})).newRun(t.Context())
	for _, name := range []string{"dead", "silent"} {
		if err := s.table().take(t.Context(), presence+name, name, claim{}); err != nil {
			t.Fatal(err)
		}
	}
	must(r.listShards())
	for name, ago := range map[string]time.Duration{"dead": 3, "silent": 1} {
		o := r.observed[presence+name]
		o.since = time.Now().Add(-ago * r.duration(o))
		r.observed[presence+name] = o
	}
	if err := r.removeDeadWorkers(); err != nil {
		t.Fatal(err)
	}
	claims := must(s.table().claims(t.Context()))
	equal(t, "owner of the row of the dead", claims[presence+"dead"].owner, "")
	equal(t, "owner of the row of the silent", claims[presence+"silent"].owner, "silent")
}
