package load_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/internal/canary"
	"github.com/hubspoke/observability/internal/faultyconn"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// traffic is the records of one shard, in order: runs of several accounts, in two
// parts each and an end. Every run changes every value, so that whatever is lost,
// doubled or old shows.
type traffic struct {
	records []trafficRecord
	rows    int
	live    []string
	shard   load.Shard
}

// trafficRecord is a part of a run, or its end (part -1).
type trafficRecord struct {
	account   string
	run, part int
	rows      []string
}

const trafficParts = 2

// newTraffic makes runs runs of each account, with rows rows of about size bytes.
func newTraffic(shard string, accounts, runs, rows, size int) *traffic {
	x := &traffic{shard: load.Shard{Stream: "traffic", Created: start, ID: shard}}
	filler := strings.Repeat("x", size)
	for run := range runs {
		for account := range accounts {
			name := fmt.Sprintf("%s%010d", shard, account)
			var parts [trafficParts][]string
			for i := range rows {
				if (i+run+account)%5 == 0 {
					continue // gone in this run
				}
				id, value := fmt.Sprintf("%03d", i), strconv.Itoa(run)+filler
				parts[i%trafficParts] = append(parts[i%trafficParts], thing(id, value))
				if x.rows++; run == runs-1 {
					x.live = append(x.live, name+" "+id+"="+strconv.Itoa(run))
				}
			}
			for part, rows := range parts {
				x.records = append(x.records, trafficRecord{name, run, part, rows})
			}
			x.records = append(x.records, trafficRecord{account: name, run: run, part: -1, rows: slices.Concat(parts[:]...)})
		}
	}
	slices.Sort(x.live)
	return x
}

func (x *traffic) position(at int) stream.Position {
	if at == 0 {
		return stream.Position{}
	}
	return stream.Position{Sequence: strconv.Itoa(1000 + at)}
}

// batch returns records from..to-1 as a batch that moves the shard.
func (x *traffic) batch(t testing.TB, from, to int) *load.Batch {
	b := build(t)
	advance := &load.Advance{Shard: x.shard, From: x.position(from), To: x.position(to)}
	b.batch.Advances = []*load.Advance{advance}
	for _, r := range x.records[from:to] {
		if r.part < 0 {
			b.end(things.Table, "", r.run, schema.OK, trafficParts, len(r.rows))
			e := &b.batch.Ends[len(b.batch.Ends)-1]
			e.Scope.Account, e.Origin.Advance = r.account, advance
			continue
		}
		b.part(things.Table, "", r.run, r.part, r.rows...)
		parts := b.parts[things.Table.Name()]
		p := &parts[len(parts)-1]
		p.Scope.Account, p.Origin.Advance = r.account, advance
	}
	return b.done()
}

// feed applies the traffic as a source does: it asks for the progress, applies
// batches of up to size records, and asks again when somebody has moved the shard.
func (x *traffic) feed(ctx context.Context, t testing.TB, loader *load.Loader, size int) error {
	return x.feedCounting(ctx, t, loader, size, new(atomic.Int64))
}

// feedCounting counts also how often somebody had moved the shard.
func (x *traffic) feedCounting(ctx context.Context, t testing.TB, loader *load.Loader, size int,
	others *atomic.Int64) error {
	for {
		p, err := loader.Progress(ctx, x.shard)
		if load.Classify(err) == load.Retry && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return err
		}
		at := 0
		if p.Sequence != "" {
			n, err := strconv.Atoi(p.Sequence)
			if err != nil {
				return err
			}
			at = n - 1000
		}
		for moved := false; !moved; {
			if at == len(x.records) {
				return nil
			}
			to := min(at+size, len(x.records))
			result, err := loader.Apply(ctx, x.batch(t, at, to))
			if err != nil {
				return err
			}
			at, moved = to, len(result.Moved) > 0
			others.Add(int64(len(result.Moved)))
		}
	}
}

// watch counts, in the transactions of the loader and whatever the loader thinks,
// how often a part took effect and a row was written.
func (db *database) watch() {
	db.Helper()
	db.exec(canary.Install(things.Table.Name()))
}

// wantTraffic asserts that nothing of the traffic was lost or doubled, and that
// every value is the newest.
func (db *database) wantTraffic(all ...*traffic) {
	db.Helper()
	parts, rows, runs := 0, 0, 0
	var live []string
	for _, x := range all {
		rows += x.rows
		for _, r := range x.records {
			if r.part < 0 {
				runs++
			} else {
				parts++
			}
		}
		live = append(live, x.live...)
		p, err := db.loader.Progress(db.Context(), x.shard)
		if err != nil || p != x.position(len(x.records)) {
			db.Errorf("shard %s is at %+v, %v; want %+v", x.shard.ID, p, err, x.position(len(x.records)))
		}
	}
	slices.Sort(live)
	db.want(canary.Counts, canary.Want(parts, rows))
	db.want("SELECT count(*)::text FROM hub.run WHERE completed_at IS NOT NULL AND rows = end_rows AND parts = end_parts",
		strconv.Itoa(runs))
	db.want("SELECT account_id || ' ' || id || '=' || rtrim(value, 'x') FROM obs.things WHERE deleted_at IS NULL", live...)
	db.want("SELECT reason || ': ' || detail FROM hub.reject")
}

func (db *database) want(sql string, want ...string) {
	db.Helper()
	if got := db.query(sql); !slices.Equal(got, want) {
		if len(got)+len(want) > 50 {
			db.Errorf("%s: %d values, want %d other ones", sql, len(got), len(want))
			return
		}
		db.Errorf("%s: %q, want %q", sql, got, want)
	}
}

// connect returns a loader with connections of its own, which configure may change.
func (db *database) connect(config load.Config, configure func(*pgxpool.Config)) *load.Loader {
	db.Helper()
	cfg, err := load.PoolConfig(db.URL)
	if err != nil {
		db.Fatal(err)
	}
	configure(cfg)
	pool, err := pgxpool.NewWithConfig(db.Context(), cfg)
	if err != nil {
		db.Fatal(err)
	}
	db.Cleanup(pool.Close)
	config.Tables = categories
	return must(load.New(pool, config))
}

// cutting makes the connections of a pool those that cuts decides about.
func cutting(cuts *faultyconn.Random) func(*pgxpool.Config) {
	return func(cfg *pgxpool.Config) {
		cfg.ConnConfig.DialFunc = pgconn.DialFunc(faultyconn.Wrap((&net.Dialer{}).DialContext, cuts.Decide))
	}
}

// eachFeeds runs the feeds of several loaders side by side.
func eachFeeds(t testing.TB, feeds ...func() error) {
	t.Helper()
	errs := make([]error, len(feeds))
	var group sync.WaitGroup
	for i, feed := range feeds {
		group.Go(func() { errs[i] = feed() })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
