// Package load is the only writer of the database: it applies batches of parts,
// each part exactly once, together with the progress of the shards they came
// from, in one transaction.
//
// The rules, for a row of a run of a scope:
//
//   - A part takes effect only in the transaction that inserts it into
//     hub.run_part; whichever shard, host or replay brings it again changes nothing.
//   - The version of a row is its run. A newer run overwrites an older one; equal
//     content is not written.
//   - A run is complete when its end says so, all its parts were applied and none
//     of its rows was rejected. It is full when it read everything, and incremental
//     when it read what changed (see schema.Extent). When a full run of a snapshot
//     category completes, live rows of its scope that neither it nor a newer run names
//     are gone. A complete incremental run marks nothing.
//   - In a snapshot category a part of an older run touches no key that a newer
//     run has named, and a run older than the newest complete full one is superseded.
//     So is a run if the newer runs since then named too many keys to compare with; the
//     next complete full run brings its rows again.
//
// Each transaction locks first its shards, then its scopes, both in a fixed
// order, so that two loaders never wait for each other in a circle and two
// writers of a scope follow one another.
//
// Errors are sorted by [Classify]: transient ones are retried here, data errors
// are bisected to the row, a table that does not fit parks its category.
package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/schema"
)

// Config of a Loader. Tables must be set. Numbers must not be negative; zero is the
// default.
type Config struct {
	// Tables of the categories that are loaded.
	Tables []*schema.Table
	// ParkedLimit is how many parked records are kept before Apply refuses to go
	// on. Defaults to 100,000.
	ParkedLimit int
	// RejectLimit is how many rejects of one account and reason are stored; later ones
	// are counted, until some are deleted. Defaults to 1,000.
	RejectLimit int
	// TotalRejectLimit is the same for all accounts together. Defaults to 200,000.
	TotalRejectLimit int64
	// AccountRejectBytes is how many bytes are kept of the rejects of one account, and
	// TotalRejectBytes of all. Of later ones the size and hash remain. They default to
	// 16 MiB and 1 GiB.
	AccountRejectBytes, TotalRejectBytes int64
	// KeyLimit is with how many keys of newer runs, since the newest complete full one, a
	// batch compares the rows of older runs, for each category. Where a scope has more, what
	// comes of its older runs is superseded. Defaults to 500,000, which takes about a
	// second.
	KeyLimit int64
	// ScopeLimit is how many scopes an account may have. What comes of further ones is
	// rejected. Defaults to 20,000.
	ScopeLimit int
	// TransactionTimeout is how long a transaction, and each statement of it, may take
	// before one half of its batch is applied after the other. What cannot be halved, one
	// part and one end, gets twice the time with each attempt. Defaults to 20 s.
	TransactionTimeout time.Duration
	// RetryInterval is the first pause after a transient error; it doubles, with
	// jitter, up to MaxRetryInterval. Defaults to 100 ms.
	RetryInterval time.Duration
	// MaxRetryInterval defaults to 10 s.
	MaxRetryInterval time.Duration
	// ClockAhead is how far a run may start after it arrived: see [Loader.Admit]. Defaults
	// to 5 minutes.
	ClockAhead time.Duration
	// OnRetry is called before each pause. Nil does nothing.
	OnRetry func(err error, pause time.Duration)
	// Logger defaults to one that discards.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.ParkedLimit == 0 {
		c.ParkedLimit = 100_000
	}
	c.RejectLimit = cmp.Or(c.RejectLimit, 1000)
	c.TotalRejectLimit = cmp.Or(c.TotalRejectLimit, 200_000)
	c.AccountRejectBytes = cmp.Or(c.AccountRejectBytes, 16<<20)
	c.TotalRejectBytes = cmp.Or(c.TotalRejectBytes, 1<<30)
	if c.KeyLimit == 0 {
		c.KeyLimit = 500_000
	}
	if c.ScopeLimit == 0 {
		c.ScopeLimit = 20_000
	}
	if c.TransactionTimeout == 0 {
		c.TransactionTimeout = 20 * time.Second
	}
	c.ClockAhead = cmp.Or(c.ClockAhead, 5*time.Minute)
	if c.RetryInterval == 0 {
		c.RetryInterval = 100 * time.Millisecond
	}
	if c.MaxRetryInterval == 0 {
		c.MaxRetryInterval = 10 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("load: "+format, args...))
		}
	}
	fault(len(c.Tables) == 0, "Config.Tables is empty")
	for i, t := range c.Tables {
		fault(t == nil, "Config.Tables[%d] is nil", i)
		named := func(other *schema.Table) bool { return t != nil && other != nil && other.Name() == t.Name() }
		fault(slices.ContainsFunc(c.Tables[:i], named), "Config.Tables[%d] has the name of one before it", i)
	}
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"ParkedLimit", int64(c.ParkedLimit)},
		{"RejectLimit", int64(c.RejectLimit)},
		{"TotalRejectLimit", c.TotalRejectLimit},
		{"AccountRejectBytes", c.AccountRejectBytes},
		{"TotalRejectBytes", c.TotalRejectBytes},
		{"KeyLimit", c.KeyLimit},
		{"ScopeLimit", int64(c.ScopeLimit)},
		{"TransactionTimeout", int64(c.TransactionTimeout)},
		{"ClockAhead", int64(c.ClockAhead)},
		{"RetryInterval", int64(c.RetryInterval)},
		{"MaxRetryInterval", int64(c.MaxRetryInterval)},
	} {
		fault(n.value < 0, "Config.%s is negative", n.name)
	}
	return errors.Join(faults...)
}

// Loader applies parts and shard progress in one transaction; applying the same
// part twice changes nothing. It is safe for concurrent use: each Apply takes one
// connection of the pool.
type Loader struct {
	pool   *pgxpool.Pool
	config Config
	tables map[string]*schema.Table
	checks checkCache
	// trouble are the categories that were parked last.
	trouble trouble
	trying  trying
}

// acquireTimeout is how long a transaction waits for a connection.
const acquireTimeout = 30 * time.Second

// trying is what is being applied, and since when.
type trying struct {
	mu    sync.Mutex
	since map[*Batch]time.Time
}

func (t *trying) begin(b *Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.since == nil {
		t.since = map[*Batch]time.Time{}
	}
	t.since[b] = time.Now()
}

func (t *trying) end(b *Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.since, b)
}

// Stalled returns for how long the oldest of the transactions that are under way has
// been tried, attempts that failed included; 0 if there is none.
func (l *Loader) Stalled() time.Duration {
	l.trying.mu.Lock()
	defer l.trying.mu.Unlock()
	var longest time.Duration
	for _, since := range l.trying.since {
		longest = max(longest, time.Since(since))
	}
	return longest
}

// New returns a Loader, or all faults of config. It works on pool, which should
// come from [PoolConfig] and stays the caller's to close. The bookkeeping tables
// must exist; see [Migrator].
func New(pool *pgxpool.Pool, config Config) (*Loader, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	l := &Loader{pool: pool, config: config.withDefaults(), tables: map[string]*schema.Table{}}
	for _, t := range config.Tables {
		l.tables[t.Name()] = t
	}
	return l, nil
}

// Table returns the category of that name, nil if the Loader does not have it.
func (l *Loader) Table(category string) *schema.Table { return l.tables[category] }

// ErrParkedFull is returned when as many records are parked as the Loader may
// keep: consuming must stop until the table fits and the records are redriven.
var ErrParkedFull = errors.New("load: too many parked records; mend the table (hub check prints how) and restart")

// Apply applies a batch in one transaction. It retries transient errors until ctx
// is done. A batch that exceeds Config.TransactionTimeout is applied in
// pieces, each in a transaction, and the last one moves the shards. After an
// error nothing of the batch is applied, except pieces of such a batch, and except
// when the answer to the commit was lost; applying it again is always right.
//
// Shards that have moved meanwhile are left out and named in Result.Moved.
func (l *Loader) Apply(ctx context.Context, b *Batch) (Result, error) {
	if err := l.validate(b); err != nil {
		return Result{}, err
	}
	for i := range b.Groups {
		b.Groups[i].Identify()
	}
	start := time.Now()
	result, err := l.applyHalving(ctx, b)
	if err != nil {
		return Result{}, fmt.Errorf("load: apply batch: %w", err)
	}
	result.Duration = time.Since(start)
	return result, nil
}

// applyRetrying applies a batch in one transaction, and tries again after transient
// errors. It gives up only on one that can be halved and is too slow.
func (l *Loader) applyRetrying(ctx context.Context, b *Batch) (Result, error) {
	l.trying.begin(b)
	defer l.trying.end(b)
	attempts, timeout := 0, l.config.TransactionTimeout
	attempt := func() (Result, error) {
		attempts++
		result, err := l.applyOnce(ctx, b, timeout)
		slow := tooSlow(err)
		if slow {
			timeout = min(2*timeout, maxTransactionTimeout)
		}
		switch {
		case err != nil && Classify(err) != Retry, slow && b.divisible():
			err = backoff.Permanent(err)
		case readOnly(err):
			// The writer became a reader and may stay one: find out anew who it is.
			l.pool.Reset()
		}
		return result, err
	}
	policy := backoff.NewExponentialBackOff()
	policy.InitialInterval, policy.MaxInterval = l.config.RetryInterval, l.config.MaxRetryInterval
	result, err := backoff.Retry(ctx, attempt, backoff.WithBackOff(policy), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, pause time.Duration) {
			l.config.Logger.Warn("database error, trying again", "error", err, "pause", pause)
			if l.config.OnRetry != nil {
				l.config.OnRetry(err, pause)
			}
		}))
	result.Attempts = attempts
	return result, err
}

func (l *Loader) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("take a connection from the pool: %w", err)
	}
	return conn, nil
}

func (l *Loader) applyOnce(ctx context.Context, b *Batch, timeout time.Duration) (Result, error) {
	conn, err := l.acquire(ctx)
	if err != nil {
		return Result{}, err
	}
	defer conn.Release()
	a := &apply{loader: l, batch: b, dirty: map[mark]bool{},
		tx: &tx{conn: conn.Conn(), timeout: timeout, begun: time.Now()}}
	a.result.Categories = map[string]Counts{}
	a.rejects.limit = l.config.RejectLimit
	if err = a.run(ctx); err == nil {
		err = a.tx.commit(ctx)
	}
	if err != nil {
		a.tx.rollback(ctx)
	}
	return a.result, err
}
