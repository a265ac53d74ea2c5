package kcl

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hubspoke/observability/lib/stream"
)

// How long the end of a shard is believed. Not for ever: when the Sink's database
// is restored, the shard may have to be read again.
const trustEnd = time.Minute

// progress is what the Sink said of late about shards that are not read here. It
// is asked for every shard and its parents in every pass.
type progress struct {
	sink stream.Sink
	// trust is how long a position of a shard that has not ended is believed.
	trust time.Duration
	// call is how long one call may take.
	call time.Duration

	mu sync.Mutex
	at map[string]answer
}

type answer struct {
	position stream.Position
	until    time.Time
}

// known returns a position that is still believed.
func (p *progress) known(shard string) (stream.Position, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.at[shard]
	return a.position, ok && time.Now().Before(a.until)
}

// knownEnded says whether the shard is still believed to have ended.
func (p *progress) knownEnded(shard string) bool {
	at, ok := p.known(shard)
	return ok && at.Ended
}

// ended says whether the shard had ended when it was last asked about.
func (p *progress) ended(shard string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[shard].position.Ended
}

// of returns the position of a shard, from the Sink if need be.
func (p *progress) of(ctx context.Context, shard string) (stream.Position, error) {
	if at, ok := p.known(shard); ok {
		return at, nil
	}
	return p.ask(ctx, shard)
}

// ask returns the position of a shard from the Sink.
func (p *progress) ask(ctx context.Context, shard string) (stream.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, p.call)
	defer cancel()
	at, err := p.sink.Progress(ctx, shard)
	if err != nil {
		return at, fmt.Errorf("progress of %s: %w", shard, err)
	}
	p.store(shard, at)
	return at, nil
}

func (p *progress) store(shard string, at stream.Position) {
	trust := p.trust
	if at.Ended {
		trust = trustEnd
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[shard] = answer{at, time.Now().Add(trust)}
}

func (p *progress) forget(shard string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, shard)
}
