package load

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/schema"
)

// Run names a run of a scope.
type Run struct {
	Scope schema.Scope
	ID    schema.RunID
}

// AppliedRun is what took effect of a run.
type AppliedRun struct {
	// Parts by number, each with the SHA-256 of its body.
	Parts map[int][32]byte
	// Ended is whether an end of the run was applied, and Complete whether its
	// outcome is ok or empty. An end that is not Complete gives way to one that is.
	Ended, Complete bool
}

// Two queries. Each finds what it needs by the primary key, whatever PostgreSQL thinks
// of the number of runs.
const (
	endedSQL = `
SELECT k.n - 1, r.outcome
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k(scope, run, n)
JOIN hub.run r ON (r.scope, r.run) = (k.scope, k.run)
WHERE r.outcome IS NOT NULL`

	appliedPartsSQL = `
SELECT k.n - 1, p.part, p.body_sha256
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k(scope, run, n)
JOIN hub.run_part p ON (p.scope, p.run) = (k.scope, k.run)`
)

// Applied returns what took effect of each of the runs, in their order. Nothing of
// a run that was pruned is known; see [Loader.Prune].
func (l *Loader) Applied(ctx context.Context, runs []Run) ([]AppliedRun, error) {
	applied := make([]AppliedRun, len(runs))
	scopes, ids := make([]id, len(runs)), make([]id, len(runs))
	for i, r := range runs {
		applied[i].Parts = map[int][32]byte{}
		scopes[i], ids[i] = r.Scope.ID(), id(r.ID)
	}
	if len(runs) == 0 {
		return applied, nil
	}
	var n, part int
	var sum []byte
	var outcome schema.Outcome
	for _, query := range []struct {
		sql  string
		into []any
		row  func() error
	}{
		{endedSQL, []any{&n, &outcome}, func() error {
			applied[n].Ended, applied[n].Complete = true, outcome.Complete()
			return nil
		}},
		{appliedPartsSQL, []any{&n, &part, &sum}, func() error {
			applied[n].Parts[part] = [32]byte(sum)
			return nil
		}},
	} {
		rows, err := l.pool.Query(ctx, query.sql, scopes, ids)
		if err == nil {
			_, err = pgx.ForEachRow(rows, query.into, query.row)
		}
		if err != nil {
			return nil, fmt.Errorf("load: read %d runs from %v of %v on: %w", len(runs), runs[0].ID, runs[0].Scope, err)
		}
	}
	return applied, nil
}
