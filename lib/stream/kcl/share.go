package kcl

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"
)

// Workers share the shards: none takes more than its share, and one that has more
// gives up. For that a worker without leases must be known too, so each has a row
// of its own in the lease table.

// presence is the key of a worker's own row, with the worker's name behind it. No
// shard is called like that.
const presence = "worker/"

// heartbeat keeps the worker's own row fresh until ctx is done, and then removes it.
func (r *run) heartbeat(ctx context.Context) {
	key := presence + r.worker
	for {
		var err error
		if r.cfg.Ready() != nil { // the others must not count on it
			err = r.table.remove(ctx, key, r.worker)
		} else if err = r.table.renew(ctx, key, r.worker); errors.Is(err, errTaken) { // not there yet, or taken for dead
			err = r.table.take(ctx, key, r.worker, claim{})
		}
		if err != nil && ctx.Err() == nil {
			r.log.Warn("worker not made known to the others, will be tried again", "err", err)
		}
		if !sleep(ctx, r.cfg.LeaseDuration/4) {
			break
		}
	}
	if err := r.table.remove(r.base, key, r.worker); err != nil && !errors.Is(err, errTaken) {
		r.log.Warn("worker not taken from the lease table", "err", err)
	}
}

// fresh says whether a row has changed within a lease duration of its owner, as far
// as this worker could see.
func (r *run) fresh(o observation) bool { return time.Since(o.since) < r.duration(o) }

// duration is how long the leases of a row's owner last.
func (r *run) duration(o observation) time.Duration { return cmp.Or(o.duration, r.cfg.LeaseDuration) }

// compareDurations says so, once, when another worker has another lease duration: it
// is respected, but a shard then changes hands as late as the longest one allows.
func (r *run) compareDurations() {
	if r.compared {
		return
	}
	for _, o := range r.observed {
		if o.owner != "" && o.owner != r.worker && r.duration(o) != r.cfg.LeaseDuration && r.fresh(o) {
			r.compared = true
			r.log.Warn("another worker of this lease table has another lease duration; give all the same",
				"table", r.cfg.LeaseTable, "own", r.cfg.LeaseDuration, "other", o.duration, "of", o.owner)
			return
		}
	}
}

// share is the most shards that this worker should have: those that have not
// ended, evenly divided among the workers that are alive.
func (r *run) share() int {
	alive := map[string]bool{r.worker: true}
	for _, o := range r.observed {
		if o.owner != "" && r.fresh(o) {
			alive[o.owner] = true
		}
	}
	return (r.open() + len(alive) - 1) / len(alive)
}

// giveUpExcess gives up what there is above the share. The others see it free, and this
// worker does not take it again, unless nobody else does.
func (r *run) giveUpExcess() {
	var keep []*lease
	for _, l := range r.held() {
		if l.reading.Err() == nil {
			keep = append(keep, l)
		}
	}
	share := r.share()
	if len(keep) <= share || time.Now().Before(r.keepUntil) {
		return
	}
	r.log.Info("shards are left to other workers", "held", len(keep), "share", share)
	for _, l := range keep[share:] {
		l.cancelReading(errExcess)
	}
}

// keepFor is for how many lease durations a worker that had to take what others
// left keeps it.
const keepFor = 10

// removeDeadWorkers removes the rows of workers that died.
func (r *run) removeDeadWorkers() error {
	for key, o := range r.observed {
		if strings.HasPrefix(key, presence) && time.Since(o.since) > 2*r.duration(o) {
			if err := r.table.remove(r.reading, key, o.owner); err != nil && !errors.Is(err, errTaken) {
				return err
			}
			delete(r.observed, key)
		}
	}
	return nil
}
