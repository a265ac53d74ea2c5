package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/load"
)

const (
	// keepRuns is the default of --keep.
	keepRuns = 8 * 24 * time.Hour
	// leastRetention is the least time for which a stream keeps records.
	leastRetention = 24 * time.Hour
)

// keepFlag says how long bookkeeping of old runs is kept.
type keepFlag struct {
	Keep time.Duration `placeholder:"192h" help:"How long runs are remembered that a newer one replaced; not less than the stream keeps records. Defaults to 8 days, and at least the stream's retention and a day."`
}

// keep returns how long runs are remembered beside a stream that keeps records for
// retention; zero if that is not known. Of a run that was forgotten too early, the
// stream could bring parts that nobody knows any more.
func (f keepFlag) keep(retention time.Duration) (time.Duration, error) {
	if f.Keep == 0 {
		return max(keepRuns, retention+24*time.Hour), nil
	}
	if least := max(retention, leastRetention); f.Keep < least {
		return 0, program.Usagef("--keep %v is less than the %v for which the stream keeps records", f.Keep, least)
	}
	return f.Keep, nil
}

// prune deletes bookkeeping of runs that a newer one replaced longer than keep ago.
func prune(ctx context.Context, loader *load.Loader, keep time.Duration, log *slog.Logger) error {
	n, err := loader.Prune(ctx, keep)
	if n > 0 {
		log.Info("deleted bookkeeping of old runs", "runs", n)
	}
	return err
}

// rejectsFlag says how long rejects are kept.
type rejectsFlag struct {
	KeepRejects time.Duration `default:"90d" help:"How long rejects are kept: 90 days by default, a day at least. Parked records stay."`
}

// Validate is called by the parser.
func (f rejectsFlag) Validate() error {
	if f.KeepRejects < 24*time.Hour {
		return fmt.Errorf("--keep-rejects %v is less than a day", f.KeepRejects)
	}
	return nil
}

// pruneRejects deletes rejects that were stored longer than keep ago.
func pruneRejects(ctx context.Context, loader *load.Loader, keep time.Duration, log *slog.Logger) error {
	n, err := loader.PruneRejects(ctx, keep)
	if n > 0 {
		log.Info("deleted old rejects", "rejects", n)
	}
	return err
}
