package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/hubspoke/observability/lib/awsanswer"
	"github.com/hubspoke/observability/lib/personal"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// errClosed is what emit returns once its run has ended.
var errClosed = errors.New("collect: emit was called after Collect returned")

// collect collects a target: one run, or one per slice. every is the interval at
// which that happens, 0 if it is not known. early says that a hint made the target
// due, before its time.
func (r *Runner) collect(ctx context.Context, t *target, every time.Duration, early bool) []Result {
	start := time.Now()
	t.hints.begin(start)
	ctx, done := withDeadline(ctx, t.declared.Every)
	defer done()
	id := schema.NewRunID(start)
	requests := new(requests)
	env := &Env{
		AWS:       limited(r.cfg.AWS(t.region), r.limits, r.attempts(t, requests)),
		Account:   r.cfg.Account,
		Partition: r.cfg.Partition,
		Region:    t.region,
		Global:    t.scope.Region == schema.GlobalRegion,
		Labels:    maps.Clone(r.cfg.Labels),
		Version:   r.cfg.Version,
		Now:       id.Time(),
		Since:     r.since(t, id.Time(), early),
		Logger:    r.cfg.Logger.With("category", t.scope.Category, "region", t.scope.Region),
	}

	// What was collected is still sent for a moment after ctx is done.
	sending, stop := outlive(ctx, r.cfg.Grace)
	defer stop()
	c := &collection{
		runner:   r,
		sending:  sending,
		table:    t.collector.Table(),
		personal: t.personal,
		bySlice:  map[string]*run{},
		start:    start, requests: requests,
	}
	scopes, err := t.scopes(env)
	var runs []*run
	for i, scope := range scopes {
		if i > 0 {
			id = schema.NewRunID(start)
		}
		var out *run
		if out, err = r.newRun(scope, id, env.Since, every, c.table); err != nil { // the clock is set to another millennium
			break
		}
		out.base = r.base(t, scope.Slice, id)
		out.incremental = t.declared.Incremental != nil
		if out.archive != nil && t.personal != nil {
			out.archive.Personal = t.personal.Policy().String()
		}
		runs = append(runs, out)
	}
	if err != nil {
		results := []Result{{Scope: t.scope, Run: id, Outcome: schema.Failed, CollectErr: err}}
		r.finished(t, results)
		return results
	}
	for _, out := range runs {
		c.add(out)
	}

	asking := awsanswer.OnUnreadable(ctx, c.unreadable)
	err = protect(env.Logger, func() error { return t.collector.collect(asking, env, c) })
	if err != nil && errors.Is(context.Cause(ctx), errOverdue) {
		err = context.Cause(ctx) // what the collector made of it is a consequence
	}
	results := c.finish(r.notThere(ctx, t, err))
	t.mark.advance(results, early)
	t.remember(runs)
	t.took = time.Since(start)
	for i := range results {
		results[i].Duration = t.took
	}
	r.sayDisabled(t, env.Logger, results)
	r.finished(t, results)
	return results
}

// scopes returns what the runs of one collection describe.
func (t *target) scopes(env *Env) (scopes []schema.Scope, err error) {
	var names []string
	if err := protect(env.Logger, func() error { names = t.collector.slices(env.Now); return nil }); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("no slices were returned")
	}
	for i, name := range names {
		scope := t.scope
		scope.Slice = name
		if err := scope.Validate(); err != nil {
			return nil, fmt.Errorf("slices: %w", err)
		}
		if err := t.collector.Table().ValidateSlice(name); err != nil {
			return nil, fmt.Errorf("slices: %w", err)
		}
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("slice %q is named twice", name)
		}
		scopes = append(scopes, scope)
	}
	return scopes, nil
}

// requests counts the requests of a collection, and what AWS charges for them, in
// millionths of USD.
type requests struct{ all, paid, usdMicros atomic.Int64 }

// attempts returns what is called for each attempt of a request of one collection.
func (r *Runner) attempts(t *target, sent *requests) func(price float64) error {
	return func(price float64) error {
		if price > 0 {
			if err := pay(&sent.paid, r.cfg.MaxPaidRequests); err != nil {
				return err
			}
			sent.usdMicros.Add(int64(math.Round(price * 1e6)))
		}
		sent.all.Add(1)
		if r.cfg.Hooks.Request != nil {
			r.cfg.Hooks.Request(t.scope.Category, t.region)
		}
		return nil
	}
}

// finished logs a collection of a target, in one line however many slices it has, and
// calls the hooks.
func (r *Runner) finished(t *target, results []Result) {
	hinted := t.hints.end(time.Now(), allSent(results))
	for i := range results {
		results[i].Hinted = hinted
	}
	first := results[0]
	var rows, parts, bytes, duplicates, nulled, faults int64
	var outcomes []string
	var fault error
	for _, result := range results {
		rows += int64(result.Rows)
		parts += int64(result.Parts)
		bytes += result.Bytes
		duplicates += int64(result.Duplicates)
		nulled += int64(result.NulledTimes)
		if !slices.Contains(outcomes, string(result.Outcome)) {
			outcomes = append(outcomes, string(result.Outcome))
		}
		if err := result.Fault(); err != nil {
			faults++
			fault = cmp.Or(fault, err)
		}
		if r.cfg.Hooks.Finished != nil {
			r.cfg.Hooks.Finished(result)
		}
	}
	attributes := []any{
		"category", first.Scope.Category, "account", first.Scope.Account, "region", first.Scope.Region,
		"outcome", strings.Join(outcomes, ","), "rows", rows, "parts", parts, "bytes", bytes,
		"duration", first.Duration.Round(time.Millisecond), "run", first.Run.String(),
	}
	if len(results) > 1 {
		attributes = append(attributes, "slices", len(results))
	}
	if !first.Since.IsZero() {
		attributes = append(attributes, "since", first.Since)
	}
	if !first.Hinted.IsZero() {
		attributes = append(attributes, "hinted", first.Hinted)
	}
	if duplicates > 0 {
		attributes = append(attributes, "duplicates", duplicates)
	}
	if nulled > 0 {
		attributes = append(attributes, "nulled_times", nulled)
	}
	if faults == 0 {
		r.cfg.Logger.Info("collected", attributes...)
		return
	}
	r.cfg.Logger.Error("collected with a fault", append(attributes, "faults", faults, "error", fault)...)
}

// outlive returns a context that is done the given time after ctx is.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(longer, func() { timer.Stop() })
	})
	return longer, func() { stop(); cancel() }
}

// protect turns a panic of one collector into its error, so that it stops no other.
func protect(log *slog.Logger, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("collector panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("collector panicked: %v", p)
		}
	}()
	return f()
}

// collect calls Collect and hands its rows to the runs.
func (c Collector[T]) collect(ctx context.Context, env *Env, to *collection) error {
	if to.probed != nil {
		return c.Collect(ctx, env, func(T) error { return to.probed() })
	}
	appenders := make(map[*run]*rows.Appender[T], len(to.runs))
	for _, r := range to.runs {
		appenders[r] = rows.NewAppender(c.Category, nil)
		r.pending = appenders[r]
	}
	sliceOf := func(*T) string { return "" }
	if c.Slices != nil {
		sliceOf = appenders[to.runs[0]].Slice
	}
	var row T // not one per call: its address goes to the appender
	err := c.Collect(ctx, env, func(value T) error {
		to.mu.Lock()
		defer to.mu.Unlock()
		if err := to.open(ctx); err != nil {
			return err
		}
		row = value
		slice := sliceOf(&row)
		r, ok := to.bySlice[slice]
		if !ok {
			to.refuseSlice(Refused{Key: to.keyOf(row), Err: &schema.RowError{
				Reason: schema.ReasonSlice,
				Column: to.table.Columns()[to.table.SliceColumn()].Name,
				Offset: -1,
				Detail: fmt.Sprintf("%.40q is not a slice of this collection", slice),
			}})
			return nil
		}
		if err := appenders[r].Append(&row); err != nil {
			var fault *schema.RowError
			if !errors.As(err, &fault) {
				return to.stop(err)
			}
			r.refuse(Refused{Key: to.keyOf(row), Err: to.concealValue(fault)})
			return nil
		}
		return to.appended(r)
	})
	return err
}

// keyOf returns the key of a row that is in no Arrow record, for people. It is
// the only place that looks at a row by reflection, and refused rows are rare.
func (c *collection) keyOf(row any) string {
	v := reflect.ValueOf(row)
	values := make([]string, len(c.table.Keys()))
	for i, k := range c.table.Keys() {
		values[i] = fmt.Sprint(v.Field(c.table.Columns()[k].Field).Interface())
		if c.personal != nil {
			values[i] = c.personal.Value(k, values[i])
		}
	}
	return strings.ToValidUTF8(strings.Join(values, "/"), "\uFFFD")
}

// collection is the state of one call of Collect: the runs that its rows go to.
type collection struct {
	runner  *Runner
	sending context.Context
	table   *schema.Table
	// personal is what becomes of personal data, nil where there is none or all is kept.
	personal *personal.Columns
	runs     []*run
	bySlice  map[string]*run
	probed   func() error // takes each row of a probe, which sends nothing; nil for runs
	start    time.Time
	// requests of all runs
	requests *requests

	mu      sync.Mutex // held while a row is taken, and while full buffers are sent
	closed  bool
	stopped error // why emit takes no more rows, whatever Collect makes of it
	outage  error // why the stream did not take what one of the runs sent
	bytes   int   // in all buffers
}

func (c *collection) add(r *run) {
	c.runs = append(c.runs, r)
	c.bySlice[r.result.Scope.Slice] = r
	if started := c.runner.cfg.Hooks.Started; started != nil {
		started(r.result.Scope, r.result.Run)
	}
}

// open reports whether a row can be taken.
func (c *collection) open(ctx context.Context) error {
	if c.closed {
		return errClosed
	}
	if c.stopped == nil && ctx.Err() != nil {
		c.stopped = context.Cause(ctx)
	}
	return c.stopped
}

func (c *collection) stop(err error) error {
	c.stopped = err
	return err
}

// refuseSlice refuses a row that belongs to none of the runs. Which of them
// misses it cannot be known, so none may be called complete.
func (c *collection) refuseSlice(refused Refused) {
	for _, r := range c.runs {
		r.refuse(refused)
	}
}

// unreadable refuses an element of an answer that the SDK cannot read. Nobody knows
// which rows it would have been.
func (c *collection) unreadable(u awsanswer.Unreadable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if c.personal != nil {
		u = concealElement(u)
	}
	c.refuseSlice(Refused{Key: strings.ToValidUTF8(u.String(), "\uFFFD"), Err: &schema.RowError{
		Reason: schema.ReasonType, Offset: -1, Detail: fmt.Sprintf("AWS answered with what its SDK cannot read: %v", u.Err),
	}})
}

// appended sends what is full after a row was added to r: its own buffer, or,
// when many slices together hold too much, the largest.
func (c *collection) appended(r *run) error {
	limits := &c.runner.cfg
	before := r.bytes
	r.bytes = r.pending.Bytes()
	c.bytes += r.bytes - before
	full := r.pending.Len() >= limits.ChunkRows
	if c.bytes >= limits.ChunkBytes {
		for _, other := range c.runs {
			if other.bytes > r.bytes {
				r = other
			}
		}
		full = true
	}
	if !full {
		return nil
	}
	return c.flush(r)
}

func (c *collection) flush(r *run) error { return c.flushBy(r, r.send) }

// flushBy sends what a run has pending, by the function given.
func (c *collection) flushBy(r *run, send func(context.Context, arrow.Record) error) error {
	if r.pending.Len() == 0 {
		return nil
	}
	c.bytes -= r.bytes
	r.bytes = 0
	rec := r.pending.Record()
	if c.personal != nil {
		as := c.personal.Apply(rec)
		rec.Release()
		rec = as
	}
	defer rec.Release()
	// A stream that refused one run is not waited for by the others.
	r.result.PublishErr = cmp.Or(r.result.PublishErr, c.outage)
	err := send(c.sending, rec)
	c.outage = cmp.Or(c.outage, r.result.PublishErr)
	if err != nil {
		return c.stop(err)
	}
	return nil
}

// finish ends every run. err is what Collect returned.
func (c *collection) finish(err error) []Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	results := make([]Result, len(c.runs))
	if c.stopped != nil {
		err = c.stopped // not what Collect made of it
	}
	for _, r := range c.runs {
		fault := forSlice(err, r.result.Scope.Slice)
		if r.pending != nil {
			// An error is c.stopped.
			_ = c.flushBy(r, func(ctx context.Context, rec arrow.Record) error { return r.sendLast(ctx, rec, fault) })
			r.result.NulledTimes = r.pending.NulledTimes()
			r.pending.Release()
		}
		if fault == nil && r.fingerprint.rows == 0 && r.equalsBase() {
			r.leaveOut() // there is nothing, as before
		}
		if c.stopped != nil {
			err = c.stopped
		}
	}
	took := time.Since(c.start)
	for i, r := range c.runs {
		if i == 0 {
			r.result.Requests, r.result.PaidRequests = c.requests.all.Load(), c.requests.paid.Load()
			r.result.USDMicros = c.requests.usdMicros.Load()
		}
		r.tell(took)
		fault := forSlice(err, r.result.Scope.Slice)
		if r.unchanged() {
			fault = nil // that others could not be sent does not matter to it
		}
		results[i] = r.end(c.sending, c.concealAnswer(fault), c.outage != nil)
		c.outage = cmp.Or(c.outage, results[i].PublishErr)
	}
	return results
}

// SliceErrors says which slices are not complete, and why, by slice. A Collect
// that returns it, not wrapped, has read the others completely.
type SliceErrors map[string]error

// Error returns the errors in the order of their slices, one a line.
func (e SliceErrors) Error() string { return errors.Join(e.Unwrap()...).Error() }

// Unwrap returns the errors in the order of their slices.
func (e SliceErrors) Unwrap() []error {
	errs := make([]error, 0, len(e))
	for _, slice := range slices.Sorted(maps.Keys(e)) {
		errs = append(errs, e[slice])
	}
	return errs
}

// forSlice returns what err, from Collect, means for one slice.
func forSlice(err error, slice string) error {
	//nolint:errorlint // Joined with another error, it says nothing for the other slices.
	if bySlice, ok := err.(SliceErrors); ok {
		return bySlice[slice]
	}
	return err
}

// pending are rows that are not sent yet: a *rows.Appender of some type.
type pending interface {
	Len() int
	Bytes() int
	NulledTimes() int
	Record() arrow.Record
	Release()
}
