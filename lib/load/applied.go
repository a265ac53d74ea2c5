package load

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/schema"
)

// AppliedRun is what took effect of a run.
type AppliedRun struct {
	// Parts by number, each with the SHA-256 of its body.
	Parts map[int][32]byte
	// Ended is whether an end of the run was applied, and Complete whether its
	// outcome is ok or empty. An end that is not Complete gives way to one that is.
	Ended, Complete bool
}

// Applied returns what took effect of a run. Nothing of a run that was pruned is
// known; see [Loader.Prune].
func (l *Loader) Applied(ctx context.Context, s schema.Scope, run schema.RunID) (AppliedRun, error) {
	a := AppliedRun{Parts: map[int][32]byte{}}
	rows, err := l.pool.Query(ctx, `
		SELECT -1, NULL, outcome FROM hub.run WHERE scope = $1 AND run = $2 AND outcome IS NOT NULL
		UNION ALL
		SELECT part, body_sha256, NULL FROM hub.run_part WHERE scope = $1 AND run = $2`, s.ID(), id(run))
	if err != nil {
		return a, fmt.Errorf("load: read run %v of %v: %w", run, s, err)
	}
	var part int
	var sum []byte
	var outcome *schema.Outcome
	_, err = pgx.ForEachRow(rows, []any{&part, &sum, &outcome}, func() error {
		if outcome != nil {
			a.Ended, a.Complete = true, outcome.Complete()
			return nil
		}
		a.Parts[part] = [32]byte(sum)
		return nil
	})
	if err != nil {
		return a, fmt.Errorf("load: read run %v of %v: %w", run, s, err)
	}
	return a, nil
}
