package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/verify"
)

const (
	// stateInterval is how often the state is logged, unless the database needs more than a
	// stateShare of that time to tell it.
	stateInterval = time.Minute
	stateShare    = 50
	// stateTimeout is how long it may need.
	stateTimeout = time.Minute
)

// logState logs the state, for filters of CloudWatch, and returns when to do that again.
func logState(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) (pause time.Duration) {
	asked, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	start := time.Now()
	state, err := verify.ReadState(asked, pool)
	switch {
	case err == nil:
		log.LogAttrs(ctx, slog.LevelInfo, "state", state.Attributes()...)
	case ctx.Err() == nil:
		log.Warn("cannot read the state", "error", err)
	}
	return max(stateInterval, stateShare*time.Since(start))
}

// logStates logs the state until ctx is done.
func logStates(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	for {
		timer := time.NewTimer(logState(ctx, pool, log))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}
