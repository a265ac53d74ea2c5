package apply_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/apply"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type (
	thing struct {
		ID string `col:"id,key"`
	}
	lamp struct {
		ID    string `col:"id,key"`
		Watts int64  `col:"watts"`
	}
)

var (
	things     = schema.Of[thing](schema.Spec{Name: "things", Mode: schema.Snapshot})
	lamps      = schema.Of[lamp](schema.Spec{Name: "lamps", Mode: schema.Snapshot})
	categories = []*schema.Table{things.Table, lamps.Table}
)

var template = pgtest.Template{Name: "apply", Migrate: func(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := load.NewMigrator(pool).Up(ctx); err != nil {
		return err
	}
	_, err := pool.Exec(ctx, "CREATE SCHEMA obs;"+load.DDL(things.Table)+";"+load.DDL(lamps.Table))
	return err
}}

// target is a database and the results of what was applied to it.
type target struct {
	*testing.T
	pool    *pgxpool.Pool
	batch   *apply.Batch
	results []load.Result
}

func newTarget(t *testing.T, change func(*apply.Config)) *target {
	t.Helper()
	cfg, err := load.PoolConfig(pgtest.New(t, template).URL)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	loader, err := load.New(pool, load.Config{Tables: categories})
	if err != nil {
		t.Fatal(err)
	}
	d := &target{T: t, pool: pool}
	c := apply.Config{Loader: loader, OnApply: func(r load.Result) { d.results = append(d.results, r) }}
	if change != nil {
		change(&c)
	}
	if d.batch, err = apply.New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.batch.Release)
	return d
}

func (d *target) count(table string) (n int) {
	d.Helper()
	if err := d.pool.QueryRow(d.Context(), "SELECT count(*) FROM obs."+table).Scan(&n); err != nil {
		d.Fatal(err)
	}
	return n
}

// record returns a record of an allocator that the test looks after.
func record[T any](t *testing.T, c schema.Category[T], all ...T) arrow.Record {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	a := rows.NewAppender(c, mem)
	for _, row := range all {
		if err := a.Append(&row); err != nil {
			t.Fatal(err)
		}
	}
	return a.Record()
}

func part(category, account string, n, count int) load.Part {
	s := schema.Scope{Category: category, Account: account, Region: "eu-central-1"}
	return load.Part{
		Scope: s, Run: run, Number: n, Rows: count, SHA256: sha256.Sum256(fmt.Append(nil, s, n)),
		Origin: load.Origin{},
	}
}

var run = schema.NewRunID(time.Now())

const account, other = "111122223333", "222233334444"

func (d *target) add(t *schema.Table, r arrow.Record, parts ...load.Part) {
	d.Helper()
	if err := d.batch.AddParts(d.Context(), t, []arrow.Record{r}, parts); err != nil {
		d.Fatal(err)
	}
}

func (d *target) end(category, account string, parts int, rows int64) {
	d.Helper()
	p := part(category, account, 0, 0)
	err := d.batch.AddEnd(d.Context(), load.End{Scope: p.Scope, Run: run, Outcome: schema.OK, Parts: parts, Rows: rows,
		Origin: p.Origin})
	if err != nil {
		d.Fatal(err)
	}
}

func TestScopesAndCategoriesShareATransaction(t *testing.T) {
	d := newTarget(t, nil)
	d.add(things.Table, record(t, things, thing{"a"}, thing{"b"}), part("things", account, 0, 1),
		part("things", account, 1, 1))
	d.add(lamps.Table, record(t, lamps, lamp{"a", 60}), part("lamps", account, 0, 1))
	d.add(things.Table, record(t, things, thing{"c"}), part("things", other, 0, 1))
	d.end("things", account, 2, 2)
	d.end("things", other, 1, 1)
	d.end("lamps", account, 1, 1)
	reject := load.Reject{Reason: "hash", Scope: part("lamps", other, 0, 0).Scope, Run: run,
		Origin: load.Origin{}}
	if err := d.batch.AddReject(t.Context(), reject); err != nil {
		t.Fatal(err)
	}
	if len(d.results) != 0 {
		t.Errorf("applied before there was enough: %+v", d.results)
	}
	for range 2 { // the second has nothing to do
		if err := d.batch.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.results) != 1 || d.results[0].Categories["things"].Completed != 2 ||
		d.results[0].Categories["lamps"].Completed != 1 {
		t.Errorf("got %+v", d.results)
	}
	if d.count("things") != 3 || d.count("lamps") != 1 {
		t.Errorf("%d things, %d lamps", d.count("things"), d.count("lamps"))
	}
	var reason string
	if err := d.pool.QueryRow(t.Context(), "SELECT reason FROM hub.reject").Scan(&reason); err != nil || reason != "hash" {
		t.Errorf("%q, %v", reason, err)
	}
}

func TestFullBatchIsApplied(t *testing.T) {
	two := func(n int) (arrow.Record, load.Part) {
		return record(t, things, thing{fmt.Sprint("a", n)}, thing{fmt.Sprint("b", n)}), part("things", account, n, 2)
	}
	for name, change := range map[string]func(*apply.Config){
		"rows":  func(c *apply.Config) { c.Rows = 4 },
		"bytes": func(c *apply.Config) { c.Bytes = 20 }, // a row has 14, its offset and its text
	} {
		t.Run(name, func(t *testing.T) {
			d := newTarget(t, change)
			for i := range 3 {
				r, p := two(i)
				d.add(things.Table, r, p)
			}
			if len(d.results) == 0 || d.results[0].Categories["things"].Rows == 6 {
				t.Errorf("got %+v", d.results)
			}
		})
	}
}

func TestPartsMustCoverTheirRecords(t *testing.T) {
	d := newTarget(t, nil)
	r := record(t, things, thing{"a"}, thing{"b"})
	err := d.batch.AddParts(t.Context(), things.Table, []arrow.Record{r}, []load.Part{part("things", account, 0, 1)})
	if err == nil {
		t.Error("one of two rows is in no part")
	}
	if err := d.batch.Flush(t.Context()); err != nil || len(d.results) != 0 {
		t.Errorf("%v, %+v", err, d.results)
	}
}

func TestReleaseDropsWhatWasGathered(t *testing.T) {
	d := newTarget(t, nil)
	d.add(things.Table, record(t, things, thing{"a"}), part("things", account, 0, 1))
	d.batch.Release()
	d.add(things.Table, record(t, things, thing{"b"}), part("things", account, 1, 1))
	if err := d.batch.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := d.count("things"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestTableThatDoesNotFit(t *testing.T) {
	d := newTarget(t, nil)
	if _, err := d.pool.Exec(t.Context(), "ALTER TABLE obs.lamps DROP COLUMN watts"); err != nil {
		t.Fatal(err)
	}
	d.add(lamps.Table, record(t, lamps, lamp{"a", 60}), part("lamps", account, 0, 1))
	d.add(things.Table, record(t, things, thing{"a"}), part("things", account, 0, 1))
	err := d.batch.Flush(t.Context())
	if load.Classify(err) != load.Park || !strings.Contains(err.Error(), "lamps") {
		t.Errorf("got %v", err)
	}
	if d.count("things") != 1 || len(d.results) != 1 {
		t.Errorf("%d things, %+v", d.count("things"), d.results)
	}
}

func TestConfigIsValidated(t *testing.T) {
	_, err := apply.New(apply.Config{Rows: -1, Bytes: -1})
	for _, want := range []string{"Loader", "Rows", "Bytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
