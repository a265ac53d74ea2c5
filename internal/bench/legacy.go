package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/refresh"
)

// legacyFindings is how many findings there are below the relations of schema legacy.
const legacyFindings = 1_000_000

// legacy measures how long it takes to count the rows of each relation of schema legacy. The
// time is processor time of the server, which has no setting of its own.
func legacy(ctx context.Context, s size) ([]figure, error) {
	server, err := pgserver.Start(ctx, pgserver.Config{Settings: map[string]string{
		"shared_buffers": "1GB", "max_wal_size": "16GB", "autovacuum": "off",
		"max_parallel_workers_per_gather": "0", // the processor time of one process is all
	}})
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	findings := min(s.findings, legacyFindings)
	pool, err := withFindings(ctx, server.URL(), findings/viewScopes)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	_, err = pool.Exec(ctx, `
		INSERT INTO hub.scope (scope, category, account_id, region, slice, complete_run, full_run)
		SELECT gen_random_uuid(), 'security_findings', account_id, region, '', gen_random_uuid(), gen_random_uuid()
		FROM obs.security_findings GROUP BY account_id, region`)
	if err != nil {
		return nil, err
	}
	refresher, err := refresh.New(pool, refresh.Config{})
	if err != nil {
		return nil, err
	}
	result, err := refresher.All(ctx)
	if err != nil {
		return nil, err
	}
	if err := failed(result); err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "ANALYZE"); err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, "SELECT relname FROM pg_class "+
		"WHERE relnamespace = 'legacy'::regnamespace AND relkind = 'v'")
	if err != nil {
		return nil, err
	}
	relations, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	var slowest time.Duration
	name := ""
	for _, relation := range relations {
		var times []time.Duration
		for range s.rounds {
			err := measure(conn.PgConn().PID(), &times, func() error {
				_, err := conn.Exec(ctx, "SELECT count(*) FROM legacy."+relation)
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("legacy.%s: %w", relation, err)
			}
		}
		if took := median(times); took >= slowest {
			slowest, name = took, relation
		}
	}
	return []figure{{fmt.Sprintf("count(*) of legacy.%s, the slowest of %d", name, len(relations)), slowest.Seconds(), "s",
		fmt.Sprintf("%d findings", findings), 2, true}}, nil
}
