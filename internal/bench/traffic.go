package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/schemas"
	"github.com/hubspoke/observability/sql"
)

// large are the categories with the most rows that views read, each with the statement that
// inserts %[2]d rows in each of 2 regions of %[1]d accounts, and a change of one row.
var large = []struct{ name, insert, change string }{
	{"security_findings", insertFindingsSQL, "severity_label = CASE severity_label WHEN 'LOW' THEN 'HIGH' ELSE 'LOW' END"},
	{"inspector_findings", insertLarge("inspector_findings",
		"finding_arn, finding_account_id, status, vulnerability_id, severity, resource_id, resource_count, package_name, "+
			"first_observed_at",
		"'arn:' || k, account, 'ACTIVE', 'CVE-2026-' || k % 300, (ARRAY['HIGH', 'LOW'])[1 + k % 2], 'i-' || k / 20, 1, "+
			"'package ' || k % 100, now()"), "severity = CASE severity WHEN 'LOW' THEN 'HIGH' ELSE 'LOW' END"},
	{"ssm_applications", insertLarge("ssm_applications", "instance_id, application_key, name, version",
		"'i-' || k / 400, k::text, 'package ' || k % 400, k % 3 || '.0'"), "version = version || '.1'"},
	{"config_noncompliant_resources", insertLarge("config_noncompliant_resources",
		"rule_name, resource_type, resource_id, evaluation_mode, compliance_type, result_recorded_at",
		"'rule ' || k % 200, 'AWS::EC2::Volume', 'vol-' || k, 'DETECTIVE', 'NON_COMPLIANT', now()"),
		"result_recorded_at = now()"},
	{"service_costs", insertLarge("service_costs",
		"usage_date, service, usage_region, unblended_cost, amortized_cost, currency, estimated",
		"current_date - k % 62, 'Service ' || k % 30, 'eu-' || k / 1860, k, k, 'USD', k % 62 < 3"),
		"unblended_cost = unblended_cost + 1"},
}

// insertLarge returns a statement for the table of a category, with values made of the
// account, the region and the number k of a row.
func insertLarge(category, columns, values string) string {
	return "INSERT INTO obs." + category + " (row_key, row_hash, account_id, region, run_id, collected_at, " + columns + `)
SELECT bench.row_key(account, region, k), md5(k::text)::uuid, account, region, '01930000-0000-7000-8000-000000000001', now(), ` +
		strings.ReplaceAll(values, "%", "%%") + `
FROM (SELECT (100000000000 + 7919 * a)::text AS account FROM generate_series(1, %[1]d) a) a,
     unnest(ARRAY['eu-central-1', 'us-east-1']) AS region, generate_series(1, %[2]d) k
ORDER BY 1`
}

// traffic measures what a Refresher takes of a processor while ten accounts and regions
// change in a second, which it looks at every ten seconds, and how long a consumer waits
// while the views are installed over the same tables and filled.
func traffic(ctx context.Context, s size) ([]figure, error) {
	const interval, perSecond = 10 * time.Second, 10
	server, err := pgserver.Start(ctx, pgserver.Config{Settings: map[string]string{
		"shared_buffers": "1GB", "max_wal_size": "16GB", "autovacuum": "off", "max_parallel_workers_per_gather": "0",
	}})
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	pool, err := pgxpool.New(ctx, server.URL())
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	rows := s.findings / 2
	if err := fillLarge(ctx, pool, rows); err != nil {
		return nil, err
	}
	longest, v, err := installBesideWriter(ctx, pool)
	if err != nil {
		return nil, err
	}
	defer v.close()
	var times, history []time.Duration
	for range s.rounds {
		if err := v.changeLarge(ctx, int(interval/time.Second)*perSecond/len(large), &times); err != nil {
			return nil, err
		}
		if err := v.exec(ctx, "SELECT history.record(clock_timestamp())", &history); err != nil {
			return nil, err
		}
	}
	busy := 100 * (median(times).Seconds()/interval.Seconds() + median(history).Seconds()/(10*time.Minute).Seconds())
	of := fmt.Sprintf("a processor; %d categories with %d rows", len(large), rows)
	return []figure{
		{fmt.Sprintf("refresher, %d scopes change in a second", perSecond), busy, "%", of, 25, true},
		{"longest write beside hub migrate", longest.Seconds(), "s", of, 1, true},
	}, nil
}

func fillLarge(ctx context.Context, pool *pgxpool.Pool, rows int) error {
	if _, err := load.NewMigrator(pool).Up(ctx); err != nil {
		return err
	}
	if _, _, err := load.Ensure(ctx, pool, schemas.All()...); err != nil {
		return err
	}
	statements := []string{"CREATE SCHEMA bench", rowKeySQL}
	for _, l := range large {
		statements = append(statements, fmt.Sprintf(l.insert, viewScopes/2, rows/viewScopes), "VACUUM ANALYZE obs."+l.name,
			"INSERT INTO hub.scope (scope, category, account_id, region, slice) SELECT DISTINCT gen_random_uuid(), '"+l.name+
				"', account_id, region, '' FROM (SELECT DISTINCT account_id, region FROM obs."+l.name+") s")
	}
	statements = append(statements,
		"INSERT INTO obs.config_rules (row_key, row_hash, account_id, region, run_id, collected_at, rule_name) "+
			"SELECT gen_random_uuid(), gen_random_uuid(), account_id, region, gen_random_uuid(), now(), rule_name "+
			"FROM (SELECT DISTINCT account_id, region, rule_name FROM obs.config_noncompliant_resources) r",
		"VACUUM ANALYZE obs.config_rules", "VACUUM ANALYZE hub.scope")
	for _, statement := range statements {
		if _, err := pool.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// installBesideWriter installs the views and has them filled while somebody writes, and
// returns how long the longest write took.
func installBesideWriter(ctx context.Context, pool *pgxpool.Pool) (longest time.Duration, v *viewsBench, err error) {
	writer, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return 0, nil, err
	}
	defer writer.Close(ctx)
	var filled atomic.Bool
	wrote := make(chan error, 1)
	go func() {
		for n := 0; !filled.Load(); n++ {
			start := time.Now()
			l := large[n%len(large)]
			// A row with the same values: nothing is marked.
			if _, err := writer.Exec(ctx, "UPDATE obs."+l.name+" SET collected_at = collected_at WHERE row_key = "+
				"(SELECT row_key FROM obs."+l.name+" LIMIT 1)"); err != nil {
				wrote <- err
				return
			}
			longest = max(longest, time.Since(start))
		}
		wrote <- nil
	}()
	conn, err := pool.Acquire(ctx)
	if err == nil {
		_, err = refresh.Install(ctx, conn.Conn(), sql.Views())
		conn.Release()
	}
	if err == nil {
		v, err = newViewsBench(ctx, pool)
	}
	filled.Store(true)
	if failed := <-wrote; err == nil && failed != nil {
		v.close()
		err = failed
	}
	return longest, v, err
}

// changeLarge changes a row in each of some accounts and regions of every large category,
// other ones each time, and adds what one refresh takes to times.
func (v *viewsBench) changeLarge(ctx context.Context, scopes int, times *[]time.Duration) error {
	v.changes++
	return measure(v.refresher, times, func() error {
		tx, err := v.conn.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(ctx) //nolint:errcheck // it was committed
		for _, l := range large {
			if _, err := tx.Exec(ctx, `
				WITH scope AS (
					SELECT account_id, region FROM hub.scope WHERE category = '`+l.name+`' ORDER BY md5(account_id || region || category || $1) LIMIT $2
				), changed AS (
					UPDATE obs.`+l.name+` f SET `+l.change+` FROM scope s WHERE f.row_key = bench.row_key(s.account_id, s.region, 7)
				)
				INSERT INTO hub.dirty (table_name, account_id, region) SELECT '`+l.name+`', account_id, region FROM scope`,
				fmt.Sprint(v.changes), scopes); err != nil {
				return err
			}
		}
		if err := tx.Commit(ctx); err != nil {
			return err
		}
		result := <-v.refreshed
		for len(result.Views) == 0 { // that of the marks of the history
			result = <-v.refreshed
		}
		changed := 0
		for _, view := range result.Views {
			if view.Changed > 0 {
				changed++
			}
		}
		if changed < len(large) {
			return fmt.Errorf("changes of %d categories changed %d summaries", len(large), changed)
		}
		return failed(result)
	})
}
