// Package ingest turns the records of a stream into batches and has them applied:
// a [Pipeline] is the Sink that every source of the hub drives.
//
// A record is read in the session's own goroutine: header, body and rows are
// checked in that order, and what does not fit becomes a reject that stops
// nothing else. Rows are appended to the open batch of the session's lane; each
// lane has one committer, which applies its batches one after the other while
// the next one is being filled. A shard stays on its lane, so its batches are
// applied in order.
//
//	shard 0 ─┐                    ┌─ open batch ─▶ sealed ─▶ committer 0 ─┐
//	shard 2 ─┴─ decode ─▶ lane 0 ─┘                                       ├─▶ load.Loader
//	shard 1 ─┬─ decode ─▶ lane 1 ──── open batch ─▶ sealed ─▶ committer 1 ┘
//	shard 3 ─┘
//
// Memory is bounded by a budget of bytes over all lanes: Deliver blocks while it
// is spent. A spent budget also seals every open batch, or all shards could wait
// for each other.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// Config of a Pipeline. Stream must be set; everything else has a
// default, for which zero stands. Numbers must not be negative.
type Config struct {
	// StreamID is the name under which the progress of the shards is kept.
	StreamID string
	// Created is when the stream was created. A stream that is made again under
	// the same name starts from its beginning. The zero time is a time like others:
	// for a name that is never used again.
	Created time.Time
	// Committers is how many batches are applied side by side. Defaults to 2.
	Committers int
	// BatchRows is when a batch is full; rejected rows count. Batches of 5,000 to
	// 20,000 rows are applied fastest. Defaults to 10,000.
	BatchRows int
	// BatchBytes is when a batch is full, counted as for Budget. Defaults to 16 MiB.
	BatchBytes int64
	// BatchAge is how long a row waits for its batch to fill. Defaults to 1 s.
	BatchAge time.Duration
	// Budget is how many bytes may wait, over all lanes: records as they arrived,
	// the JSON of their rows, 1 KiB for each record and 128 bytes for each row.
	// Memory for columns, copies to the database and garbage comes on top, so that
	// a process needs several times as much. Defaults to 64 MiB; at least 16 MiB.
	Budget int64
	// Unordered is for hosts that read several batches of a shard side by side:
	// positions are recorded, not compared, and a shard may have several sessions.
	Unordered bool
	// OnApply is called after each applied batch, by the goroutine of its committer
	// or the caller of Redrive: several may call at once, and the next batch waits.
	// Nil does nothing.
	OnApply func(load.Result)
	// OnUnknownKeys is called after OnApply with how many values of the batch's rows
	// had a key that is no column. Nil does nothing.
	OnUnknownKeys func(category string, n int64)
	// Logger defaults to one that discards.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Committers == 0 {
		c.Committers = 2
	}
	if c.BatchRows == 0 {
		c.BatchRows = 10_000
	}
	if c.BatchBytes == 0 {
		c.BatchBytes = 16 << 20
	}
	if c.BatchAge == 0 {
		c.BatchAge = time.Second
	}
	if c.Budget == 0 {
		c.Budget = 64 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// minBudget lets the largest record pass.
const minBudget = 2 * envelope.MaxSize

func (c Config) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(c.StreamID != "", "StreamID is not set")
	check(c.Committers > 0, "Committers is %d", c.Committers)
	check(c.BatchRows > 0, "BatchRows is %d", c.BatchRows)
	check(c.BatchBytes > 0, "BatchBytes is %d", c.BatchBytes)
	check(c.BatchAge > 0, "BatchAge is %v", c.BatchAge)
	check(c.Budget >= minBudget, "Budget is %d, less than %d: the largest record would not pass", c.Budget, minBudget)
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("ingest: configuration: %w", err)
	}
	return nil
}

// Pipeline is the stream.Sink that decodes records, batches them by rows, bytes
// and age, and hands them to the loader. It is safe for concurrent use.
type Pipeline struct {
	loader *load.Loader
	config Config
	budget *semaphore.Weighted
	// waiting is how many callers wait for the budget.
	waiting atomic.Int64
	lanes   []*lane
	readers sync.Pool // of *reader: sessions are many, and few read at a time

	failed  chan struct{} // closed when Run ends with an error
	failure error         // set before failed is closed

	mu       sync.Mutex
	sessions map[string]*session // by shard; the newest
}

// ErrSuperseded is returned by the methods of a session when its shard is elsewhere:
// another session or another host has moved it. Nothing is lost; the source opens the
// shard again where it is now.
var ErrSuperseded = errors.New("ingest: the shard was moved by somebody else")

var errAbandoned = errors.New("ingest: the session was abandoned")

// New returns a Pipeline that applies batches with loader. Nothing is applied
// before Run.
func New(loader *load.Loader, config Config) (*Pipeline, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	p := &Pipeline{
		loader: loader, config: config, budget: semaphore.NewWeighted(config.Budget),
		failed: make(chan struct{}), sessions: map[string]*session{},
	}
	p.readers.New = func() any { return newReader(p) }
	for range config.Committers {
		p.lanes = append(p.lanes, newLane(p))
	}
	return p, nil
}

// Run applies batches until ctx is done, and then returns nil: end the source
// first, so that its sessions can drain. It returns an error, and every session
// fails with it, when the loader cannot go on. Call it once.
func (p *Pipeline) Run(ctx context.Context) error {
	group, working := errgroup.WithContext(ctx)
	for _, l := range p.lanes {
		group.Go(func() error { return l.run(working) })
	}
	err := group.Wait()
	if ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
		err = nil
	}
	p.failure = err
	if err == nil {
		p.failure = errors.New("ingest: the pipeline was stopped")
	}
	close(p.failed)
	return err
}

// Progress returns how far the shard has been applied.
func (p *Pipeline) Progress(ctx context.Context, shard string) (stream.Position, error) {
	return p.loader.Progress(ctx, p.shard(shard))
}

// Gap records that records of the shard are lost to the stream.
func (p *Pipeline) Gap(ctx context.Context, shard string, gap stream.Gap) error {
	p.config.Logger.Error("records were trimmed before they were read; replay the archive of those days",
		"shard", shard, "after", gap.After, "until", gap.Until, "reason", gap.Reason)
	return p.loader.StoreGap(ctx, p.shard(shard), gap)
}

// Open starts a session on the lane that has the fewest. Unless the pipeline is
// Unordered, it ends the shard's session before.
func (p *Pipeline) Open(shard string, from stream.Position) stream.Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before := p.sessions[shard]; before != nil && !p.config.Unordered {
		before.fail(ErrSuperseded)
	}
	load := map[*lane]int{}
	for name, s := range p.sessions {
		if name != shard {
			load[s.lane]++
		}
	}
	least := p.lanes[0]
	for _, l := range p.lanes[1:] {
		if load[l] < load[least] {
			least = l
		}
	}
	s := &session{
		pipeline: p, lane: least, shard: p.shard(shard),
		queued: from, committed: from, changed: make(chan struct{}),
	}
	p.sessions[shard] = s
	return s
}

// close forgets a session that has ended.
func (p *Pipeline) close(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sessions[s.shard.ID] == s {
		delete(p.sessions, s.shard.ID)
	}
}

func (p *Pipeline) shard(id string) load.Shard {
	return load.Shard{Stream: p.config.StreamID, Created: p.config.Created, ID: id}
}

// acquire takes n bytes of the budget. If there are not so many, every lane seals
// its open batch, so that what waits is applied and frees them.
func (p *Pipeline) acquire(ctx context.Context, n int64) error {
	if p.budget.TryAcquire(n) {
		return nil
	}
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	for _, l := range p.lanes {
		l.flush()
	}
	return p.budget.Acquire(ctx, n)
}

// Reasons for rejects that the pipeline finds.
const (
	// ReasonInternal: decoding failed in a way that is a bug here.
	ReasonInternal schema.Reason = "internal"
	// ReasonMoreRows: more rows of the part were rejected than are kept.
	ReasonMoreRows schema.Reason = "more_rows"
)
