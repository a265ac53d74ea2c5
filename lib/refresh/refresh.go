// Package refresh keeps the views for people: [Install] replaces them as a
// package, and a [Refresher] brings materialized views up to date after their
// tables changed.
//
// A summary is a table with the rows of a view over the tables of schema obs, grouped
// by account and region. Only the groups of the accounts and regions that changed are
// computed anew. Materialized views are for what is across accounts: they read
// summaries, and are computed whole.
//
// A program that changes a table of schema obs inserts its name into hub.dirty in the same
// transaction, as lib/load does, with the account and region that changed or, without them, for
// all. A Refresher looks there for work. It reads from PostgreSQL's own catalog which summaries
// and materialized views depend on those tables. It brings these summaries up to date, and
// refreshes the views that depend on what really changed: each as soon as what it depends on is up
// to date, the cheapest first. At the end it deletes the marks that it had seen before it began. A
// mark that comes later stays for the next time, so no change is missed.
//
// Readers always see the content of one moment: a view is refreshed
// CONCURRENTLY, each in a transaction of its own, and if that fails it stays as
// it was. What happened is recorded per view in hub.view_refresh; a view that
// failed is tried again until it succeeds, and does not keep the others.
package refresh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config of a Refresher. The zero value works. Durations must not be negative; zero is
// the default.
type Config struct {
	// Debounce is how long a change waits for others before views are refreshed,
	// and how often Run looks for changes at least. Defaults to 1 s.
	Debounce time.Duration
	// Interval is the least time between the end of one refresh and the begin of
	// the next, by whichever Refresher. Defaults to 10 s.
	Interval time.Duration
	// RetryInterval is how long Run waits before it tries a failed view again, and at
	// least ten times as long as the attempt took. Defaults to 1 min.
	RetryInterval time.Duration
	// LockTimeout is how long a view may wait for somebody else who locks it
	// before that counts as a failure. Defaults to 10 s.
	LockTimeout time.Duration
	// ViewTimeout is how long the refresh of one view may take before it is given up,
	// which counts as a failure: one view must not make the others late. Defaults to
	// 2 min.
	ViewTimeout time.Duration
	// Journal is written after refreshes.
	Journal Journal
	// OnView is called after each view, also one that failed. Nil does nothing.
	OnView func(View)
	// OnRefresh is called after each refresh, with the views that failed too. Nil
	// does nothing.
	OnRefresh func(Result)
	// OnError is called when the database could not be worked with and Run is
	// about to try again after Interval. Nil does nothing.
	OnError func(error)
	// Logger defaults to one that discards.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	setDefault := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	setDefault(&c.Debounce, time.Second)
	setDefault(&c.Interval, 10*time.Second)
	setDefault(&c.RetryInterval, time.Minute)
	setDefault(&c.LockTimeout, 10*time.Second)
	setDefault(&c.ViewTimeout, 2*time.Minute)
	setDefault(&c.Journal.Interval, 10*time.Minute)
	if c.OnView == nil {
		c.OnView = func(View) {}
	}
	if c.OnRefresh == nil {
		c.OnRefresh = func(Result) {}
	}
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	faults := []error{c.Journal.validate()}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Debounce", c.Debounce},
		{"Interval", c.Interval},
		{"RetryInterval", c.RetryInterval},
		{"LockTimeout", c.LockTimeout},
		{"ViewTimeout", c.ViewTimeout},
	} {
		if d.value < 0 {
			faults = append(faults, fmt.Errorf("refresh: Config.%s is negative", d.name))
		}
	}
	return errors.Join(faults...)
}

// View is what happened to one materialized view or summary, or to the journal.
type View struct {
	// Name with its schema.
	Name string
	// Duration of the refresh.
	Duration time.Duration
	// Changed is how many rows of a summary were deleted and inserted, or how many the
	// journal wrote; 0 for a materialized view.
	Changed int64
	// Err is nil if the view is up to date; else the view is as it was before.
	Err error
}

// Result of one refresh.
type Result struct {
	// Views in the order in which they were refreshed, the journal and the views over it last.
	Views []View
	// Marks is how many marks of changed tables were dealt with.
	Marks int
	// Lag is the time from the oldest of those changes to the end of the refresh;
	// zero without marks.
	Lag time.Duration
	// Duration of the whole.
	Duration time.Duration
}

// Failed returns the views that could not be refreshed.
func (r Result) Failed() []View {
	var failed []View
	for _, v := range r.Views {
		if v.Err != nil {
			failed = append(failed, v)
		}
	}
	return failed
}

// err returns a *PartialError if a view failed.
func (r Result) err() error {
	if failed := r.Failed(); len(failed) > 0 {
		return &PartialError{Refreshed: len(r.Views) - len(failed), Failed: failed}
	}
	return nil
}

// PartialError says that some views could not be refreshed; the others were.
type PartialError struct {
	// Refreshed is how many views are up to date.
	Refreshed int
	// Failed are the others, each with its Err.
	Failed []View
}

// Error names the views that failed and why.
func (e *PartialError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "refresh: %d of %d views failed", len(e.Failed), len(e.Failed)+e.Refreshed)
	for _, v := range e.Failed {
		fmt.Fprintf(&b, "; %s: %s", v.Name, describe(v.Err))
	}
	return b.String()
}

// Unwrap returns the errors of the views.
func (e *PartialError) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, v := range e.Failed {
		errs[i] = v.Err
	}
	return errs
}

// TimeoutError says that the refresh of a view was given up.
type TimeoutError struct {
	// Limit is Config.ViewTimeout.
	Limit time.Duration
	// Err is what PostgreSQL said.
	Err error
}

// Error says how long the view had.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("not refreshed within %v: allow it more time (--view-timeout), or give the database more "+
		"memory: %v", e.Limit, e.Err)
}

// Unwrap returns what PostgreSQL said.
func (e *TimeoutError) Unwrap() error { return e.Err }

// Refresher brings materialized views up to date after their tables changed, at
// most once per interval. In any number of processes one at a time works, by an
// advisory lock of the database; the others find nothing left to do. It is safe
// for concurrent use.
type Refresher struct {
	pool   *pgxpool.Pool
	config Config
}

// New returns a Refresher of the views that [Install] made, or all faults of config.
// It takes its connections out of pool, which stays the caller's to close; while Run
// works it has one of its own.
func New(pool *pgxpool.Pool, config Config) (*Refresher, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	return &Refresher{pool, config.withDefaults()}, nil
}

// Run refreshes views after changes until ctx is done. After an error of the
// database it connects anew; views that fail are logged and tried again. It
// returns nil.
func (r *Refresher) Run(ctx context.Context) error {
	var s *session
	defer func() { s.close() }()
	for {
		pause, err := r.step(ctx, &s)
		if err != nil && ctx.Err() == nil {
			s.close()
			s, pause = nil, r.config.Interval
			r.config.Logger.Warn("cannot refresh views, connecting anew", "error", err, "pause", pause)
			r.config.OnError(err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// step looks for work once and does it. It connects if s is nil. It returns how long to
// wait for the next step.
func (r *Refresher) step(ctx context.Context, s **session) (pause time.Duration, err error) {
	if *s == nil {
		if *s, err = r.connect(ctx); err != nil {
			return 0, err
		}
	}
	wait, err := (*s).due(ctx)
	if err != nil || wait > 0 {
		return wait, err
	}
	locked, err := (*s).tryLock(ctx)
	if err != nil || !locked {
		return r.config.Debounce, err
	}
	// The one who had the lock until now may have done the work.
	if wait, err = (*s).due(ctx); err == nil && wait == 0 {
		_, err = (*s).refresh(ctx, selection{failedBefore: r.config.RetryInterval})
	}
	return r.config.Debounce, errors.Join(err, (*s).unlock(ctx))
}

// Once refreshes now: the views over tables that changed, the views that depend on
// those, and the views that failed before. It waits for a refresh that somebody else
// does. The error is a *PartialError if only some views failed.
func (r *Refresher) Once(ctx context.Context) (Result, error) { return r.once(ctx, selection{}) }

// All is like [Refresher.Once] for all views, changed or not.
func (r *Refresher) All(ctx context.Context) (Result, error) {
	return r.once(ctx, selection{all: true})
}

func (r *Refresher) once(ctx context.Context, which selection) (Result, error) {
	s, err := r.connect(ctx)
	if err != nil {
		return Result{}, err
	}
	defer s.close()
	if err := s.lock(ctx); err != nil {
		return Result{}, err
	}
	result, err := s.refresh(ctx, which)
	if err != nil {
		return result, err
	}
	return result, result.err()
}

// sessionSettings undo what the pool has set. They let a refresh take as long as
// Config.ViewTimeout says, whatever the role has set, and keep PostgreSQL from compiling the same
// queries again each time. If the role has less, they give memory to aggregate without files, as
// only one refresh runs at a time.
const sessionSettings = `
	RESET ALL;
	SET statement_timeout = 0;
	SET jit = off;
	SELECT set_config('work_mem', '64MB', false) WHERE pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB')`

// connect takes a connection out of the pool for good and makes it a session
// with settings of its own.
func (r *Refresher) connect(ctx context.Context) (*session, error) {
	pooled, err := r.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("refresh: connect: %w", err)
	}
	s := &session{config: r.config, conn: pooled.Hijack()}
	if _, err := s.conn.Exec(ctx, sessionSettings, pgx.QueryExecModeSimpleProtocol); err != nil {
		s.close()
		return nil, fmt.Errorf("refresh: connect: %w", err)
	}
	return s, nil
}
