package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/internal/canary"
	"github.com/hubspoke/observability/internal/faultyconn"
	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/memstream"
)

func (h *hub) exec(sql string) {
	h.Helper()
	if _, err := h.pool.Exec(h.Context(), sql); err != nil {
		h.Fatal(err)
	}
}

// sequence is the sequence number of the record at that index of a shard.
func sequence(at int) string { return strconv.Itoa(1000 + at) }

// next is the index of the first record behind a position.
func next(p stream.Position) int {
	n, err := strconv.Atoi(p.Sequence)
	if err != nil {
		return 0
	}
	return n - 999
}

func streamRecords(from int, data [][]byte) []stream.Record {
	var out []stream.Record
	for i, d := range data {
		out = append(out, stream.Record{Sequence: sequence(from + i), Data: d, Arrived: time.Now()})
	}
	return out
}

// each runs functions side by side and returns their errors.
func each(n int, f func(i int) error) error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = f(i) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// runsOf packs runs of a scope. All values change with every run.
func runsOf(t testing.TB, scope schema.Scope, runs, rows, maxRows int) [][]byte {
	start := time.Now().Add(-time.Hour)
	var data [][]byte
	for run := range runs {
		var values []string
		for i := range rows {
			values = append(values, thing(strconv.Itoa(i), strconv.Itoa(run)))
		}
		data = append(data, records(t, scope, start.Add(time.Duration(run)*time.Second), maxRows, values...)...)
	}
	return data
}

// wantRuns asserts what runsOf leaves behind for n scopes.
func (h *hub) wantRuns(n, runs, rows, maxRows int) {
	h.Helper()
	var live []string
	for scope := range n {
		for i := range rows {
			live = append(live, fmt.Sprintf("%012d %d=%d", scope, i, runs-1))
		}
	}
	slices.Sort(live)
	h.want("SELECT account_id || ' ' || id || '=' || value FROM obs.things WHERE deleted_at IS NULL", live...)
	h.want("SELECT count(*)::text FROM hub.run WHERE completed_at IS NOT NULL AND rows = end_rows AND parts = end_parts",
		strconv.Itoa(n*runs))
	h.want("SELECT count(*)::text FROM canary_part", strconv.Itoa(n*runs*((rows+maxRows-1)/maxRows)))
	h.want("SELECT 'doubled: ' || row_key || ' ' || run FROM canary_row GROUP BY row_key, run HAVING count(*) > 1")
	h.want("SELECT reason || ': ' || detail FROM hub.reject")
}

// TestStreamOverBrokenConnections drives a stream that duplicates and abandons
// through connections to PostgreSQL that are cut.
func TestStreamOverBrokenConnections(t *testing.T) {
	db := pgtest.New(t, template)
	cuts := faultyconn.NewRandom(3, 8)
	pool := newPool(t, db.URL, func(cfg *pgxpool.Config) {
		cfg.ConnConfig.DialFunc = pgconn.DialFunc(faultyconn.Wrap((&net.Dialer{}).DialContext, cuts.Decide))
	})
	h := newHubOn(t, db.Pool, newLoader(pool, quick), ingest.Config{BatchAge: time.Millisecond, BatchRows: 30})
	h.exec(canary.Install("things"))
	s := memstream.New(3)
	s.Inject(memstream.Faults{Seed: 5, Duplicate: 0.05, Abandon: 0.02, MaxBatch: 5})
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		err := s.Run(ctx, h.pipeline)
		for load.Classify(err) == load.Retry && ctx.Err() == nil { // Progress, over a connection that was cut
			err = s.Run(ctx, h.pipeline)
		}
		stopped <- err
	}()
	const scopes, runs, rows, maxRows = 6, 25, 10, 5
	for scope := range scopes {
		for _, data := range runsOf(t, scopeOf(scope), runs, rows, maxRows) {
			m := stream.Message{PartitionKey: strconv.Itoa(scope), Data: data}
			if err := s.Publisher().Publish(ctx, []stream.Message{m}); err != nil {
				t.Fatal(err)
			}
		}
	}
	deadline := time.After(5 * time.Minute)
	for h.query("SELECT count(*)::text FROM hub.run WHERE completed_at IS NOT NULL")[0] != strconv.Itoa(scopes*runs) {
		select {
		case <-h.results: // something was applied
		case <-deadline:
			t.Fatalf("not every run completes: %q", h.query("SELECT parts || ' of ' || end_parts FROM hub.run WHERE "+
				"completed_at IS NULL"))
		}
	}
	stop()
	if err := <-stopped; err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if left := cuts.Left(); len(left) > 0 {
		t.Errorf("connections were not cut often enough, missing: %v", left)
	}
	if n := s.Injected(); n.Duplicate == 0 { // how many sessions are abandoned depends on how records meet
		t.Errorf("faults that were meant did not happen: %+v", n)
	}
	h.wantRuns(scopes, runs, rows, maxRows)
}

// TestSessionsThatEndInEveryWay drains, abandons, supersedes and ends sessions
// while others are at work.
func TestSessionsThatEndInEveryWay(t *testing.T) {
	h := newHub(t, ingest.Config{BatchAge: time.Millisecond, BatchRows: 20})
	h.exec(canary.Install("things"))
	const shards, runs, rows, maxRows = 6, 30, 6, 3
	var mu sync.Mutex
	ways := map[string]int{}
	err := each(shards, func(i int) error {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		shard, data := strconv.Itoa(i), runsOf(t, scopeOf(i), runs, rows, maxRows)
		known := 0
		for {
			p, err := h.pipeline.Progress(t.Context(), shard)
			if err != nil {
				return err
			}
			at := next(p)
			if at < known {
				return fmt.Errorf("shard %s went back from %d to %d", shard, known, at)
			}
			if known = at; p.Ended {
				return nil
			}
			s := h.pipeline.Open(shard, p)
			way := []string{"drain", "drain early", "abandon", "abandon meanwhile", "supersede", "end"}[r.IntN(6)]
			to := min(at+1+r.IntN(20), len(data))
			if to < len(data) && way == "end" {
				way = "drain"
			}
			mu.Lock()
			ways[way]++
			mu.Unlock()
			switch way {
			case "abandon meanwhile":
				go s.Abandon()
			case "supersede":
				defer h.pipeline.Open(shard, p).Abandon()
			}
			if err := s.Deliver(t.Context(), streamRecords(at, data[at:to])); err != nil {
				s.Abandon()
				continue
			}
			switch way {
			case "drain", "abandon meanwhile", "supersede":
				if p, err = s.Drain(t.Context()); err == nil && next(p) != to {
					return fmt.Errorf("shard %s drained at %+v, want %d", shard, p, to)
				}
				known = max(known, next(p))
			case "drain early":
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				p, _ = s.Drain(ctx)
				known = max(known, next(p))
			case "end":
				// A batch of a session that was abandoned may have moved the shard
				// after Progress: then the next round ends it.
				if err := s.End(t.Context()); err != nil && !errors.Is(err, ingest.ErrSuperseded) {
					return err
				}
			}
			s.Abandon()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(ways) != 6 {
		t.Errorf("sessions ended in these ways only: %v", ways)
	}
	h.wantRuns(shards, runs, rows, maxRows)
	eventually(t, "the budget is back", h.pipeline.Unspent) // what was abandoned is still in a batch
}

// TestMemoryIsBounded delivers to many shards while the database takes nothing.
func TestMemoryIsBounded(t *testing.T) {
	const budget, shards = 20 << 20, 40
	h := newHub(t, ingest.Config{Budget: budget, BatchAge: time.Hour, BatchBytes: 1 << 30})
	release := h.lock("obs.things")
	big := largePart(t, scopeOf(0), 500_000)
	ctx, cancel := context.WithCancel(t.Context())
	delivered := make([]int, shards)
	var sessions []stream.Session
	for i := range shards {
		sessions = append(sessions, h.pipeline.Open(strconv.Itoa(i), stream.Position{}))
	}
	done := make(chan error, 1)
	go func() {
		done <- each(shards, func(i int) error {
			for sessions[i].Deliver(ctx, streamRecords(delivered[i], [][]byte{big})) == nil {
				delivered[i]++
			}
			return nil
		})
	}()
	eventually(t, "every session waits", func() bool { return h.pipeline.Waiting() == shards })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, n := range delivered {
		total += int64(n) * ingest.Cost(stream.Record{Data: big})
	}
	if total > budget || total < budget/2 {
		t.Errorf("records of %d bytes passed a budget of %d", total, budget)
	}
	release()
	if err := each(shards, func(i int) error { _, err := sessions[i].Drain(t.Context()); return err }); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the budget is back", h.pipeline.Unspent)
	// A spent budget seals what is there: with batches that never age, nobody
	// waits for ever, and least of all for itself.
	s := h.pipeline.Open("alone", stream.Position{})
	for i := range 3 * shards {
		if err := s.Deliver(t.Context(), streamRecords(i, [][]byte{big})); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestRecordBehindTheFlush: somebody waits for the budget, and has had every open
// batch sealed, when a record comes that had its share before. Its batch must not
// wait for its age, or both would.
func TestRecordBehindTheFlush(t *testing.T) {
	h := newHub(t, ingest.Config{BatchAge: time.Hour})
	s := h.pipeline.Open("0", stream.Position{})
	h.pipeline.Wait()
	if err := s.Deliver(t.Context(), streamRecords(0,
		records(t, scopeOf(1), time.Now(), 10, thing("a", "1"))[:1])); err != nil {
		t.Fatal(err)
	}
	select {
	case <-h.results:
	case <-time.After(5 * time.Minute):
		t.Error("the record waits")
	}
}

// lock locks a table until the function returned is called.
func (h *hub) lock(table string, before ...string) (release func()) {
	h.Helper()
	tx, err := h.pool.Begin(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	if _, err := tx.Exec(h.Context(), "LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE"); err != nil {
		h.Fatal(err)
	}
	return func() {
		h.Helper()
		for _, sql := range before {
			if _, err := tx.Exec(h.Context(), sql); err != nil {
				h.Fatal(err)
			}
		}
		if err := tx.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
	}
}

// TestLoaderThatCannotGoOn: what nobody here can mend ends the pipeline and every
// session, whatever it is doing.
func TestLoaderThatCannotGoOn(t *testing.T) {
	h := newHub(t, ingest.Config{Budget: 17 << 20, BatchAge: time.Hour})
	release := h.lock("hub.shard_progress", "ALTER TABLE hub.shard_progress RENAME TO elsewhere")
	big := largePart(t, scopeOf(0), 900_000)
	what := map[string]func(s stream.Session, small []stream.Record) error{
		"drain": func(s stream.Session, small []stream.Record) error {
			_, err := s.Drain(t.Context())
			return err
		},
		"end": func(s stream.Session, small []stream.Record) error { return s.End(t.Context()) },
		"deliver": func(s stream.Session, small []stream.Record) error {
			for i := 1; ; i++ {
				if err := s.Deliver(t.Context(), streamRecords(i, [][]byte{big})); err != nil {
					return err
				}
			}
		},
		"idle": func(s stream.Session, small []stream.Record) error {
			for {
				if err := s.Deliver(t.Context(), nil); err != nil {
					return err
				}
			}
		},
	}
	var names []string
	var sessions []stream.Session
	for name := range what {
		s := h.pipeline.Open(name, stream.Position{})
		if err := s.Deliver(t.Context(), streamRecords(0, [][]byte{[]byte("small")})); err != nil {
			t.Fatal(err)
		}
		names, sessions = append(names, name), append(sessions, s)
	}
	errs := make([]error, len(names))
	done := make(chan error, 1)
	go func() {
		done <- each(len(names), func(i int) error { errs[i] = what[names[i]](sessions[i], nil); return nil })
	}()
	eventually(t, "a session waits", func() bool { return h.pipeline.Waiting() > 0 })
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	ended := <-h.ended
	for i, err := range append(errs, ended, h.pipeline.Open("late", stream.Position{}).Deliver(t.Context(), nil)) {
		var server *pgconn.PgError
		if !errors.As(err, &server) || server.Code != "42P01" {
			t.Errorf("%s: %v, want that the table does not exist", append(names, "Run", "a late session")[i], err)
		}
	}
}

// TestRunEndsWithItsContext: an end that was asked for is no error, whatever it is
// called.
func TestRunEndsWithItsContext(t *testing.T) {
	db := pgtest.New(t, template)
	for name, derive := range map[string]func() (context.Context, func()){
		"canceled": func() (context.Context, func()) { ctx, cancel := context.WithCancel(t.Context()); return ctx, cancel },
		"cause": func() (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(t.Context())
			return ctx, func() { cancel(errors.New("for a reason")) }
		},
		"deadline": func() (context.Context, func()) {
			ctx, cancel := context.WithDeadline(t.Context(), time.Now())
			return ctx, cancel
		},
	} {
		p, err := ingest.New(newLoader(newPool(t, db.URL, nil), quick), ingest.Config{StreamID: name, BatchRows: 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := derive()
		tx, err := db.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "LOCK TABLE hub.shard_progress"); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		s := p.Open("0", stream.Position{})
		if err := s.Deliver(t.Context(), streamRecords(0,
			records(t, scopeOf(0), time.Now(), 10, thing("a", "1")))); err != nil && ctx.Err() == nil {
			t.Errorf("%s: deliver: %v", name, err)
		}
		end()
		if err := <-ended; err != nil {
			t.Errorf("%s: Run returns %v", name, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUnorderedSideBySide delivers the same records through two pipelines at the
// same time and in different order, as Lambda may.
func TestUnorderedSideBySide(t *testing.T) {
	db := pgtest.New(t, template)
	config := ingest.Config{Unordered: true, BatchAge: time.Millisecond}
	var hubs []*hub
	for range 2 {
		hubs = append(hubs, newHubOn(t, db.Pool, newLoader(newPool(t, db.URL, nil), quick), config))
	}
	h := hubs[0]
	h.exec(canary.Install("things"))
	const runs, rows, maxRows, events = 30, 10, 5, 15
	data := runsOf(t, scopeOf(0), runs, rows, maxRows)
	size := len(data) / events
	err := each(len(hubs), func(i int) error {
		for _, event := range rand.New(rand.NewPCG(1, uint64(i))).Perm(events) {
			s := hubs[i].pipeline.Open("0", stream.Position{})
			if err := s.Deliver(t.Context(), streamRecords(event*size, data[event*size:(event+1)*size])); err != nil {
				return err
			}
			p, err := s.Drain(t.Context())
			if err != nil {
				return err
			}
			if next(p) != (event+1)*size {
				return fmt.Errorf("event %d was drained at %+v", event, p)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h.wantRuns(1, runs, rows, maxRows)
	h.want("SELECT sequence_number::text FROM hub.shard_progress", sequence(len(data)-1))
}

// TestUnorderedInOneProcess: events of one shard that one process handles at the
// same time do not end each other's sessions.
func TestUnorderedInOneProcess(t *testing.T) {
	h := newHub(t, ingest.Config{Unordered: true, BatchAge: time.Hour})
	var data [][]byte
	for account := range 4 {
		data = append(data, records(t, scopeOf(account), time.Now(), 10, thing("a", "1"))...)
	}
	var sessions []stream.Session
	for event := range 4 {
		s := h.pipeline.Open("0", stream.Position{})
		if err := s.Deliver(t.Context(), streamRecords(2*event, data[2*event:2*event+2])); err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
	}
	err := each(4, func(event int) error {
		p, err := sessions[event].Drain(t.Context())
		if err == nil && next(p) != 2*event+2 {
			err = fmt.Errorf("event %d was drained at %+v", event, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h.want("SELECT account_id FROM obs.things", "000000000000", "000000000001", "000000000002", "000000000003")
	h.want("SELECT 'open: ' || run FROM hub.run WHERE completed_at IS NULL")
}

// TestChangesOfTheTableUnderLoad changes the table of a category while its rows
// arrive, in ways in which a type that is remembered would write garbage.
func TestChangesOfTheTableUnderLoad(t *testing.T) {
	server := pgtest.StartServer(t, pgserver.Config{})
	pool, err := pgxpool.New(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if err := createTables(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `CREATE ROLE loader LOGIN PASSWORD 'secret';
		GRANT USAGE ON SCHEMA hub, obs TO loader;
		GRANT ALL ON ALL TABLES IN SCHEMA hub, obs TO loader;
		GRANT ALL ON ALL SEQUENCES IN SCHEMA hub TO loader`); err != nil {
		t.Fatal(err)
	}
	own := newPool(t, server.URL(), func(cfg *pgxpool.Config) {
		cfg.ConnConfig.User, cfg.ConnConfig.Password = "loader", "secret"
	})
	h := newHubOn(t, pool, newLoader(own, quick), ingest.Config{BatchAge: time.Millisecond, BatchRows: 50})

	start, run, sent := time.Now().Add(-time.Hour), 0, 0
	const rows = 10
	// send delivers the next run of both categories.
	send := func(s stream.Session) error {
		run++
		var g, th []string
		for i := range rows {
			g = append(g, fmt.Sprintf(`{"id":"%d","ratio":%d.5,"count":%d,"note":"n%d"}`, i, run, run*1000+i, run))
			th = append(th, thing(strconv.Itoa(i), strconv.Itoa(run)))
		}
		at := start.Add(time.Duration(run) * time.Second)
		scope := scopeOf(1)
		data := records(t, scope, at, 100, th...)
		scope.Category = "gauges"
		data = append(records(t, scope, at, 100, g...), data...)
		err := s.Deliver(t.Context(), streamRecords(sent, data))
		sent += len(data)
		return err
	}
	// want asserts that the newest run is there, of both categories or of things.
	want := func(both bool) {
		t.Helper()
		var g, th []string
		for i := range rows {
			g = append(g, fmt.Sprintf("%d %d.5 %d n%d", i, run, run*1000+i, run))
			th = append(th, fmt.Sprintf("%d=%d", i, run))
		}
		h.want("SELECT id || '=' || value FROM obs.things", th...)
		if both {
			h.want("SELECT concat_ws(' ', id, ratio, count, note) FROM obs.gauges", g...)
			h.want("SELECT count(*)::text FROM hub.run WHERE completed_at IS NULL", "0")
			h.want("SELECT reason || ': ' || detail FROM hub.reject")
		}
	}
	for _, c := range []struct {
		change, mend string
		fits         bool
	}{
		{change: "ALTER TABLE obs.gauges ADD COLUMN extra text", fits: true},
		{change: "ALTER TABLE obs.gauges ADD COLUMN counted integer NOT NULL DEFAULT 1", fits: true},
		{change: "ALTER TABLE obs.gauges ALTER ratio TYPE bigint",
			mend: "ALTER TABLE obs.gauges ALTER ratio TYPE double precision"},
		{
			change: "ALTER TABLE obs.gauges ALTER count TYPE timestamptz USING to_timestamp(count)",
			mend:   "ALTER TABLE obs.gauges ALTER count TYPE bigint USING extract(epoch FROM count)",
		},
		{change: "ALTER TABLE obs.gauges DROP COLUMN note", mend: "ALTER TABLE obs.gauges ADD COLUMN note text"},
		{change: "ALTER TABLE obs.gauges RENAME TO elsewhere", mend: "ALTER TABLE obs.elsewhere RENAME TO gauges"},
		{change: "REVOKE INSERT, UPDATE ON obs.gauges FROM loader", mend: "GRANT INSERT, UPDATE ON obs.gauges TO loader"},
		{change: "REVOKE SELECT ON obs.gauges FROM loader", mend: "GRANT SELECT ON obs.gauges TO loader"},
	} {
		p, err := h.pipeline.Progress(t.Context(), "0")
		if err != nil {
			t.Fatal(err)
		}
		s := h.pipeline.Open("0", p)
		changed := make(chan error, 1)
		for i := range 20 {
			if i == 5 {
				go func() {
					_, err := h.pool.Exec(t.Context(), c.change)
					changed <- err
				}()
			}
			if err := send(s); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-changed; err != nil {
			t.Fatal(err)
		}
		if err := send(s); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Drain(t.Context()); err != nil {
			t.Fatalf("%s: %v", c.change, err)
		}
		want(c.fits)
		if c.fits {
			continue
		}
		if n, err := h.pipeline.Redrive(t.Context(), categories...); n != 0 || err != nil {
			t.Errorf("%s: %d records were redriven before it was mended, %v", c.change, n, err)
		}
		h.exec(c.mend)
		parked := h.query("SELECT count(*)::text FROM hub.reject WHERE state = 'parked'")[0]
		if n, err := h.pipeline.Redrive(t.Context(), categories...); strconv.Itoa(n) != parked || n < 2 || err != nil {
			t.Errorf("%s: %d of %s parked records were redriven, %v", c.change, n, parked, err)
		}
		want(true)
		if t.Failed() {
			t.Fatalf("after %s", c.change)
		}
	}
}
