package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/schemas"
	"github.com/hubspoke/observability/sql"
)

const (
	viewScopes    = 1000 // accounts and regions that have findings
	changedScopes = 10
)

// views compares what a refresh of the views costs after a change of some accounts and
// regions, and of all, with what it would cost without summaries: a materialized view over
// all findings, and one scan of them.
func views(ctx context.Context, s size) ([]figure, error) {
	server, err := pgserver.Start(ctx, pgserver.Config{Settings: map[string]string{"shared_buffers": "1GB", "max_wal_size": "16GB"}})
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	pool, err := withFindings(ctx, server.URL(), s.findings/viewScopes)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	refresher, err := refresh.New(pool, refresh.Config{})
	if err != nil {
		return nil, err
	}
	if _, err := refresher.All(ctx); err != nil {
		return nil, err
	}
	var some, above, all, whole, scan []time.Duration
	for round := range s.rounds {
		for _, n := range []int{changedScopes, viewScopes} {
			summary, view, err := refreshScopes(ctx, pool, refresher, round, n)
			if err != nil {
				return nil, err
			}
			if n == viewScopes {
				all = append(all, summary)
				continue
			}
			some, above = append(some, summary), append(above, view)
		}
		for statement, times := range map[string]*[]time.Duration{
			"REFRESH MATERIALIZED VIEW CONCURRENTLY bench.findings": &whole,
			"SELECT count(*) FROM live.findings":                    &scan,
		} {
			took, err := timed(ctx, pool, statement)
			if err != nil {
				return nil, err
			}
			*times = append(*times, took)
		}
	}
	of := func(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }
	scopes := fmt.Sprintf("%d of %d scopes changed", changedScopes, viewScopes)
	full := fmt.Sprintf("%d findings in a materialized view, %v", s.findings, median(whole).Round(time.Millisecond))
	return []figure{
		{"summary of findings, " + scopes, 100 * of(median(some), median(whole)), "%", full, 2, true},
		{"and the view over it", 100 * of(median(above), median(whole)), "%", full, 5, true},
		{"summary of findings, all scopes changed", of(median(all), median(scan)), "×",
			fmt.Sprintf("one scan, %v", median(scan).Round(time.Millisecond)), 1.2, true},
	}, nil
}

// withFindings returns a database with that many findings in each scope.
func withFindings(ctx context.Context, url string, perScope int) (*pgxpool.Pool, error) {
	if _, err := load.Migrate(ctx, url); err != nil {
		return nil, err
	}
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	if _, _, err := load.Ensure(ctx, conn.Conn(), schemas.All()...); err != nil {
		return nil, err
	}
	if _, err := refresh.Install(ctx, conn.Conn(), sql.Views()); err != nil {
		return nil, err
	}
	for _, statement := range []string{
		fmt.Sprintf(insertFindingsSQL, viewScopes/2, perScope),
		"VACUUM ANALYZE obs.security_findings",
		"CREATE SCHEMA bench",
		"CREATE MATERIALIZED VIEW bench.findings AS SELECT * FROM live.findings",
		"CREATE UNIQUE INDEX ON bench.findings (account_id, region, home_account_id, home_region, product_name, severity, workflow_status, record_state, compliance_status)",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return nil, fmt.Errorf("%s: %w", statement, err)
		}
	}
	return pool, nil
}

const insertFindingsSQL = `
INSERT INTO obs.security_findings (row_key, row_hash, account_id, region, run_id, collected_at, finding_id, product_arn, product_name,
    generator_id, finding_account_id, finding_region, title, severity_label, workflow_status, record_state, compliance_status,
    resource_count, first_observed_at, finding_updated_at, sample)
SELECT md5(concat_ws('/', account, region, k))::uuid, md5(k::text)::uuid, account, region, '01930000-0000-7000-8000-000000000001', now(),
       format('arn:aws:securityhub:%%s:%%s:subscription/cis/v/1.4.0/%%s/finding/%%s', region, account, k %% 300, md5(concat_ws('/', account, region, k))),
       format('arn:aws:securityhub:%%s::product/aws/securityhub', region),
       (ARRAY['Security Hub', 'Security Hub', 'GuardDuty', 'Inspector'])[1 + k %% 4],
       'security-control/EC2.' || k %% 300, account, region,
       'A finding with a title of some length that people read, number ' || k %% 300,
       (ARRAY['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL'])[1 + (k * 7) %% 5],
       (ARRAY['NEW', 'NEW', 'NOTIFIED', 'RESOLVED', 'SUPPRESSED'])[1 + (k * 3) %% 5],
       CASE WHEN k %% 10 = 0 THEN 'ARCHIVED' ELSE 'ACTIVE' END,
       (ARRAY['FAILED', 'PASSED', 'PASSED', 'WARNING'])[1 + k %% 4],
       1, now() - k %% 400 * interval '1 day', now() - k %% 90 * interval '1 day', false
FROM (SELECT (100000000000 + 7919 * a)::text AS account FROM generate_series(1, %d) a) a,
     unnest(ARRAY['eu-central-1', 'us-east-1']) AS region, generate_series(1, %d) k
ORDER BY 1`

// refreshScopes changes a finding in each of some scopes, other ones in each round, and
// returns how long their summary took, and the view over it.
func refreshScopes(
	ctx context.Context, pool *pgxpool.Pool, r *refresh.Refresher, round, scopes int,
) (summary, view time.Duration, err error) {
	_, err = pool.Exec(ctx, `
		WITH scope AS (
			SELECT account_id, region FROM summary.findings GROUP BY 1, 2 ORDER BY md5(account_id || region || $1) LIMIT $2
		), changed AS (
			UPDATE obs.security_findings f SET severity_label = CASE severity_label WHEN 'LOW' THEN 'HIGH' ELSE 'LOW' END
			FROM scope s WHERE f.row_key = (SELECT min(g.row_key::text)::uuid FROM obs.security_findings g
				WHERE g.account_id = s.account_id AND g.region = s.region)
		)
		INSERT INTO hub.dirty (table_name, account_id, region) SELECT 'security_findings', account_id, region FROM scope`,
		fmt.Sprint(round), scopes)
	if err != nil {
		return 0, 0, err
	}
	result, err := r.Once(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, v := range result.Views {
		switch v.Name {
		case "summary.findings":
			summary = v.Duration
		case "public.findings_summary":
			view = v.Duration
		}
	}
	if summary == 0 || view == 0 {
		return 0, 0, fmt.Errorf("%d changed scopes are not in %d refreshed views", scopes, len(result.Views))
	}
	return summary, view, nil
}

// timed returns how long a statement takes.
func timed(ctx context.Context, pool *pgxpool.Pool, statement string) (time.Duration, error) {
	start := time.Now()
	_, err := pool.Exec(ctx, "SET jit = off; SET work_mem = '64MB'; "+statement)
	return time.Since(start), err
}
