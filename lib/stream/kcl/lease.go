package kcl

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/vmware/vmware-go-kcl-v2/clientlibrary/partition"

	"github.com/hubspoke/observability/lib/stream"
)

// lease is a shard while it is read here: from the moment its lease was taken to
// the moment it was given up or lost.
//
// Reading and delivering are done by the library's goroutine for the shard, the
// renewal by one of its own. fail may be called from anywhere.
type lease struct {
	run    *run
	shard  string
	status *partition.ShardStatus // the library's own; never a copy of it

	// reading ends when the worker stops or the lease fails; delivering ends when
	// the lease fails or the time for draining is over.
	reading, delivering context.Context
	cancelReading       context.CancelCauseFunc
	cancelDelivering    context.CancelCauseFunc

	stopRenewal context.CancelFunc
	renewed     chan struct{} // closed when the renewal has stopped

	// Of the library's goroutine:
	from         stream.Position
	cursor       cursor
	failingSince time.Time // of a streak of failed reads
	cut          bool      // the last read was not delivered to its end

	unaccepted atomic.Int64 // bytes of the last read, until they are delivered

	finishOnce sync.Once
	mu         sync.Mutex
	session    stream.Session
	delivered  bool  // at least once
	over       bool  // the session was drained or ended
	err        error // why the session was abandoned; the first reason
	readErr    error // why the reading was given up
}

func (r *run) newLease(status *partition.ShardStatus, taken time.Time) *lease {
	l := &lease{run: r, shard: status.ID, status: status, renewed: make(chan struct{})}
	l.reading, l.cancelReading = context.WithCancelCause(r.reading)
	l.delivering, l.cancelDelivering = context.WithCancelCause(r.draining)
	var renewing context.Context
	renewing, l.stopRenewal = context.WithCancel(r.base)
	go l.renew(renewing, taken)
	return l
}

// renew keeps the lease until ctx is done or the lease is lost: because somebody
// else has it, or because it could not be renewed while it lasted.
func (l *lease) renew(ctx context.Context, taken time.Time) {
	defer close(l.renewed)
	duration := l.run.cfg.LeaseDuration
	period := duration / 4
	expires, wait := taken.Add(duration), period
	for sleep(ctx, wait) {
		if err := l.run.cfg.Ready(); err != nil {
			l.fail(fmt.Errorf("given up: %w", err))
			return
		}
		began := time.Now()
		err := l.run.table.renew(ctx, l.shard, l.run.worker)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			expires, wait = began.Add(duration), period
		case errors.Is(err, errTaken):
			l.fail(fmt.Errorf("lease lost: %w", err))
			return
		case time.Now().After(expires.Add(-duration / 5)):
			l.fail(fmt.Errorf("lease lost: not renewed in time: %w", err))
			return
		default:
			l.run.callHook(func() { l.run.cfg.Hooks.RenewFailed(l.shard, err) })
			if wait == period {
				l.run.log.Warn("lease not renewed, will be tried again", "shard", l.shard, "err", err)
			}
			wait = period / 5
		}
	}
}

// position asks the Sink how far the shard is. It is asked again for every lease,
// after the lease was taken: the worker before may have come further.
func (l *lease) position() error {
	ctx, cancel := context.WithTimeout(l.reading, l.run.cfg.LeaseDuration)
	defer cancel()
	at, err := l.run.sink.Progress(ctx, l.shard)
	if err != nil {
		return fmt.Errorf("progress of %s: %w", l.shard, err)
	}
	if at.Ended {
		l.run.progress.store(l.shard, at)
		return errEnded
	}
	l.from = at
	l.cursor = cursor{
		client: l.run.cfg.Kinesis, shard: l.shard, name: l.run.streamName, arn: l.run.streamARN,
		start: l.run.cfg.Start, call: l.run.cfg.LeaseDuration, after: at.Sequence,
		gap: func(ctx context.Context, gap stream.Gap) error {
			l.run.log.Error("records are lost to the stream", "shard", l.shard, "after", gap.After, "until", gap.Until, "reason",
				gap.Reason)
			return l.run.sink.Gap(ctx, l.shard, gap)
		},
	}
	return nil
}

// seek puts the cursor at the position.
func (l *lease) seek() error {
	if err := l.cursor.open(l.reading); err != nil {
		return fmt.Errorf("position in %s: %w", l.shard, err)
	}
	return nil
}

// open opens the session.
func (l *lease) open() {
	var session stream.Session
	err := l.run.protect(func() error { session = l.run.sink.Open(l.shard, l.from); return nil })
	if err != nil {
		l.fail(err)
		return
	}
	l.mu.Lock()
	lost := l.err != nil
	l.session = session
	l.mu.Unlock()
	if lost {
		l.abandon(session)
	}
}

// read reads once. It returns again for what may pass; with any other error the
// library leaves the shard.
func (l *lease) read(limit *int32) (*kinesis.GetRecordsOutput, error) {
	if err := context.Cause(l.reading); err != nil {
		return nil, err
	}
	// What was read before is delivered: who waits here has nothing that others wait
	// for.
	if err := l.run.unaccepted.Acquire(l.reading, maxRead); err != nil {
		return nil, context.Cause(l.reading)
	}
	l.unaccepted.Store(maxRead)
	out, err := l.cursor.next(l.reading, limit)
	if err == nil {
		l.failingSince = time.Time{}
		bytes := 0
		for i := range out.Records {
			bytes += len(out.Records[i].Data)
		}
		l.hold(int64(bytes))
		behind := time.Duration(*out.MillisBehindLatest) * time.Millisecond
		l.run.callHook(func() { l.run.cfg.Hooks.Read(l.shard, len(out.Records), bytes, behind) })
		return out, nil
	}
	l.hold(0)
	err = fmt.Errorf("read %s: %w", l.shard, err)
	if !transient(err) || l.reading.Err() != nil {
		return nil, err
	}
	if l.failingSince.IsZero() {
		l.failingSince = time.Now()
		l.run.log.Warn("read failed, will be tried again", "shard", l.shard, "err", err)
	}
	if time.Since(l.failingSince) > failingFor*l.run.cfg.LeaseDuration {
		// Another worker may have better luck.
		return nil, err
	}
	l.run.callHook(func() { l.run.cfg.Hooks.ReadFailed(l.shard, err) })
	return nil, again
}

// hold gives back what the read did not return of what it might have.
func (l *lease) hold(bytes int64) {
	bytes = min(bytes, maxRead)
	if l.unaccepted.CompareAndSwap(maxRead, bytes) { // else finish came in between
		l.run.unaccepted.Release(maxRead - bytes)
	}
}

// letGo gives the rest back: it is delivered, or never will be.
func (l *lease) letGo() { l.run.unaccepted.Release(l.unaccepted.Swap(0)) }

// failingFor is for how many lease durations reads may fail before the shard is
// given up.
const failingFor = 3

// again makes the library's loop for a shard go on, after up to a second.
var again = &types.ProvisionedThroughputExceededException{Message: aws.String("to be tried again")}

// attempt does what the library asks for. An error other than again, or a panic,
// ends the reading but not the session: what was delivered is still drained.
func (l *lease) attempt(do func() error) error {
	err := l.run.protect(do)
	if err == nil || errors.Is(err, again) {
		return err
	}
	if cause := context.Cause(l.reading); cause != nil {
		err = cause // what was under way was cut short
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readErr = err
	return reported{err}
}

// atOnce is how many records are delivered by one call of Deliver.
const atOnce = 10

// deliver hands records to the session. Without records it asks whether the session
// still works. When the reading ends meanwhile, because the worker stops, no more
// records are delivered, so that those that were can still be drained.
func (l *lease) deliver(records []stream.Record) {
	defer l.letGo()
	l.mu.Lock()
	session, lost := l.session, l.err != nil
	l.mu.Unlock()
	if lost || session == nil {
		return
	}
	for {
		chunk := records[:min(len(records), atOnce)]
		records = records[len(chunk):]
		if err := l.run.protect(func() error { return session.Deliver(l.delivering, chunk) }); err != nil {
			l.fail(fmt.Errorf("deliver: %w", err))
			return
		}
		l.mu.Lock()
		l.delivered = l.delivered || len(chunk) > 0
		l.mu.Unlock()
		if l.cut = len(records) > 0 && l.reading.Err() != nil; l.cut || len(records) == 0 {
			return
		}
	}
}

// end ends a session because its shard has no more records. A session that has failed,
// or was not given the last of them, is not ended.
func (l *lease) end() {
	if !l.cut && l.conclude(func(session stream.Session) error { return session.End(l.delivering) }) {
		l.run.progress.store(l.shard, stream.Position{Sequence: l.cursor.after, Ended: true})
	}
}

// conclude drains or ends the session, and says whether that was done now.
func (l *lease) conclude(how func(stream.Session) error) bool {
	l.mu.Lock()
	session, skip := l.session, l.err != nil || l.over || l.session == nil
	l.mu.Unlock()
	if skip {
		return false
	}
	if err := l.run.protect(func() error { return how(session) }); err != nil {
		l.fail(fmt.Errorf("drain: %w", err))
		return false
	}
	l.mu.Lock()
	l.over = true
	failed := l.err != nil
	l.mu.Unlock()
	return !failed
}

// fail abandons the session, ends the reading, and remembers why.
func (l *lease) fail(err error) {
	l.mu.Lock()
	first := l.err == nil && !l.over
	if first {
		l.err = err
	}
	session := l.session
	l.mu.Unlock()
	l.cancelReading(err)
	l.cancelDelivering(err)
	if first && session != nil {
		l.abandon(session)
	}
}

func (l *lease) abandon(session stream.Session) {
	if err := l.run.protect(func() error { session.Abandon(); return nil }); err != nil {
		l.run.log.Error("abandon", "shard", l.shard, "err", err)
	}
}

// finish drains what was delivered and gives the lease up. It is where every
// lease comes to, and does its work once.
func (l *lease) finish() {
	l.finishOnce.Do(func() {
		l.conclude(func(session stream.Session) error {
			ctx, cancel := context.WithTimeout(l.delivering, l.run.cfg.DrainTimeout)
			defer cancel()
			_, err := session.Drain(ctx)
			return err
		})
		l.letGo()
		l.stopRenewal()
		<-l.renewed
		l.mu.Lock()
		err, readErr, delivered := l.err, l.readErr, l.delivered
		l.mu.Unlock()
		if !errors.Is(err, errTaken) {
			l.giveUp()
		}
		l.cancelReading(errStopped)
		l.cancelDelivering(errStopped)
		if inOrder(readErr) || errors.Is(readErr, err) { // a lease that has failed ends its reading
			readErr = nil
		}
		l.run.forget(l, errors.Join(readErr, err), delivered)
	})
}

// giveUp frees the lease. An error is no harm: the lease expires.
func (l *lease) giveUp() {
	if err := l.run.table.free(l.run.base, l.shard, l.run.worker); err != nil && !errors.Is(err, errTaken) {
		l.run.log.Warn("lease not given up, it has to expire", "shard", l.shard, "err", err)
	}
}

// sleep waits, and says whether ctx is still good.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
