package kcl

import (
	"errors"
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
