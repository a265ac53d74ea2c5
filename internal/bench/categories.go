package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// fewCategories is what many categories are compared with.
const fewCategories = 6

// manyCategories compares batches with rows of many categories, one part and one
// complete run of each, with batches of as many rows of few categories.
func manyCategories(ctx context.Context, s size) ([]figure, error) {
	server, err := pgserver.Start(ctx, pgserver.Config{Durable: true, Settings: map[string]string{
		"autovacuum": "off", "shared_buffers": "1GB", "checkpoint_timeout": "1h",
		"max_wal_size": "16GB", "min_wal_size": "1GB",
	}})
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	var sides [2]*loading
	for i, n := range []int{fewCategories, s.categories} {
		if sides[i], err = newLoading(ctx, server.URL(), n); err != nil {
			return nil, err
		}
		defer sides[i].pool.Close()
	}
	batches := max(s.rows/s.batch/10, 1)
	ratios, micros := map[string][]float64{}, map[string][2][]float64{}
	for round := range s.rounds + 1 {
		times := map[string][2]time.Duration{}
		for batch := range batches {
			account := accountOf(round*batches + batch)
			findings := fixture.FindingsOf(account, "eu-central-1", s.batch, uint64(batch))
			for step, phase := range phases {
				for i, side := range sides {
					took, err := side.apply(ctx, account, step, findings)
					if err != nil {
						return nil, err
					}
					t := times[phase]
					t[i] += took
					times[phase] = t
				}
			}
		}
		if round == 0 {
			continue // the first makes stages, and reads catalogs
		}
		for phase, t := range times {
			ratios[phase] = append(ratios[phase], float64(t[1])/float64(t[0]))
			m := micros[phase]
			for i := range t {
				m[i] = append(m[i], perRow(t[i], batches*s.batch))
			}
			micros[phase] = m
		}
	}
	var figures []figure
	for _, phase := range phases {
		figures = append(figures, figure{
			fmt.Sprintf("%d categories in a batch: %s rows; %.1f µs/row of processors",
				s.categories, phase, median(micros[phase][1])),
			median(ratios[phase]), "×",
			fmt.Sprintf("%d categories; %.1f µs/row", fewCategories, median(micros[phase][0])), 1.3, true,
		})
	}
	return figures, nil
}

// loading is a loader with a number of categories in a database of its own.
type loading struct {
	pool   *pgxpool.Pool
	loader *load.Loader
	tables []*schema.Table
	start  time.Time
	// backend is the process of the pool's connection.
	backend int
}

func newLoading(ctx context.Context, server string, categories int) (*loading, error) {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	name := fmt.Sprintf("categories_%d", categories)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return nil, err
	}
	cfg := conn.Config()
	url := fmt.Sprintf("postgres://%s:%s@%s:%d/%s", cfg.User, cfg.Password, cfg.Host, cfg.Port, name)
	l := &loading{start: time.Now().Add(-time.Hour)}
	sql := load.SchemaDDL
	for i := range categories {
		spec := schema.Spec{Name: fmt.Sprintf("findings_%d", i), Mode: schema.Snapshot}
		t, err := schema.Compile(reflect.TypeFor[fixture.Finding](), spec)
		if err != nil {
			return nil, err
		}
		l.tables = append(l.tables, t)
		sql += ";\n" + load.DDL(t)
	}
	pool, err := load.PoolConfig(url)
	if err != nil {
		return nil, err
	}
	pool.MaxConns, pool.MaxConnLifetime = 1, 24*time.Hour
	if l.pool, err = pgxpool.NewWithConfig(ctx, pool); err != nil {
		return nil, err
	}
	if _, err := load.NewMigrator(l.pool).Up(ctx); err != nil {
		return nil, err
	}
	if _, err := l.pool.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, err
	}
	if err := l.pool.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&l.backend); err != nil {
		return nil, err
	}
	l.loader, err = load.New(l.pool, load.Config{Tables: l.tables})
	return l, err
}

// apply applies one batch, the findings divided among the categories, and returns what
// that cost.
func (l *loading) apply(
	ctx context.Context, account string, step int, findings []fixture.Finding,
) (time.Duration, error) {
	run := schema.NewRunID(l.start.Add(time.Duration(step) * time.Minute))
	var b load.Batch
	defer func() {
		for _, g := range b.Groups {
			g.Record.Release()
		}
	}()
	share := (len(findings) + len(l.tables) - 1) / len(l.tables)
	for i, own := range slices.Collect(slices.Chunk(findings, share)) {
		t := l.tables[i]
		appender := rows.NewAppender(schema.Category[fixture.Finding]{Table: t}, nil)
		for _, f := range own {
			if phases[step] == "changed" {
				f.RecordState = "ARCHIVED"
				f.FindingUpdatedAt = f.FindingUpdatedAt.Add(time.Hour)
			}
			if err := appender.Append(&f); err != nil {
				return 0, err
			}
		}
		scope := schema.Scope{Category: t.Name(), Account: account, Region: "eu-central-1"}
		origin := load.Origin{}
		b.Groups = append(b.Groups, load.Group{Table: t, Record: appender.Record(), Parts: []load.Part{{
			Scope: scope, Run: run, SHA256: sha256.Sum256([]byte(account)), Rows: len(own), Origin: origin,
		}}})
		appender.Release()
		b.Groups[i].Identify()
		b.Ends = append(b.Ends, load.End{
			Scope: scope, Run: run, Outcome: schema.OK, Parts: 1, Rows: int64(len(own)), Extent: schema.Full, Origin: origin,
		})
	}
	before, err := l.cost()
	if err != nil {
		return 0, err
	}
	if _, err := l.loader.Apply(ctx, &b); err != nil {
		return 0, err
	}
	after, err := l.cost()
	return after - before, err
}

// cost returns the processor time that this process and the backend of the one connection
// have used: a batch of many categories waits for more answers, and how long that takes
// depends on what else the machine does.
func (l *loading) cost() (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", l.backend))
	if err != nil {
		return 0, err
	}
	running, _, _ := strings.Cut(string(data), " ")
	ns, err := strconv.ParseInt(running, 10, 64)
	return time.Duration(ns) + cpuTime(), err
}
