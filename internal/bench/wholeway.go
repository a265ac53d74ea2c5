package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// wholeWay compares the pipeline, from Kinesis bytes to committed rows, with
// psql: COPY of a binary file into a stage, the best single merge statement, and
// the same bookkeeping.
//
// The server is as one that has been running: its files of write-ahead log are used
// again, since making them anew would take a fifth of the time of either side.
func wholeWay(ctx context.Context, s size) ([]figure, error) {
	server, err := pgserver.Start(ctx, pgserver.Config{Durable: true, Settings: map[string]string{
		"autovacuum": "off", "shared_buffers": "1GB", "checkpoint_timeout": "1h",
		"max_wal_size": "16GB", "min_wal_size": "4GB",
	}})
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w := &way{size: s, server: server, dir: dir}
	if err := w.prepare(ctx); err != nil {
		return nil, err
	}
	return w.compare(ctx)
}

// phases of one measurement; each meets the table as the one before left it.
var phases = []string{"new", "unchanged", "changed"}

// incremental is a phase of the pipeline alone, after that of unchanged rows: the same
// rows once more, as a run reads them that asks for what has changed.
const incremental = "incremental"

const rowsPerScope = 5000

type way struct {
	size
	server  *pgserver.Server
	dir     string
	records map[string][][][]byte // by phase and scope: the records of a run
	files   map[string][]string   // by phase: COPY files of one batch each
	dbs     int
}

const indexes = `
CREATE INDEX ON obs.fixture_findings (severity_label) WHERE record_state = 'ACTIVE'`

// prepare makes the records, and from the rows they become the files for psql.
func (w *way) prepare(ctx context.Context) error {
	w.records, w.files = map[string][][][]byte{}, map[string][]string{}
	var findings []fixture.Finding
	for scope := range w.rows / rowsPerScope {
		findings = append(findings, fixture.FindingsOf(accountOf(scope), "eu-central-1", rowsPerScope, uint64(scope))...)
	}
	started := time.Now().Add(-time.Hour)
	for i, phase := range w.ourPhases() {
		if phase == "changed" {
			for j := range findings {
				findings[j].RecordState = "ARCHIVED"
				findings[j].FindingUpdatedAt = findings[j].FindingUpdatedAt.Add(time.Hour)
			}
		}
		extent := schema.Full
		if phase == incremental {
			extent = schema.Incremental
		}
		for scope := range w.rows / rowsPerScope {
			own := findings[scope*rowsPerScope : (scope+1)*rowsPerScope]
			records, err := pack(scope, started.Add(time.Duration(i)*time.Minute), extent, own)
			if err != nil {
				return err
			}
			w.records[phase] = append(w.records[phase], records)
		}
	}
	hub, err := w.newHub(ctx, 1)
	if err != nil {
		return err
	}
	defer hub.close()
	for _, phase := range phases {
		if err := hub.consume(ctx, w.records[phase]); err != nil {
			return err
		}
		if w.files[phase], err = w.export(ctx, hub.pool, phase); err != nil {
			return err
		}
	}
	return nil
}

// ourPhases are the phases of the pipeline.
func (w *way) ourPhases() []string { return []string{"new", "unchanged", incremental, "changed"} }

func accountOf(scope int) string { return fmt.Sprintf("1%011d", scope) }

func pack(scope int, start time.Time, extent schema.Extent, findings []fixture.Finding) ([][]byte, error) {
	p, err := envelope.NewPacker(envelope.Config{})
	if err != nil {
		return nil, err
	}
	run, err := p.Run(schema.Scope{Category: "fixture_findings", Account: accountOf(scope), Region: "eu-central-1"},
		schema.NewRunID(start))
	if err != nil {
		return nil, err
	}
	run.Extent = extent
	for _, line := range fixture.Lines(findings) {
		if err := run.Add(line); err != nil {
			return nil, err
		}
	}
	var records [][]byte
	for _, packed := range run.Flush() {
		records = append(records, packed.Record)
	}
	end, err := run.End(schema.OK, "")
	return append(records, end), err
}

// export writes the table as COPY files of one batch each.
func (w *way) export(ctx context.Context, pool *pgxpool.Pool, phase string) ([]string, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	var files []string
	for i := range w.rows / w.batch {
		var b bytes.Buffer
		sql := fmt.Sprintf("COPY (SELECT %s FROM obs.fixture_findings ORDER BY row_key LIMIT %d OFFSET %d) TO STDOUT BINARY",
			columns(""), w.batch, i*w.batch)
		if _, err := conn.Conn().PgConn().CopyTo(ctx, &b, sql); err != nil {
			return nil, err
		}
		name := filepath.Join(w.dir, fmt.Sprintf("%s-%03d.copy", phase, i))
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	return files, nil
}

func columns(prefix string) string {
	names := []string{"row_key", "row_hash", "account_id", "region", "run_id", "collected_at", "first_seen_at"}
	for _, c := range fixture.Category.Columns() {
		names = append(names, c.Name)
	}
	return prefix + strings.Join(names, ", "+prefix)
}

// database makes an empty database with the tables of both sides, in place of the
// one before, and leaves the server, the disk and this process nothing to do from
// before.
func (w *way) database(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, w.server.URL())
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	before := fmt.Sprintf("bench_%d", w.dbs)
	w.dbs++
	name := fmt.Sprintf("bench_%d", w.dbs)
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + before, "CREATE DATABASE " + name, "CHECKPOINT"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return "", err
		}
	}
	syscall.Sync()
	runtime.GC()
	cfg, err := pgx.ParseConfig(w.server.URL())
	if err != nil {
		return "", err
	}
	url := fmt.Sprintf("postgres://%s:%s@%s:%d/%s", cfg.User, cfg.Password, cfg.Host, cfg.Port, name)
	own, err := pgxpool.New(ctx, url)
	if err != nil {
		return "", err
	}
	defer own.Close()
	if _, err := load.NewMigrator(own).Up(ctx); err != nil {
		return "", err
	}
	_, err = own.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS obs;"+load.DDL(fixture.Category.Table)+";"+indexes+`;
		CREATE TABLE public.part (id serial PRIMARY KEY, keys uuid[]);
		ALTER TABLE public.part ALTER keys SET STORAGE EXTERNAL;
		CREATE TABLE public.progress (n int); INSERT INTO public.progress VALUES (0)`)
	return url, err
}

// merges are the single statements that could be best; each phase is compared
// with the faster one.
func merges() []string {
	var set []string
	for c := range strings.SplitSeq(columns(""), ", ") {
		if c != "first_seen_at" {
			set = append(set, c+" = excluded."+c)
		}
	}
	insert := "INSERT INTO obs.fixture_findings AS t (" + columns("") + ") SELECT " + columns("s.") + " FROM stage s "
	conflict := " ON CONFLICT (row_key) DO UPDATE SET " + strings.Join(set, ", ") + ", deleted_at = NULL WHERE " +
		"t.run_id < excluded.run_id AND (t.row_hash <> excluded.row_hash OR t.deleted_at IS NOT NULL)"
	return []string{
		insert + conflict,
		insert + "LEFT JOIN obs.fixture_findings o ON o.row_key = s.row_key WHERE o.row_key IS NULL OR o.row_hash <> " +
			"s.row_hash OR o.deleted_at IS NOT NULL" + conflict,
	}
}

// floor runs psql over all phases and returns their times.
func (w *way) floor(ctx context.Context, merge string) (map[string]time.Duration, error) {
	url, err := w.database(ctx)
	if err != nil {
		return nil, err
	}
	times := map[string]time.Duration{}
	for _, phase := range phases {
		var script strings.Builder
		script.WriteString("SET jit = off; SET enable_hashjoin = off; SET enable_mergejoin = off;\n" +
			"CREATE TEMPORARY TABLE stage (LIKE obs.fixture_findings) ON COMMIT DELETE ROWS;\n")
		for _, file := range w.files[phase] {
			fmt.Fprintf(&script, "BEGIN;\n\\copy stage (%s) FROM '%s' WITH (FORMAT binary)\n%s;\n", columns(""), file, merge)
			script.WriteString("INSERT INTO part (keys) SELECT array_agg(row_key) FROM stage;\nUPDATE progress SET n = n + " +
				"1;\nCOMMIT;\n")
		}
		cmd := exec.CommandContext(ctx, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", url)
		cmd.Stdin = strings.NewReader(script.String())
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("psql: %w: %s", err, out)
		}
		times[phase] = time.Since(start)
	}
	return times, nil
}

// hub is the pipeline on a database of its own.
type hub struct {
	pool     *pgxpool.Pool
	pipeline *ingest.Pipeline
	stop     context.CancelFunc
	ended    chan error
}

func (w *way) newHub(ctx context.Context, committers int) (*hub, error) {
	url, err := w.database(ctx)
	if err != nil {
		return nil, err
	}
	cfg, err := load.PoolConfig(url)
	if err != nil {
		return nil, err
	}
	h := &hub{ended: make(chan error, 1)}
	if h.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, err
	}
	loader, err := load.New(h.pool, load.Config{Tables: []*schema.Table{fixture.Category.Table}})
	if err != nil {
		return nil, err
	}
	h.pipeline, err = ingest.New(loader, ingest.Config{StreamID: "bench", Committers: committers, BatchRows: w.batch})
	if err != nil {
		return nil, err
	}
	ctx, h.stop = context.WithCancel(ctx)
	go func() { h.ended <- h.pipeline.Run(ctx) }()
	return h, nil
}

func (h *hub) close() {
	h.stop()
	if err := <-h.ended; err != nil {
		fmt.Fprintln(os.Stderr, err) // it has failed the sessions, too
	}
	h.pool.Close()
}

// shards of the stream, as the demo has them.
const shards = 4

// consume has each shard deliver the records of its share of the scopes.
func (h *hub) consume(ctx context.Context, scopes [][][]byte) error {
	var errs [shards]error
	var group sync.WaitGroup
	for shard := range shards {
		group.Go(func() { errs[shard] = h.deliver(ctx, shard, scopes) })
	}
	group.Wait()
	return errors.Join(errs[:]...)
}

func (h *hub) deliver(ctx context.Context, shard int, scopes [][][]byte) error {
	name := fmt.Sprintf("shard-%d", shard)
	from, err := h.pipeline.Progress(ctx, name)
	if err != nil {
		return err
	}
	s := h.pipeline.Open(name, from)
	sequence := time.Now().UnixNano()
	for i := shard; i < len(scopes); i += shards {
		var records []stream.Record
		for _, data := range scopes[i] {
			sequence++
			records = append(records, stream.Record{Sequence: fmt.Sprint(sequence), Data: data, Arrived: time.Now()})
		}
		if err := s.Deliver(ctx, records); err != nil {
			return err
		}
	}
	_, err = s.Drain(ctx)
	return err
}

// counters are PostgreSQL's own, of the category's table.
type counters struct{ wal, updated int64 }

func (h *hub) counters(ctx context.Context) (c counters, err error) {
	err = h.pool.QueryRow(ctx, `SELECT pg_current_wal_lsn() - '0/0'::pg_lsn`).Scan(&c.wal)
	if err != nil {
		return c, err
	}
	err = h.pool.QueryRow(ctx, `SELECT pg_stat_get_tuples_updated('obs.fixture_findings'::regclass)`).Scan(&c.updated)
	return c, err
}

// ours runs the pipeline over all phases.
func (w *way) ours(ctx context.Context, committers int) (times map[string]time.Duration, counted map[string]counters,
	err error) {
	h, err := w.newHub(ctx, committers)
	if err != nil {
		return nil, nil, err
	}
	defer h.close()
	times, counted = map[string]time.Duration{}, map[string]counters{}
	for _, phase := range w.ourPhases() {
		h.pool.Reset() // a backend hands in its statistics when it ends
		before, err := h.counters(ctx)
		if err != nil {
			return nil, nil, err
		}
		start := time.Now()
		if err := h.consume(ctx, w.records[phase]); err != nil {
			return nil, nil, err
		}
		times[phase] = time.Since(start)
		h.pool.Reset()
		after, err := h.counters(ctx)
		if err != nil {
			return nil, nil, err
		}
		counted[phase] = counters{after.wal - before.wal, after.updated - before.updated}
	}
	return times, counted, nil
}

// round is one measurement of every side, by phase.
type round struct {
	floor map[string]time.Duration
	ours  [2]map[string]time.Duration // with one committer and with two
}

func (w *way) round(ctx context.Context) (r round, counted map[string]counters, err error) {
	r.floor = map[string]time.Duration{}
	for _, merge := range merges() {
		times, err := w.floor(ctx, merge)
		if err != nil {
			return r, nil, err
		}
		for phase, t := range times {
			if r.floor[phase] == 0 || t < r.floor[phase] {
				r.floor[phase] = t
			}
		}
	}
	for i := range r.ours {
		if r.ours[i], counted, err = w.ours(ctx, i+1); err != nil {
			return r, nil, err
		}
	}
	return r, counted, nil
}

// compare returns medians over the rounds; the sides are compared within a round.
func (w *way) compare(ctx context.Context) ([]figure, error) {
	var rounds []round
	var counted map[string]counters
	for range w.rounds {
		r, c, err := w.round(ctx)
		if err != nil {
			return nil, err
		}
		rounds, counted = append(rounds, r), c
	}
	overRounds := func(of func(round) float64) float64 {
		var values []float64
		for _, r := range rounds {
			values = append(values, of(r))
		}
		return median(values)
	}
	micros := func(of func(round) time.Duration) float64 {
		return overRounds(func(r round) float64 { return perRow(of(r), w.rows) })
	}
	goals := map[string][2]float64{"new": {1.2, 1.25}, "unchanged": {1.6, 1.65}, "changed": {0.85, 0.9}}
	var figures []figure
	for _, phase := range phases {
		floor := micros(func(r round) time.Duration { return r.floor[phase] })
		for i := range 2 {
			ours := micros(func(r round) time.Duration { return r.ours[i][phase] })
			ratio := overRounds(func(r round) float64 { return float64(r.floor[phase]) / float64(r.ours[i][phase]) })
			figures = append(figures, figure{
				fmt.Sprintf("whole way: %s rows, %d committer(s); %.1f µs/row", phase, i+1, ours), ratio, "×",
				fmt.Sprintf("psql: COPY to a stage, merge; %.1f µs/row", floor), goals[phase][i], false,
			})
		}
	}
	rate := overRounds(func(r round) float64 { return float64(r.floor["new"]) / float64(r.ours[0]["unchanged"]) })
	again := overRounds(func(r round) float64 { return float64(r.ours[0][incremental]) / float64(r.ours[0]["unchanged"]) })
	figures = append(figures,
		figure{"unchanged snapshot: rate", rate, "×", "psql's rate for new rows", 4, false},
		figure{"unchanged rows of incremental runs: time", again, "×", "unchanged snapshot", 1.1, true},
	)
	for _, phase := range []string{"unchanged", incremental} {
		c := counted[phase]
		figures = append(figures,
			figure{phase + " run, nothing changed: WAL", float64(c.wal) / float64(w.rows), "B/row", "-", 40, true},
			figure{phase + " run, nothing changed: n_tup_upd", float64(c.updated), "", "-", 0, true},
		)
	}
	return figures, nil
}
