package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/memstream"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var things = schema.Of[struct {
	ID    string `col:"id,key"`
	Value string `col:"value"`
}](schema.Spec{Name: "things", Mode: schema.Snapshot})

// gauges have columns of the types that a change of type could turn into garbage.
var gauges = schema.Of[struct {
	ID    string  `col:"id,key"`
	Ratio float64 `col:"ratio"`
	Count int64   `col:"count"`
	Note  *string `col:"note"`
}](schema.Spec{Name: "gauges", Mode: schema.Snapshot})

var categories = []*schema.Table{things.Table, gauges.Table}

var template = pgtest.Template{Name: "ingest", Migrate: createTables}

func createTables(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := load.NewMigrator(pool).Up(ctx); err != nil {
		return err
	}
	_, err := pool.Exec(ctx, "CREATE SCHEMA obs;"+load.DDL(things.Table)+";"+load.DDL(gauges.Table))
	return err
}

type hub struct {
	*testing.T
	pool     *pgxpool.Pool
	pipeline *ingest.Pipeline
	results  chan load.Result
	ended    chan error // what Run returned
}

// newHub starts a pipeline on a fresh database.
func newHub(t *testing.T, config ingest.Config) *hub {
	t.Helper()
	db := pgtest.New(t, template)
	return newHubOn(t, db.Pool, newLoader(newPool(t, db.URL, nil), quick), config)
}

// newLoader returns a loader of the categories of these tests.
func newLoader(pool *pgxpool.Pool, config load.Config) *load.Loader {
	config.Tables = categories
	loader, err := load.New(pool, config)
	if err != nil {
		panic(err)
	}
	return loader
}

// newPool returns a pool for a loader, which configure may change.
func newPool(t *testing.T, url string, configure func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	cfg, err := load.PoolConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	if configure != nil {
		configure(cfg)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// newHubOn starts a pipeline with a loader; pool is for looking at its database.
func newHubOn(t *testing.T, pool *pgxpool.Pool, loader *load.Loader, config ingest.Config) *hub {
	t.Helper()
	h := &hub{T: t, pool: pool, results: make(chan load.Result, 10_000), ended: make(chan error, 1)}
	config.StreamID, config.Created = "stream", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	config.OnApply = func(r load.Result) { h.results <- r }
	var err error
	if h.pipeline, err = ingest.New(loader, config); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.ended <- h.pipeline.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		select {
		case err := <-h.ended:
			if err != nil {
				t.Errorf("pipeline: %v", err)
			}
		default: // the test expected it
		}
	})
	return h
}

// quick makes a loader try again at once.
var quick = load.Config{RetryInterval: time.Millisecond, MaxRetryInterval: 20 * time.Millisecond}

func (h *hub) query(sql string) []string {
	h.Helper()
	rows, err := h.pool.Query(h.Context(), sql)
	if err != nil {
		h.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.Fatal(err)
	}
	slices.Sort(got)
	return got
}

func (h *hub) want(sql string, want ...string) {
	h.Helper()
	if got := h.query(sql); !slices.Equal(got, want) {
		h.Errorf("%s:\ngot  %q\nwant %q", sql, got, want)
	}
}

func scopeOf(account int) schema.Scope {
	return schema.Scope{Category: "things", Account: fmt.Sprintf("%012d", account), Region: "eu-central-1"}
}

// records packs one run of a scope, rows given as JSON, with its end.
func records(t testing.TB, scope schema.Scope, start time.Time, maxRows int, rows ...string) [][]byte {
	t.Helper()
	p, err := envelope.NewPacker(envelope.Config{MaxRows: maxRows})
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.Run(scope, schema.NewRunID(start))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := run.Add([]byte(row)); err != nil {
			t.Fatal(err)
		}
	}
	var out [][]byte
	for _, packed := range run.Flush() {
		out = append(out, packed.Record)
	}
	outcome := schema.OK
	if len(rows) == 0 {
		outcome = schema.Empty
	}
	end, err := run.End(outcome, "")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, end)
}

// largePart returns a part with rows of about that many bytes in all.
func largePart(t testing.TB, scope schema.Scope, size int) []byte {
	t.Helper()
	const row = 25_000
	value := strings.Repeat("x", row-1000)
	var rows []string
	for n := range size / row {
		// With less noise it would be cut into several.
		rows = append(rows, thing(strconv.Itoa(n), noise((n + 1) * 1000)[n*1000:]+value))
	}
	return records(t, scope, time.Now(), 1000, rows...)[0]
}

func thing(id, value string) string { return fmt.Sprintf(`{"id":%q,"value":%q}`, id, value) }

// deliver has one session take records and drains it.
func (h *hub) deliver(data ...[]byte) {
	h.Helper()
	from, err := h.pipeline.Progress(h.Context(), "shard-0")
	if err != nil {
		h.Fatal(err)
	}
	s := h.pipeline.Open("shard-0", from)
	var batch []stream.Record
	base := len(from.Sequence)
	for i, d := range data {
		batch = append(batch, stream.Record{Sequence: fmt.Sprintf("1%0*d", base+3, i), Data: d, Arrived: time.Now()})
	}
	if err := s.Deliver(h.Context(), batch); err != nil {
		h.Fatal(err)
	}
	if _, err := s.Drain(h.Context()); err != nil {
		h.Fatal(err)
	}
}

func TestBadRecordsDoNotStopGoodOnes(t *testing.T) {
	h := newHub(t, ingest.Config{})
	now := time.Now()
	good := records(t, scopeOf(1), now, 10, thing("a", "1"))
	mixed := records(t, scopeOf(2), now, 10, thing("a", "1"), `{"id":"b","value":7}`, `{"id":"c"`, thing("d", "1"))
	ahead := records(t, scopeOf(3), now.Add(time.Hour), 10, thing("a", "1"))
	unknown := records(t, schema.Scope{Category: "unheard_of", Account: "000000000004", Region: "global"}, now, 10,
		`{"x":1}`)
	corrupt := slices.Clone(records(t, scopeOf(5), now, 10, thing("a", "1"))[0])
	corrupt[len(corrupt)-2] ^= 0xff
	h.deliver(good[0], []byte("\xf3\x89\x9a\xc2kpl"), mixed[0], []byte("hello"), nil, ahead[0], unknown[0], corrupt,
		mixed[1], good[1])
	h.want("SELECT account_id || ' ' || id FROM obs.things", "000000000001 a", "000000000002 a", "000000000002 d")
	h.want("SELECT reason || ' ' || account_id FROM hub.reject WHERE row_number IS NULL",
		"clock_ahead 000000000003", "hash 000000000005", "kpl ", "not_envelope ", "not_envelope ",
		"unknown_category 000000000004")
	h.want("SELECT reason || ' ' || convert_from(bytes, 'UTF8') FROM hub.reject WHERE row_number IS NOT NULL",
		`syntax {"id":"c"`, `wrong_type {"id":"b","value":7}`)
	h.want("SELECT account_id FROM hub.run JOIN hub.scope USING (scope) WHERE completed_at IS NOT NULL", "000000000001")
}

func TestBatchesFillWhileTheCommitterIsBusy(t *testing.T) {
	h := newHub(t, ingest.Config{Committers: 1, BatchAge: 10 * time.Second, BatchRows: 100})
	s := h.pipeline.Open("shard-0", stream.Position{})
	for i := range 250 {
		r := records(t, scopeOf(i), time.Now(), 10, thing("a", "1"))
		batch := []stream.Record{{Sequence: fmt.Sprint(1000 + i), Data: r[0], Arrived: time.Now()}}
		if err := s.Deliver(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	p, err := s.Drain(t.Context())
	if err != nil || p.Sequence != "1249" {
		t.Fatalf("drained at %+v, %v", p, err)
	}
	var rows []int64
	for range 3 {
		rows = append(rows, (<-h.results).Categories["things"].Rows)
	}
	if !slices.Equal(rows, []int64{100, 100, 50}) {
		t.Errorf("batches of %v rows", rows)
	}
}

func TestSupersededSessionIsTold(t *testing.T) {
	h := newHub(t, ingest.Config{})
	first := h.pipeline.Open("shard-0", stream.Position{})
	second := h.pipeline.Open("shard-0", stream.Position{})
	if err := first.Deliver(t.Context(), []stream.Record{{Sequence: "1"}}); !errors.Is(err, ingest.ErrSuperseded) {
		t.Errorf("the first session: %v", err)
	}
	if err := second.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A zombie: it learned its position before somebody else moved the shard.
	zombie := h.pipeline.Open("shard-0", stream.Position{})
	if err := zombie.Deliver(t.Context(), []stream.Record{{Sequence: "1"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := zombie.Drain(t.Context()); !errors.Is(err, ingest.ErrSuperseded) {
		t.Errorf("the zombie: %v", err)
	}
}

func TestParkedRecordsAreRedriven(t *testing.T) {
	h := newHub(t, ingest.Config{})
	if _, err := h.pool.Exec(t.Context(), "ALTER TABLE obs.things RENAME COLUMN value TO other"); err != nil {
		t.Fatal(err)
	}
	h.deliver(records(t, scopeOf(1), time.Now(), 10, thing("a", "1"))...)
	if n, err := h.pipeline.Redrive(t.Context(), things.Table); n != 0 || err != nil {
		t.Errorf("redrive of a table that does not fit: %d, %v", n, err)
	}
	h.want("SELECT state FROM hub.reject", "parked", "parked")
	if _, err := h.pool.Exec(t.Context(), "ALTER TABLE obs.things RENAME COLUMN other TO value"); err != nil {
		t.Fatal(err)
	}
	if n, err := h.pipeline.Redrive(t.Context(), things.Table); n != 2 || err != nil {
		t.Errorf("redrive: %d, %v", n, err)
	}
	h.want("SELECT id FROM obs.things", "a")
	h.want("SELECT state FROM hub.reject")
	h.want("SELECT rows::text FROM hub.run WHERE completed_at IS NOT NULL", "1")
}

// TestRedriveTakesWhatMayWait: parked records are applied in pieces that cost no more
// than the largest record may, 16 MiB.
func TestRedriveTakesWhatMayWait(t *testing.T) {
	h := newHub(t, ingest.Config{Budget: 16 << 20})
	h.exec("ALTER TABLE obs.things RENAME COLUMN value TO other")
	var data [][]byte
	for i := range 6 {
		data = append(data, largePart(t, scopeOf(i), 4_000_000))
	}
	h.deliver(data...)
	h.exec("ALTER TABLE obs.things RENAME COLUMN other TO value")
	for len(h.results) > 0 {
		<-h.results
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // what does not fit would wait for ever
	defer cancel()
	if n, err := h.pipeline.Redrive(ctx, things.Table); n != 6 || err != nil {
		t.Errorf("redrive: %d, %v", n, err)
	}
	if n := len(h.results); n != 2 {
		t.Errorf("6 records of 4 MiB were applied in %d batches, want 2", n)
	}
	if !h.pipeline.Unspent() {
		t.Error("a part of the budget is lost")
	}
}

// TestShardsAreOfTheirStream: progress and gaps belong to a stream that was made at
// some time.
func TestShardsAreOfTheirStream(t *testing.T) {
	h := newHub(t, ingest.Config{})
	h.deliver([]byte("x"))
	if err := h.pipeline.Gap(t.Context(), "shard-0", stream.Gap{After: "5", Until: "9", Reason: "trimmed"}); err != nil {
		t.Fatal(err)
	}
	h.want("SELECT concat_ws(' ', stream, stream_created_at AT TIME ZONE 'UTC', shard) FROM hub.shard_progress",
		"stream 2026-01-01 00:00:00 shard-0")
	h.want("SELECT concat_ws(' ', stream, stream_created_at AT TIME ZONE 'UTC', shard, after_sequence, until_sequence, "+
		"reason) FROM hub.gap",
		"stream 2026-01-01 00:00:00 shard-0 5 9 trimmed")
}

// TestLanesShareTheSessions: a session goes where there are the fewest.
func TestLanesShareTheSessions(t *testing.T) {
	p, first := newStopped(t, ingest.Config{Committers: 3})
	on := [3]int{}
	count := func(s stream.Session, n int) { on[ingest.Lane(s)] += n }
	count(first, 1)
	var sessions []stream.Session
	for i := range 5 {
		sessions = append(sessions, p.Open(fmt.Sprint("shard-", i), stream.Position{}))
		count(sessions[i], 1)
	}
	if on != [3]int{2, 2, 2} {
		t.Errorf("six sessions are on three lanes as %v", on)
	}
	for _, s := range sessions {
		if ingest.Lane(s) == ingest.Lane(first) {
			s.Abandon()
			count(s, -1)
		}
	}
	count(p.Open("another", stream.Position{}), 1)
	if on != [3]int{2, 2, 2} {
		t.Errorf("where one was abandoned, another did not come: %v", on)
	}
}

// TestStreamWithFaults drives the pipeline from a stream that duplicates,
// abandons, splits and merges, and looks for a row that is lost, doubled or wrong.
func TestStreamWithFaults(t *testing.T) {
	h := newHub(t, ingest.Config{BatchAge: 20 * time.Millisecond, BatchRows: 200})
	s := memstream.New(4)
	s.Inject(memstream.Faults{Seed: 11, Duplicate: 0.1, Abandon: 0.05, Empty: 0.1, MaxBatch: 20})
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- s.Run(ctx, h.pipeline) }()
	start := time.Now().Add(-time.Hour)
	const accounts, runs, things = 20, 6, 30
	for run := range runs {
		for account := range accounts {
			var rows []string
			for i := range things {
				if (i+run+account)%7 != 0 {
					rows = append(rows, thing(fmt.Sprint(i), fmt.Sprint((run+i)/3)))
				}
			}
			var messages []stream.Message
			for _, data := range records(t, scopeOf(account), start.Add(time.Duration(run)*time.Minute), 7, rows...) {
				messages = append(messages, stream.Message{PartitionKey: envelope.PartitionKey(scopeOf(account)), Data: data})
			}
			if err := s.Publisher().Publish(ctx, messages); err != nil {
				t.Fatal(err)
			}
		}
		reshard(t, s, run)
	}
	deadline := time.After(5 * time.Minute)
	for len(h.query("SELECT run::text FROM hub.run WHERE completed_at IS NOT NULL")) < accounts*runs {
		select {
		case <-h.results: // something was applied
		case <-deadline:
			t.Fatalf("not every run completes: %q; sessions at %q",
				h.query(`SELECT account_id || format(' %s of %s parts, %s', parts, end_parts, outcome)
				FROM hub.run JOIN hub.scope USING (scope) WHERE completed_at IS NULL`),
				h.query("SELECT shard || ' ' || sequence_number || ' ' || ended FROM hub.shard_progress"))
		}
	}
	stop()
	if err := <-stopped; err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	var want []string
	for account := range accounts {
		for i := range things {
			if (i+runs-1+account)%7 != 0 {
				want = append(want, fmt.Sprintf("%d %d=%d", account, i, (runs-1+i)/3))
			}
		}
	}
	slices.Sort(want)
	h.want("SELECT account_id::bigint || ' ' || id || '=' || value FROM obs.things WHERE deleted_at IS NULL", want...)
	h.want("SELECT run::text FROM hub.run WHERE rows <> end_rows OR parts <> end_parts")
	h.want("SELECT reason FROM hub.reject")
	if n := s.Injected(); n.Duplicate == 0 || n.Abandon == 0 {
		t.Errorf("faults that were meant did not happen: %+v", n)
	}
}

// reshard splits the first open shard, or merges the last two.
func reshard(t *testing.T, s *memstream.Stream, round int) {
	t.Helper()
	var open []string
	for _, shard := range s.Shards() {
		if !shard.Closed {
			open = append(open, shard.Name)
		}
	}
	var err error
	if round%2 == 0 {
		_, _, err = s.Split(open[0])
	} else {
		_, err = s.Merge(open[len(open)-2], open[len(open)-1])
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestConfigSaysAllThatIsWrong(t *testing.T) {
	_, err := ingest.New(nil, ingest.Config{BatchRows: -1, Budget: 1})
	for _, want := range []string{"Stream", "BatchRows", "Budget"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
