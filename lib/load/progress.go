package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/stream"
)

// Progress returns how far a shard has been applied; the zero Position for a
// shard that was never seen.
func (l *Loader) Progress(ctx context.Context, s Shard) (stream.Position, error) {
	var p stream.Position
	err := l.pool.QueryRow(ctx, `
		SELECT CASE WHEN sequence_number >= 0 THEN sequence_number::text ELSE '' END, ended FROM hub.shard_progress
		WHERE stream = $1 AND stream_created_at = $2 AND shard = $3`, s.Stream, s.Created, s.ID).Scan(&p.Sequence, &p.Ended)
	if errors.Is(err, pgx.ErrNoRows) {
		return stream.Position{}, nil
	}
	if err != nil {
		return p, fmt.Errorf("load: progress of shard %s: %w", s.ID, err)
	}
	return p, nil
}

// StoreGap records that records of a shard were lost to the stream. The same gap
// is stored once.
func (l *Loader) StoreGap(ctx context.Context, s Shard, g stream.Gap) error {
	_, err := l.pool.Exec(ctx, `
		INSERT INTO hub.gap (stream, stream_created_at, shard, after_sequence, until_sequence, reason)
		SELECT $1, $2, $3, $4, $5, $6
		WHERE NOT EXISTS (SELECT FROM hub.gap WHERE (stream, stream_created_at, shard, after_sequence) = ($1, $2, $3, $4))`,
		s.Stream, s.Created, s.ID, g.After, g.Until, g.Reason)
	if err != nil {
		return fmt.Errorf("load: store gap of shard %s: %w", s.ID, err)
	}
	return nil
}

// Prune deletes bookkeeping that nothing needs any more: runs that started more
// than keep ago and are not the newest complete one of their scope, with their
// parts. keep must be longer than the stream keeps records. It returns how many
// runs it deleted.
//
// A part of a pruned run that arrives after all is superseded by the newer
// complete run, or, in an event category, by the newer runs of its rows.
func (l *Loader) Prune(ctx context.Context, keep time.Duration) (int64, error) {
	tag, err := l.pool.Exec(ctx, `
		WITH old AS (
			DELETE FROM hub.run r USING hub.scope s
			WHERE s.scope = r.scope AND r.collected_at < now() - $1::interval
			  AND s.complete_run IS NOT NULL AND r.run < s.complete_run
			RETURNING r.scope, r.run
		)
		DELETE FROM hub.run_part p USING old WHERE p.scope = old.scope AND p.run = old.run`, keep)
	if err != nil {
		return 0, fmt.Errorf("load: prune: %w", err)
	}
	return tag.RowsAffected(), nil
}
