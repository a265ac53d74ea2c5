package kcl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/vmware/vmware-go-kcl-v2/clientlibrary/checkpoint"
	"github.com/vmware/vmware-go-kcl-v2/clientlibrary/config"
	"github.com/vmware/vmware-go-kcl-v2/clientlibrary/partition"
	"golang.org/x/sync/semaphore"

	"github.com/hubspoke/observability/lib/stream"
)

// run is one Run of a worker. To the library it is the checkpointer, the maker of
// record processors, and what answers its calls to Kinesis.
//
// The library looks for work in one goroutine, its event loop: it lists the
// shards, asks FetchCheckpoint and GetLease for those that it does not own, and
// starts a goroutine for one that it got.
type run struct {
	cfg        Config
	sink       stream.Sink
	log        *slog.Logger
	worker     string // its name in the lease table
	streamName *string
	streamARN  *string
	table      table
	progress   progress
	unaccepted *semaphore.Weighted // see Worker

	// base outlives the stop, draining lasts until the time for draining is over,
	// reading until the stop.
	base, draining, reading context.Context
	stopDraining            context.CancelCauseFunc
	stopReading             context.CancelCauseFunc

	mu     sync.Mutex
	leases map[string]*lease
	broken chan error // takes one: why the worker cannot go on

	// Of the event loop:
	library   *config.KinesisClientLibConfiguration
	shards    map[string]types.Shard // as last listed
	before    map[string]types.Shard // as listed before that; nil after the first listing
	vanished  map[string]bool        // no longer listed, and not yet seen to
	observed  map[string]observation
	lookedAt  time.Time            // when observed was read
	waiting   map[string]time.Time // since when shards could be read, and nobody has
	keepUntil time.Time            // when to share again with workers that took nothing
	compared  bool                 // a lease duration was found that is not this worker's
	listing   streak
	looking   streak
	retries   retries
}

// streak logs the first of a row of errors, and none that come with the stop.
type streak struct{ failing bool }

func (s *streak) note(r *run, what string, err error) {
	if err != nil && !s.failing && r.reading.Err() == nil {
		r.log.Warn(what+", will be tried again", "err", err)
	}
	s.failing = err != nil
}

// observation is a lease as it was read, and since when it has been like that.
type observation struct {
	claim
	since time.Time
}

// listShards answers the library with all shards, and is the start of a pass of
// its event loop.
func (r *run) listShards() (*kinesis.ListShardsOutput, error) {
	r.library.ShardSyncIntervalMillis = int(r.cfg.ShardSyncInterval.Milliseconds())
	shards := map[string]types.Shard{}
	out := &kinesis.ListShardsOutput{}
	in := &kinesis.ListShardsInput{
		StreamName: r.streamName, StreamARN: r.streamARN,
		// One page for all: a NextToken comes without the ARN, and a stream of
		// another account is not found by it.
		MaxResults: aws.Int32(10_000),
	}
	ctx, cancel := context.WithTimeout(r.reading, r.cfg.LeaseDuration)
	defer cancel()
	for in != nil {
		page, err := r.cfg.Kinesis.ListShards(ctx, in)
		if err != nil {
			return nil, r.listFailed(err)
		}
		out.Shards = append(out.Shards, page.Shards...)
		in = nil
		if page.NextToken != nil {
			in = &kinesis.ListShardsInput{NextToken: page.NextToken}
		}
	}
	for _, shard := range out.Shards {
		shards[aws.ToString(shard.ShardId)] = shard
	}
	r.before, r.shards = r.shards, shards
	r.listing.note(r, "shards not listed", nil)
	r.cfg.Hooks.ShardsListed(r.open())
	r.looking.note(r, "leases not read", r.lookAround())
	for shard := range r.vanished {
		if _, back := r.shards[shard]; back {
			delete(r.vanished, shard)
		} else if err := r.removeGone(shard); err != nil {
			r.log.Warn("shard that is gone", "shard", shard, "err", err)
		}
	}
	return out, nil
}

// lookAround reads the leases, and does what follows from them.
func (r *run) lookAround() error {
	if err := r.observe(); err != nil {
		return err
	}
	r.compareDurations()
	r.giveUpExcess()
	return r.removeDeadWorkers()
}

func (r *run) listFailed(err error) error {
	var gone *types.ResourceNotFoundException
	switch {
	case errors.As(err, &gone):
		r.breakDown(fmt.Errorf("kcl: stream %s is gone: %w", r.cfg.streamName(), err))
	default:
		r.listing.note(r, "shards not listed", err)
	}
	return reported{err}
}

// breakDown makes Run stop and return err.
func (r *run) breakDown(err error) {
	select {
	case r.broken <- err:
	default:
	}
}

// FetchCheckpoint gives the library the position of a shard: the Sink's, and only
// for a lease that is held. It does not touch the owner: the library takes itself
// for the owner of what says so, and then never asks for the lease.
//
// For a shard that is not held, and for the parent that the library would wait
// for, it answers what is known without asking anybody. GetLease decides.
func (r *run) FetchCheckpoint(status *partition.ShardStatus) error {
	if l := r.lease(status.ID); l != nil && l.status == status {
		if err := l.attempt(l.position); err != nil {
			return err
		}
		status.SetCheckpoint(l.from.Sequence)
	} else if r.progress.knownEnded(status.ID) {
		status.SetCheckpoint(checkpoint.ShardEnd)
	} else {
		status.SetCheckpoint("")
	}
	if status.GetCheckpoint() == "" {
		return checkpoint.ErrSequenceIDNotFound
	}
	return nil
}

// declined makes the library go on to the next shard.
var declined = checkpoint.ErrLeaseNotAcquired{}

// GetLease takes the lease of a shard that can be read now: it has not ended, its
// parents have, and nobody else has it. The library would also renew leases with
// it, but is set up never to: see [lease.renew].
func (r *run) GetLease(status *partition.ShardStatus, _ string) error {
	err := r.protect(func() error { return r.take(status) })
	if err != nil && !errors.As(err, &checkpoint.ErrLeaseNotAcquired{}) && r.reading.Err() == nil {
		r.log.Warn("lease not taken, will be tried again", "shard", status.ID, "err", err)
		r.retries.note(status.ID, err, false)
		return reported{err}
	}
	return err
}

func (r *run) take(status *partition.ShardStatus) error {
	if r.reading.Err() != nil || r.cfg.Ready() != nil || r.lease(status.ID) != nil || r.retries.wait(status.ID) {
		return declined
	}
	if err := r.observe(); err != nil {
		return err
	}
	seen := r.observed[status.ID]
	if seen.owner != "" && seen.owner != r.worker && r.fresh(seen) {
		delete(r.waiting, status.ID)
		return declined
	}
	ready, err := r.ready(status.ID)
	if err != nil {
		return err
	}
	if !ready {
		delete(r.waiting, status.ID)
		return declined
	}
	since, known := r.waiting[status.ID]
	if !known {
		since = time.Now()
		r.waiting[status.ID] = since
	}
	// A shard that has waited for a lease duration may be taken by every worker: those
	// that have fewer shards do not seem to be able to.
	spare := len(r.held()) < r.share()
	if !spare && time.Since(since) < r.cfg.LeaseDuration {
		return declined
	}
	began := time.Now()
	// Not cut short by a stop: it might be done, and nobody would know.
	switch err := r.table.take(r.base, status.ID, r.worker, seen.claim); {
	case errors.Is(err, errTaken):
		r.lookedAt = time.Time{} // look again
		return declined
	case err != nil:
		return err
	}
	delete(r.waiting, status.ID)
	l := r.newLease(status, began)
	r.mu.Lock()
	r.leases[status.ID] = l
	r.mu.Unlock()
	status.SetLeaseOwner(r.worker)
	if !spare {
		r.keepUntil = began.Add(keepFor * r.cfg.LeaseDuration)
	}
	// The library takes one lease per pass. There may be more to take.
	r.library.ShardSyncIntervalMillis = firstInterval
	r.log.Info("lease taken", "shard", l.shard)
	r.callHook(func() { r.cfg.Hooks.LeaseTaken(l.shard) })
	return nil
}

// firstInterval is the interval before the first pass and after one that took a lease, in
// milliseconds.
const firstInterval = 20

// ready says whether a shard can be read: it has not ended, and all its parents
// that the stream still lists have. Their ends are what the Sink says they are.
func (r *run) ready(shard string) (bool, error) {
	at, err := r.progress.of(r.reading, shard)
	if err != nil || at.Ended {
		return false, err
	}
	listed := r.shards[shard]
	for _, parent := range []*string{listed.ParentShardId, listed.AdjacentParentShardId} {
		if parent == nil {
			continue
		}
		at, err := r.progress.of(r.reading, *parent)
		if err != nil {
			return false, err
		}
		if at.Ended {
			continue
		}
		if !r.gone(*parent) || r.beingRead(*parent) {
			return false, nil
		}
		if err := r.closeGap(*parent, false); err != nil {
			return false, err
		}
	}
	return true, nil
}

// gone says whether the stream has not listed a shard twice in a row. Once is not
// enough to give up records that may still be there.
func (r *run) gone(shard string) bool {
	_, now := r.shards[shard]
	_, before := r.before[shard]
	return r.before != nil && !now && !before
}

// beingRead says whether a shard is read, or applied, here or elsewhere.
func (r *run) beingRead(shard string) bool {
	seen := r.observed[shard]
	return r.lease(shard) != nil || seen.owner != "" && seen.owner != r.worker && r.fresh(seen)
}

// closeGap records that a shard went before it was read to its end, if it did, and
// ends it: there is nothing more to come. Of a shard that the Sink knows nothing of
// there is only something to record if it was seen.
func (r *run) closeGap(shard string, seen bool) error {
	at, err := r.progress.ask(r.reading, shard)
	if err != nil || at.Ended || at.Sequence == "" && !seen {
		return err
	}
	gap := stream.Gap{After: at.Sequence, Reason: "the stream no longer lists the shard, which had not been read to " +
		"its end"}
	r.log.Error("records may be lost to the stream", "shard", shard, "after", gap.After, "reason", gap.Reason)
	ctx, cancel := context.WithTimeout(r.reading, r.cfg.LeaseDuration)
	defer cancel()
	if err := r.sink.Gap(ctx, shard, gap); err != nil {
		return fmt.Errorf("record the gap at the end of shard %s: %w", shard, err)
	}
	session := r.sink.Open(shard, at)
	if err := session.End(ctx); err != nil {
		session.Abandon()
		return fmt.Errorf("end shard %s, which is gone: %w", shard, err)
	}
	r.progress.store(shard, stream.Position{Sequence: at.Sequence, Ended: true})
	return nil
}

// observe reads the leases if it is time to. A lease of another worker is taken
// to be expired when it has not changed for a lease duration by the clock of this
// worker: the clocks of workers need not agree.
func (r *run) observe() error {
	if time.Since(r.lookedAt) < r.cfg.ShardSyncInterval {
		return nil
	}
	claims, err := r.table.claims(r.reading)
	if err != nil {
		var gone *dynamodbtypes.ResourceNotFoundException
		if errors.As(err, &gone) {
			r.breakDown(fmt.Errorf("kcl: lease table %s is gone: %w", r.cfg.LeaseTable, err))
		}
		return err
	}
	for shard := range r.shards {
		if _, ok := claims[shard]; !ok {
			claims[shard] = claim{} // free, and never taken yet
		}
	}
	now := time.Now()
	observed := make(map[string]observation, len(claims))
	for shard, claim := range claims {
		observed[shard] = observation{claim, now}
		if before, ok := r.observed[shard]; ok && before.claim == claim {
			observed[shard] = before
		}
	}
	r.observed, r.lookedAt = observed, now
	return nil
}

// RemoveLeaseInfo is told that the stream no longer lists a shard.
func (r *run) RemoveLeaseInfo(shard string) error {
	r.vanished[shard] = true
	return nil
}

// removeGone removes what there is of a shard that is gone, when what was read of it
// before is applied.
func (r *run) removeGone(shard string) error {
	return r.protect(func() error {
		if !r.gone(shard) || r.beingRead(shard) {
			return nil
		}
		if err := r.closeGap(shard, true); err != nil {
			return err
		}
		if err := r.table.remove(r.reading, shard, r.worker); err != nil && !errors.Is(err, errTaken) {
			return err
		}
		delete(r.vanished, shard)
		delete(r.waiting, shard)
		r.progress.forget(shard)
		r.callHook(func() { r.cfg.Hooks.ShardGone(shard) })
		return nil
	})
}

// RemoveLeaseOwner is called by the library whenever it leaves a shard, for
// whatever reason.
func (r *run) RemoveLeaseOwner(shard string) error {
	if l := r.lease(shard); l != nil {
		l.finish()
	}
	return nil
}

// protect turns a panic into an error: the library recovers none, and one would
// end the process.
func (r *run) protect(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			r.log.Error("panic", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return do()
}

// callHook calls a hook and logs its panic, so that a hook cannot leave a lease
// half taken.
func (r *run) callHook(hook func()) { _ = r.protect(func() error { hook(); return nil }) }

func (r *run) lease(shard string) *lease {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leases[shard]
}

func (r *run) held() []*lease {
	r.mu.Lock()
	defer r.mu.Unlock()
	var held []*lease
	for _, l := range r.leases {
		held = append(held, l)
	}
	return held
}

// forget is the end of a lease. err is why, nil when all is in order.
func (r *run) forget(l *lease, err error, delivered bool) {
	if err == nil {
		r.log.Info("lease given up", "shard", l.shard)
	} else {
		r.log.Warn("shard left", "shard", l.shard, "err", err)
	}
	r.retries.note(l.shard, err, delivered)
	r.callHook(func() { r.cfg.Hooks.LeaseEnded(l.shard, err) })
	r.mu.Lock() // from here on the shard can be taken again
	defer r.mu.Unlock()
	delete(r.leases, l.shard)
}

// Init has nothing to do: Run has looked at the table.
func (r *run) Init() error { return nil }

// The library has these for what this package does not use.

var errUnused = errors.New("kcl: not used")

// CheckpointSequence is not used: positions are the Sink's.
func (r *run) CheckpointSequence(*partition.ShardStatus) error { return errUnused }

// GetLeaseOwner is not used.
func (r *run) GetLeaseOwner(string) (string, error) { return "", errUnused }

// ListActiveWorkers is for stealing leases, which is off.
func (r *run) ListActiveWorkers(map[string]*partition.ShardStatus) (map[string][]*partition.ShardStatus, error) {
	return nil, errUnused
}

// ClaimShard is for stealing leases, which is off.
func (r *run) ClaimShard(*partition.ShardStatus, string) error { return errUnused }

// retries spaces the attempts at shards that keep failing.
type retries struct {
	interval time.Duration

	mu     sync.Mutex
	failed map[string]failures
}

type failures struct {
	in    int // a row
	after time.Time
}

// mostWait is the longest pause between two attempts at a shard.
const mostWait = 10 * time.Second

// wait says whether it is too early to try the shard again.
func (r *retries) wait(shard string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Before(r.failed[shard].after)
}

// note takes down how an attempt ended. One that delivered something starts the
// count anew.
func (r *retries) note(shard string, err error, delivered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		delete(r.failed, shard)
		return
	}
	f := r.failed[shard]
	if delivered {
		f.in = 0
	}
	wait := min(r.interval<<min(f.in, 16), mostWait)
	r.failed[shard] = failures{in: f.in + 1, after: time.Now().Add(wait)}
}
