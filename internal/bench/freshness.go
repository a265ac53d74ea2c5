package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/schemas"
	"github.com/hubspoke/observability/sql"
)

// sourcesSQL makes sources with a category in each of three regions of some accounts, and
// twelve runs of each, one every hour. One in 200 is stale.
const sourcesSQL = `
INSERT INTO hub.scope (scope, category, account_id, region, slice, live_rows)
SELECT md5(concat_ws('/', c, a, r))::uuid, 'category_' || c, lpad(a::text, 12, '0'), 'region-' || r, '', 100
FROM generate_series(1, 45) c, generate_series(1, $1::int) a, generate_series(1, 3) r;`

const runsSQL = `
INSERT INTO hub.run (scope, run, collected_at, outcome, end_parts, end_rows, parts, last_part, rows, every, completed_at)
SELECT scope, lpad(to_hex(n), 32, '0')::uuid,
       now() - interval '1 hour' * (12 - n + CASE WHEN row_number % 200 = 0 THEN 5 ELSE 0 END) - interval '1 second' * (row_number % 3600),
       'ok', 1, 100, 1, 0, 100, 3600, now()
FROM (SELECT scope, row_number() OVER (ORDER BY scope) FROM hub.scope) s, generate_series(1, 12) n`

// freshness measures what it costs to know how fresh sources are, and to keep that up to
// date. Times are processor time of the server.
func freshness(ctx context.Context, s size) ([]figure, error) {
	server, err := pgserver.Start(ctx, pgserver.Config{Settings: map[string]string{
		"shared_buffers": "1GB", "max_wal_size": "16GB", "autovacuum": "off",
		"max_parallel_workers_per_gather": "0", // the processor time of one process is all
	}})
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	config, err := load.PoolConfig(server.URL())
	if err != nil {
		return nil, err
	}
	config.MaxConns = 1 // one process
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	f := &freshnessBench{pool: pool, rounds: s.rounds}
	if err := f.fill(ctx, s.accounts); err != nil {
		return nil, err
	}
	sources := fmt.Sprintf("%d sources, %d runs", s.accounts*45*3, s.accounts*45*3*12)
	var figures []figure
	for _, q := range []struct {
		what, sql string
		goal      float64
	}{
		{"freshness of all sources", "SELECT count(*) FILTER (WHERE red), max(age) FROM freshness", 40},
		{"how many are red, and the newest",
			"SELECT (SELECT count(*) FROM freshness WHERE red), (SELECT max(seen_at) FROM freshness)", 1},
		{"coverage of all accounts", "SELECT count(*) FROM coverage", 1000},
	} {
		took, err := f.measure(ctx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, q.sql)
			return err
		})
		if err != nil {
			return nil, err
		}
		figures = append(figures, figure{q.what, 1000 * took.Seconds(), "ms", sources, q.goal, true})
	}
	took, err := f.status(ctx)
	if err != nil {
		return nil, err
	}
	figures = append(figures, figure{"hub status", 1000 * took.Seconds(), "ms", sources, 1500, true})
	for _, batch := range []int{1, 19, 500} {
		took, err := f.store(ctx, batch)
		if err != nil {
			return nil, err
		}
		figures = append(figures, figure{fmt.Sprintf("storing a source, %d a transaction", batch),
			1000 * took.Seconds() / float64(batch), "ms", sources, 0.2, true})
	}
	return figures, nil
}

type freshnessBench struct {
	pool   *pgxpool.Pool
	rounds int
	stored int // sources so far
}

func (f *freshnessBench) fill(ctx context.Context, accounts int) error {
	if _, err := load.NewMigrator(f.pool).Up(ctx); err != nil {
		return err
	}
	conn, err := f.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, _, err := load.Ensure(ctx, conn.Conn(), schemas.All()...); err != nil {
		return err
	}
	if _, err := refresh.Install(ctx, conn.Conn(), sql.Views()); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, sourcesSQL, accounts); err != nil {
		return err
	}
	for _, statement := range []string{
		"SET enable_hashjoin = on", runsSQL,
		"UPDATE hub.scope SET complete_run = lpad('c', 32, '0')::uuid, full_run = lpad('c', 32, '0')::uuid",
		"VACUUM ANALYZE hub.scope, hub.run", "SELECT hub.store_all_sources()", "VACUUM ANALYZE hub.source",
		"SET enable_hashjoin = off",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// measure returns the median time of do, each in a transaction of its own.
func (f *freshnessBench) measure(ctx context.Context, do func(pgx.Tx) error) (time.Duration, error) {
	var times []time.Duration
	for range f.rounds {
		err := pgx.BeginFunc(ctx, f.pool, func(tx pgx.Tx) error {
			return measure(tx.Conn().PgConn().PID(), &times, func() error { return do(tx) })
		})
		if err != nil {
			return 0, err
		}
	}
	return median(times), nil
}

// status returns the median time of reading the status.
func (f *freshnessBench) status(ctx context.Context) (time.Duration, error) {
	conn, err := f.pool.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	pid := conn.Conn().PgConn().PID()
	conn.Release()
	var times []time.Duration
	for range f.rounds {
		err := measure(pid, &times, func() error {
			_, err := verify.ReadStatus(ctx, f.pool, schemas.All(), 24*time.Hour)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return median(times), nil
}

// store returns the median time of storing sources after a run of each.
func (f *freshnessBench) store(ctx context.Context, sources int) (time.Duration, error) {
	var times []time.Duration
	for range 10 * f.rounds {
		err := pgx.BeginFunc(ctx, f.pool, func(tx pgx.Tx) error {
			var scopes [][16]byte
			err := tx.QueryRow(ctx, `
				WITH next AS (
					INSERT INTO hub.run (scope, run, collected_at, outcome, end_parts, end_rows, parts, last_part, rows, every, completed_at)
					SELECT scope, lpad(to_hex(100 + $1), 32, '0')::uuid, now(), 'ok', 1, 100, 1, 0, 100, 3600, now()
					FROM (SELECT scope FROM hub.scope ORDER BY scope OFFSET $1 LIMIT $2) s
					RETURNING scope
				)
				SELECT array_agg(scope) FROM next`, f.stored, sources).Scan(&scopes)
			if err != nil {
				return err
			}
			var keys [4][]string
			err = tx.QueryRow(ctx, `
				WITH completed AS (
					UPDATE hub.scope SET complete_run = lpad(to_hex(100 + $2), 32, '0')::uuid, full_run = lpad(to_hex(100 + $2), 32, '0')::uuid
					WHERE scope = ANY ($1)
					RETURNING category, account_id, region, slice
				)
				SELECT array_agg(category), array_agg(account_id), array_agg(region), array_agg(slice) FROM completed`,
				scopes, f.stored).Scan(&keys[0], &keys[1], &keys[2], &keys[3])
			if err != nil {
				return err
			}
			f.stored += sources
			return measure(tx.Conn().PgConn().PID(), &times, func() error {
				_, err := tx.Exec(ctx, "SELECT hub.store_sources($1, $2, $3, $4)", keys[0], keys[1], keys[2], keys[3])
				return err
			})
		})
		if err != nil {
			return 0, err
		}
	}
	return median(times), nil
}
