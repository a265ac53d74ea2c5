package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
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
// regions, and of all, with what it would cost without summaries: a materialized view in
// place of each summary of the findings, and one scan for each. Times are processor time of
// the server.
func views(ctx context.Context, s size) ([]figure, error) {
	server, err := pgserver.Start(ctx, pgserver.Config{Settings: map[string]string{
		"shared_buffers": "1GB", "max_wal_size": "16GB", "autovacuum": "off",
		"max_parallel_workers_per_gather": "0", // the processor time of one process is all
	}})
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	pool, err := withFindings(ctx, server.URL(), s.findings/viewScopes)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	v, err := newViewsBench(ctx, pool)
	if err != nil {
		return nil, err
	}
	defer v.close()
	summaries, err := v.materialize(ctx)
	if err != nil {
		return nil, err
	}
	var some, above, all, whole, scan []time.Duration
	for range s.rounds {
		if err := v.refreshScopes(ctx, changedScopes, &above); err != nil {
			return nil, err
		}
	}
	if _, err := v.conn.Exec(ctx, "DROP MATERIALIZED VIEW findings_places CASCADE"); err != nil {
		return nil, err
	}
	for range s.rounds {
		for _, err := range []error{
			v.refreshScopes(ctx, changedScopes, &some),
			v.refreshScopes(ctx, viewScopes, &all),
			v.exec(ctx, eachOf(summaries, "REFRESH MATERIALIZED VIEW CONCURRENTLY bench.%s"), &whole),
			// Counting whole rows has PostgreSQL compute every column.
			v.exec(ctx, eachOf(summaries, "SELECT count(v) FROM live.%s v"), &scan),
		} {
			if err != nil {
				return nil, err
			}
		}
	}
	of := func(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }
	full := fmt.Sprintf("%d findings in %d materialized views, %v", s.findings, len(summaries),
		median(whole).Round(time.Millisecond))
	figures, err := traffic(ctx, s)
	return append([]figure{
		{fmt.Sprintf("summaries, %d of %d scopes changed", changedScopes, viewScopes), 100 * of(median(some), median(whole)),
			"%", full, 2, true},
		{"the same and the view over them", 100 * of(median(above), median(whole)), "%", full, 20, true},
		{"summaries, all scopes changed", of(median(all), median(scan)), "×",
			fmt.Sprintf("one scan for each, %v", median(scan).Round(time.Millisecond)), 1.2, true},
	}, figures...), err
}

// viewsBench measures the processor time of two connections: that of a Refresher, which
// runs as in the hub, and its own.
type viewsBench struct {
	conn      *pgx.Conn
	refresher uint32 // the process of its connection
	refreshed chan refresh.Result
	changes   int
	close     func()
}

// newViewsBench starts a Refresher and waits until it has filled everything.
func newViewsBench(ctx context.Context, pool *pgxpool.Pool) (*viewsBench, error) {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	v := &viewsBench{conn: conn, refreshed: make(chan refresh.Result, 1)}
	r, err := refresh.New(pool, refresh.Config{
		Debounce: 200 * time.Millisecond, Interval: time.Millisecond,
		OnRefresh: func(result refresh.Result) { v.refreshed <- result },
	})
	if err != nil {
		return nil, err
	}
	pool.Reset() // its connection is a new one, the only one besides
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.Run(running) // it ends when it is told to
	}()
	v.close = func() {
		stop()
		<-done
		_ = conn.Close(ctx)
	}
	if err := failed(<-v.refreshed); err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, "SET jit = off; SET work_mem = '64MB'") // as the Refresher has them
	if err != nil {
		return nil, err
	}
	return v, conn.QueryRow(ctx, `SELECT pid FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY backend_start DESC LIMIT 1`).Scan(&v.refresher)
}

func failed(result refresh.Result) error {
	for _, v := range result.Failed() {
		return fmt.Errorf("refresh %s: %w", v.Name, v.Err)
	}
	return nil
}

// withFindings returns a database with that many findings in each scope.
func withFindings(ctx context.Context, url string, perScope int) (*pgxpool.Pool, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	if _, err := load.NewMigrator(pool).Up(ctx); err != nil {
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
		"CREATE SCHEMA bench",
		rowKeySQL,
		fmt.Sprintf(insertFindingsSQL, viewScopes/2, perScope),
		"VACUUM ANALYZE obs.security_findings",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return nil, fmt.Errorf("%s: %w", statement, err)
		}
	}
	return pool, nil
}

// rowKeySQL makes keys like those of the loader: rows of an account and region begin alike,
// and lie side by side.
const rowKeySQL = `
CREATE FUNCTION bench.row_key(account text, region text, k int) RETURNS uuid IMMUTABLE LANGUAGE sql
RETURN (substr(md5(account || region), 1, 12) || substr(md5(k || account || region), 1, 20))::uuid`

const insertFindingsSQL = `
INSERT INTO obs.security_findings (row_key, row_hash, account_id, region, run_id, collected_at, finding_id, product_arn, product_name,
    generator_id, finding_account_id, finding_region, title, severity_label, workflow_status, record_state, compliance_status,
    resource_count, first_observed_at, finding_updated_at, sample)
SELECT bench.row_key(account, region, k), md5(k::text)::uuid, account, region, '01930000-0000-7000-8000-000000000001', now(),
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

// materialize makes a materialized view in schema bench of each summary that a change of
// the findings touches, and returns their names.
func (v *viewsBench) materialize(ctx context.Context) ([]string, error) {
	if _, err := v.conn.Exec(ctx, changeScopesSQL, "first", 1); err != nil {
		return nil, err
	}
	result := <-v.refreshed
	if err := failed(result); err != nil {
		return nil, err
	}
	var names []string
	for _, view := range result.Views {
		name, isSummary := strings.CutPrefix(view.Name, "summary.")
		if !isSummary {
			continue
		}
		names = append(names, name)
		var key string
		err := v.conn.QueryRow(ctx, `
			SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
			FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
			WHERE indrelid = $1::regclass AND indisprimary`, view.Name).Scan(&key)
		if err != nil {
			return nil, fmt.Errorf("key of %s: %w", view.Name, err)
		}
		for _, statement := range []string{
			fmt.Sprintf("CREATE MATERIALIZED VIEW bench.%[1]s AS SELECT * FROM live.%[1]s", name),
			fmt.Sprintf("CREATE UNIQUE INDEX ON bench.%s (%s)", name, key),
		} {
			if _, err := v.conn.Exec(ctx, statement); err != nil {
				return nil, fmt.Errorf("%s: %w", statement, err)
			}
		}
	}
	return names, nil
}

// eachOf returns one statement for each name.
func eachOf(names []string, statement string) string {
	var out strings.Builder
	for _, name := range names {
		fmt.Fprintf(&out, statement+";\n", name)
	}
	return out.String()
}

// refreshScopes changes a finding in each of some scopes, other ones each time, and adds
// what their refresh takes to times.
func (v *viewsBench) refreshScopes(ctx context.Context, scopes int, times *[]time.Duration) error {
	v.changes++
	return measure(v.refresher, times, func() error {
		_, err := v.conn.Exec(ctx, changeScopesSQL, fmt.Sprint(v.changes), scopes)
		if err != nil {
			return err
		}
		result := <-v.refreshed
		if !slices.ContainsFunc(result.Views, func(view refresh.View) bool { return view.Changed > 0 }) {
			return fmt.Errorf("%d changed scopes changed nothing in %d views", scopes, len(result.Views))
		}
		return failed(result)
	})
}

// changeScopesSQL changes a finding in each of $2 scopes and marks them, as the loader does.
const changeScopesSQL = `
WITH scope AS (
    SELECT account_id, region FROM summary.findings GROUP BY 1, 2 ORDER BY md5(account_id || region || $1) LIMIT $2
), changed AS (
    UPDATE obs.security_findings f SET severity_label = CASE severity_label WHEN 'LOW' THEN 'HIGH' ELSE 'LOW' END
    FROM scope s WHERE f.row_key = bench.row_key(s.account_id, s.region, 7)
)
INSERT INTO hub.dirty (table_name, account_id, region) SELECT 'security_findings', account_id, region FROM scope`

// exec runs a statement and adds what it takes to times.
func (v *viewsBench) exec(ctx context.Context, statement string, times *[]time.Duration) error {
	return measure(v.conn.PgConn().PID(), times, func() error {
		_, err := v.conn.Exec(ctx, statement)
		return err
	})
}

// measure adds the processor time of a process in f.
func measure(pid uint32, times *[]time.Duration, f func() error) error {
	before, err := processorTime(pid)
	if err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	after, err := processorTime(pid)
	*times = append(*times, after-before)
	return err
}

// processorTime is what a process has used, as Linux counts it.
func processorTime(pid uint32) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return 0, fmt.Errorf("processor time of the server: %w", err)
	}
	var d time.Duration
	_, err = fmt.Sscan(string(stat), (*int64)(&d))
	return d, err
}
