package load_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// Three categories, one of each shape.
var (
	things = schema.Of[struct {
		ID    string  `col:"id,key"`
		Value string  `col:"value"`
		Note  *string `col:"note"`
	}](schema.Spec{Name: "things", Mode: schema.Snapshot})

	sightings = schema.Of[struct {
		ID    string `col:"id,key"`
		Value string `col:"value"`
	}](schema.Spec{Name: "sightings", Mode: schema.Event})

	daily = schema.Of[struct {
		Day    schema.Date    `col:"day,key,slice"`
		Name   string         `col:"name,key"`
		Amount schema.Decimal `col:"amount"`
	}](schema.Spec{Name: "daily", Mode: schema.Snapshot})

	categories = []*schema.Table{things.Table, sightings.Table, daily.Table}

	// inventory is read incrementally. Its table is made by the tests that use it, as is
	// that of everything, which has a column of each kind.
	inventory = schema.Of[struct {
		ID    string `col:"id,key"`
		Value string `col:"value"`
	}](schema.Spec{Name: "inventory", Mode: schema.Snapshot, Incremental: true})

	everything = schema.Of[struct {
		ID     string         `col:"id,key"`
		Text   *string        `col:"text"`
		Count  int64          `col:"count"`
		Ratio  float64        `col:"ratio"`
		Price  schema.Decimal `col:"price"`
		Active bool           `col:"active"`
		SeenAt time.Time      `col:"seen_at"`
		Day    schema.Date    `col:"day"`
		Tags   schema.JSON    `col:"tags"`
		More   schema.JSON    `col:"more"`
	}](schema.Spec{Name: "everything", Mode: schema.Snapshot})
)

var template = pgtest.Template{Name: "load", Migrate: createTables}

func createTables(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := load.NewMigrator(pool).Up(ctx); err != nil {
		return err
	}
	statements := []string{"CREATE SCHEMA obs"}
	for _, t := range categories {
		statements = append(statements, load.DDL(t))
	}
	_, err := pool.Exec(ctx, strings.Join(statements, ";\n"))
	return err
}

// database is a database with a loader.
type database struct {
	*testing.T
	*pgtest.DB
	loader *load.Loader
	pool   *pgxpool.Pool // as the loader has it
	// impatient is the TransactionTimeout of wantRetries.
	impatient time.Duration
}

func newDatabase(t *testing.T, config load.Config) *database {
	t.Helper()
	return newLoader(t, pgtest.New(t, template), config)
}

// newDatabaseAt makes the tables in a database of the test's own server.
func newDatabaseAt(t *testing.T, url string) *database {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if err := createTables(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	return newLoader(t, &pgtest.DB{URL: url, Pool: pool}, load.Config{})
}

func newLoader(t *testing.T, db *pgtest.DB, config load.Config) *database {
	t.Helper()
	cfg, err := load.PoolConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	config.Tables = append(slices.Clone(categories), inventory.Table, everything.Table)
	return &database{T: t, DB: db, loader: must(load.New(pool, config)), pool: pool}
}

const (
	account = "123456789012"
	region  = "eu-central-1"
)

func scopeOf(t *schema.Table, slice string) schema.Scope {
	return schema.Scope{Category: t.Name(), Account: account, Region: region, Slice: slice}
}

var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// runAt returns the id of a run that starts n minutes after start, always the same.
func runAt(n int) schema.RunID {
	id := schema.NewRunID(start.Add(time.Duration(n) * time.Minute))
	for i := 8; i < 16; i++ {
		id[i] = 0x80
	}
	id[6] = 0x70
	id[7] = 0
	return id
}

// builder makes a batch out of JSON rows.
type builder struct {
	t        testing.TB
	batch    load.Batch
	mem      memory.Allocator
	decoders map[string]*rowjson.Decoder
	parts    map[string][]load.Part
}

func build(t testing.TB) *builder {
	return &builder{t: t, decoders: map[string]*rowjson.Decoder{}, parts: map[string][]load.Part{}}
}

// part adds a part; rows are JSON objects.
func (b *builder) part(table *schema.Table, slice string, run, number int, rows ...string) *builder {
	b.t.Helper()
	d := b.decoders[table.Name()]
	if d == nil {
		d = rowjson.NewDecoder(table, b.mem)
		b.decoders[table.Name()] = d
	}
	first := d.Len()
	for _, row := range rows {
		if err := d.Append([]byte(row), slice); err != nil {
			b.t.Fatal(err)
		}
	}
	body := strings.Join(rows, "\n")
	b.parts[table.Name()] = append(b.parts[table.Name()], load.Part{
		Scope: scopeOf(table, slice), Run: runAt(run), Number: number, SHA256: sha256.Sum256([]byte(body)),
		First: first, Rows: len(rows), Origin: load.Origin{Name: fmt.Sprintf("%s/%d/%d", table, run, number),
			Data: []byte(body)},
	})
	return b
}

func (b *builder) end(table *schema.Table, slice string, run int, outcome schema.Outcome, parts, rows int) *builder {
	b.batch.Ends = append(b.batch.Ends, load.End{
		Scope: scopeOf(table, slice), Run: runAt(run), Outcome: outcome, Parts: parts, Rows: int64(rows),
		Origin: load.Origin{Data: []byte("end")},
	})
	return b
}

// every sets the interval that the last end says.
func (b *builder) every(interval time.Duration) *builder {
	b.batch.Ends[len(b.batch.Ends)-1].Every = interval
	return b
}

// cost sets what the last end says that its run took.
func (b *builder) cost(requests int64, took time.Duration) *builder {
	e := &b.batch.Ends[len(b.batch.Ends)-1]
	e.Requests, e.Took = requests, took
	return b
}

// price sets what the last end says that AWS charges for its run.
func (b *builder) price(paid, usdMicros int64) *builder {
	e := &b.batch.Ends[len(b.batch.Ends)-1]
	e.PaidRequests, e.USDMicros = paid, usdMicros
	return b
}

// extent sets what the last end says of what its run read.
func (b *builder) extent(e schema.Extent) *builder {
	b.batch.Ends[len(b.batch.Ends)-1].Extent = e
	return b
}

func (b *builder) done() *load.Batch {
	for name, d := range b.decoders {
		all := append(slices.Clone(categories), inventory.Table, everything.Table)
		table := all[slices.IndexFunc(all, func(t *schema.Table) bool { return t.Name() == name })]
		b.batch.Groups = append(b.batch.Groups, load.Group{Table: table, Record: d.Record(), Parts: b.parts[name]})
		d.Release()
	}
	return &b.batch
}

func (db *database) apply(b *builder) load.Result {
	db.Helper()
	batch := b.done()
	result, err := db.loader.Apply(db.Context(), batch)
	if err != nil {
		db.Fatal(err)
	}
	for _, g := range batch.Groups {
		g.Record.Release()
	}
	return result
}

// query returns a one-column query as text, sorted.
func (db *database) query(sql string, args ...any) []string {
	db.Helper()
	rows, err := db.Pool.Query(db.Context(), sql, args...)
	if err != nil {
		db.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		db.Fatal(err)
	}
	slices.Sort(got)
	return got
}

func (db *database) exec(sql string) {
	db.Helper()
	if _, err := db.Pool.Exec(db.Context(), sql); err != nil {
		db.Fatal(err)
	}
}

func (db *database) wantLive(table *schema.Table, want ...string) {
	db.Helper()
	columns := "id || '=' || value"
	if table == daily.Table {
		columns = "day || '/' || name || '=' || trim_scale(amount)"
	}
	got := db.query("SELECT " + columns + " FROM obs." + table.Name() + " WHERE deleted_at IS NULL")
	if !slices.Equal(got, want) {
		db.Fatalf("live rows of %s: %q, want %q", table, got, want)
	}
}

func thing(id, value string) string { return fmt.Sprintf(`{"id":%q,"value":%q}`, id, value) }

func TestSnapshotReplacesItsScope(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1"), thing("b", "1")).end(things.Table, "", 1, schema.OK, 1,
		2))
	db.wantLive(things.Table, "a=1", "b=1")
	result := db.apply(build(t).part(things.Table, "", 2, 0, thing("b", "2"), thing("c", "1")).end(things.Table, "", 2,
		schema.OK, 1, 2))
	db.wantLive(things.Table, "b=2", "c=1")
	want := load.Counts{Rows: 2, New: 1, Changed: 1, Gone: 1, Parts: 1, Completed: 1}
	if got := result.Categories["things"]; got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	if got := db.query("SELECT id || ' ' || deleted_at::text FROM obs.things WHERE deleted_at IS NOT NULL"); len(
		got) != 1 {
		t.Errorf("gone rows: %q", got)
	}
	// A gone row that is named again lives again, also with its old content.
	db.apply(build(t).part(things.Table, "", 3, 0, thing("a", "1")).end(things.Table, "", 3, schema.OK, 1, 1))
	db.wantLive(things.Table, "a=1")
	db.apply(build(t).end(things.Table, "", 4, schema.Empty, 0, 0))
	db.wantLive(things.Table)
}

// The keys of a run are kept as long as an older run may come, and not longer.
func TestKeysOfPartsAreForgotten(t *testing.T) {
	db := newDatabase(t, load.Config{})
	const withKeys = "SELECT DISTINCT run::text FROM hub.run_part WHERE row_keys IS NOT NULL"
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")))
	db.apply(build(t).part(things.Table, "", 2, 0, thing("a", "1")))
	db.want(withKeys, uuid.UUID(runAt(1)).String(), uuid.UUID(runAt(2)).String())
	db.apply(build(t).end(things.Table, "", 1, schema.OK, 1, 1))
	db.want(withKeys, uuid.UUID(runAt(2)).String())
	db.apply(build(t).end(things.Table, "", 2, schema.OK, 1, 1))
	db.want(withKeys)
}

func TestUnchangedSnapshotWritesNothing(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1"), thing("b", "1")).end(things.Table, "", 1, schema.OK, 1,
		2))
	before := db.query("SELECT xmin::text || xmax::text || ctid::text FROM obs.things")
	result := db.apply(build(t).part(things.Table, "", 2, 0, thing("a", "1"), thing("b", "1")).end(things.Table, "", 2,
		schema.OK, 1, 2))
	if got := result.Categories["things"]; got != (load.Counts{Rows: 2, Unchanged: 2, Parts: 1, Completed: 1}) {
		t.Errorf("counts %+v", got)
	}
	if after := db.query("SELECT xmin::text || xmax::text || ctid::text FROM obs.things"); !slices.Equal(before, after) {
		t.Errorf("rows were written or locked: %q then %q", before, after)
	}
	if dirty := db.query("SELECT table_name FROM hub.dirty ORDER BY 1"); !slices.Equal(dirty,
		[]string{"hub.scope", "things"}) {
		t.Errorf("dirty marks %q, want those of the first run", dirty)
	}
}

// TestMarksNameTheScopesThatChanged: a summary is computed for these alone.
func TestMarksNameTheScopesThatChanged(t *testing.T) {
	db := newDatabase(t, load.Config{})
	inScope := func(region string, n int, rows ...string) *builder {
		b := build(t).part(things.Table, "", n, 0, rows...).end(things.Table, "", n, schema.OK, 1, len(rows))
		b.parts[things.Table.Name()][0].Scope.Region = region
		b.batch.Ends[0].Scope.Region = region
		return b
	}
	marks := func() []string {
		return db.query("WITH taken AS (DELETE FROM hub.dirty RETURNING *) SELECT concat_ws(' ', table_name, account_id, " +
			"region) FROM taken ORDER BY 1")
	}
	for _, step := range []struct {
		name  string
		batch *builder
		want  []string
	}{
		{"new rows, and the first complete run", inScope("r1", 1, thing("a", "1"), thing("b", "1")),
			[]string{"hub.scope " + account + " r1", "things " + account + " r1"}},
		{"another scope", inScope("r2", 1, thing("a", "1")),
			[]string{"hub.scope " + account + " r2", "things " + account + " r2"}},
		{"nothing changed", inScope("r1", 2, thing("a", "1"), thing("b", "1")), nil},
		{"a changed row", inScope("r2", 3, thing("a", "2")), []string{"things " + account + " r2"}},
		{"a row is gone", inScope("r1", 4, thing("a", "1")), []string{"things " + account + " r1"}},
		{"an older run", inScope("r1", 3, thing("a", "1"), thing("b", "1")), nil},
	} {
		db.apply(step.batch)
		if got := marks(); !slices.Equal(got, step.want) {
			t.Errorf("%s: marks %q, want %q", step.name, got, step.want)
		}
	}
}

func TestPartTakesEffectOnce(t *testing.T) {
	db := newDatabase(t, load.Config{})
	part := func() *builder { return build(t).part(things.Table, "", 1, 0, thing("a", "1")) }
	db.apply(part())
	result := db.apply(part())
	if got := result.Categories["things"]; got != (load.Counts{Repeated: 1}) {
		t.Errorf("counts of the repeated part: %+v", got)
	}
	result = db.apply(part().part(things.Table, "", 1, 0, thing("a", "1")))
	if got := result.Categories["things"]; got != (load.Counts{Repeated: 2}) {
		t.Errorf("counts of the part twice in a batch: %+v", got)
	}
	if got := db.query("SELECT rows || ' ' || parts FROM hub.run"); !slices.Equal(got, []string{"1 1"}) {
		t.Errorf("run has %q", got)
	}
	// The same part with other bytes is a lie.
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "2")))
	db.wantLive(things.Table, "a=1")
	if got := db.query("SELECT reason FROM hub.reject"); !slices.Equal(got, []string{string(load.ReasonPartConflict)}) {
		t.Errorf("rejects %q", got)
	}
}

func TestIncompleteRunsMarkNothing(t *testing.T) {
	for name, second := range map[string]func(*builder) *builder{
		"no end":            func(b *builder) *builder { return b },
		"partial":           func(b *builder) *builder { return b.end(things.Table, "", 2, schema.Partial, 1, 1) },
		"denied":            func(b *builder) *builder { return b.end(things.Table, "", 2, schema.Denied, 1, 1) },
		"a part missing":    func(b *builder) *builder { return b.end(things.Table, "", 2, schema.OK, 2, 2) },
		"more rows missing": func(b *builder) *builder { return b.end(things.Table, "", 2, schema.OK, 1, 3) },
		"a row rejected": func(b *builder) *builder {
			p := &b.parts["things"][0]
			p.Rejects = []load.RowReject{{Row: 1, Reason: schema.ReasonType, Detail: "x",
				Excerpt: load.ExcerptOf([]byte("{}"), 2)}}
			return b.end(things.Table, "", 2, schema.OK, 1, 2)
		},
		"more rows rejected": func(b *builder) *builder {
			b.parts["things"][0].MoreRejects = 1
			return b.end(things.Table, "", 2, schema.OK, 1, 2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := newDatabase(t, load.Config{})
			db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1"), thing("b", "1")).end(things.Table, "", 1, schema.OK,
				1, 2))
			db.apply(second(build(t).part(things.Table, "", 2, 0, thing("b", "2"))))
			db.wantLive(things.Table, "a=1", "b=2")
		})
	}
}

func TestCompleteEndIsBetterThanAnIncompleteOne(t *testing.T) {
	ok := func(b *builder) *builder { return b.end(things.Table, "", 2, schema.OK, 1, 1) }
	failed := func(b *builder) *builder { return b.end(things.Table, "", 2, schema.Failed, 0, 0) }
	for name, ends := range map[string][]func(*builder) *builder{
		"failed first": {failed, ok}, "ok first": {ok, failed},
		"together": {func(b *builder) *builder { return ok(failed(b)) }},
	} {
		t.Run(name, func(t *testing.T) {
			db := newDatabase(t, load.Config{})
			db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")).end(things.Table, "", 1, schema.OK, 1, 1))
			for _, end := range ends {
				db.apply(end(build(t)))
			}
			db.wantLive(things.Table, "a=1")
			db.apply(build(t).part(things.Table, "", 2, 0, thing("b", "1")))
			db.wantLive(things.Table, "b=1")
		})
	}
}

func TestEventKeepsTheNewestWord(t *testing.T) {
	db := newDatabase(t, load.Config{})
	run := func(n int, rows ...string) *builder {
		return build(t).part(sightings.Table, "", n, 0, rows...).end(sightings.Table, "", n, schema.OK, 1, len(rows))
	}
	db.apply(run(1, thing("a", "5"), thing("b", "1")))
	db.apply(run(3, thing("a", "5")))
	// An older run brings an older value: run 3 said 5, although it changed nothing.
	db.apply(run(2, thing("a", "4")))
	db.wantLive(sightings.Table, "a=5", "b=1")
	// Each of them moved rows or says which of them are there.
	if got := db.query("SELECT table_name FROM hub.dirty ORDER BY 1"); !slices.Equal(got,
		[]string{"hub.scope", "sightings", "sightings", "sightings"}) {
		t.Errorf("dirty marks %q", got)
	}
}

func TestSlicesAreScopesOfTheirOwn(t *testing.T) {
	db := newDatabase(t, load.Config{})
	cost := func(day, name, amount string) string {
		return fmt.Sprintf(`{"day":%q,"name":%q,"amount":%q}`, day, name, amount)
	}
	db.apply(build(t).
		part(daily.Table, "2026-07-30", 1, 0, cost("2026-07-30", "ec2", "1.5"), cost("2026-07-30", "s3", "1")).
		end(daily.Table, "2026-07-30", 1, schema.OK, 1, 2).
		part(daily.Table, "2026-07-31", 1, 0, cost("2026-07-31", "ec2", "2")).
		end(daily.Table, "2026-07-31", 1, schema.OK, 1, 1))
	// A restated day replaces the day, and no other.
	db.apply(build(t).
		part(daily.Table, "2026-07-30", 2, 0, cost("2026-07-30", "ec2", "1.75")).
		end(daily.Table, "2026-07-30", 2, schema.OK, 1, 1))
	db.wantLive(daily.Table, "2026-07-30/ec2=1.75", "2026-07-31/ec2=2")
}

func TestShardsMoveByCompareAndSet(t *testing.T) {
	db := newDatabase(t, load.Config{})
	shard := load.Shard{Stream: "s", Created: start, ID: "shard-0"}
	advance := func(from, to string) load.Advance {
		return load.Advance{Shard: shard, From: stream.Position{Sequence: from}, To: stream.Position{Sequence: to},
			Arrived: start}
	}
	withAdvance := func(b *builder, a load.Advance) *builder {
		b.batch.Advances = []*load.Advance{&a}
		for _, parts := range b.parts {
			for i := range parts {
				parts[i].Origin.Advance = &a
			}
		}
		return b
	}
	db.apply(withAdvance(build(t).part(things.Table, "", 1, 0, thing("a", "1")),
		advance("", "49600000000000000000000000000000000000000000000000000001")))
	// A zombie that read the same records from the beginning.
	result := db.apply(withAdvance(build(t).part(things.Table, "", 2, 0, thing("b", "1")), advance("", "7")))
	if !slices.Equal(result.Moved, []int{0}) {
		t.Errorf("moved %v, want the zombie's shard", result.Moved)
	}
	db.wantLive(things.Table, "a=1")
	p, err := db.loader.Progress(t.Context(), shard)
	if err != nil || p != (stream.Position{Sequence: "49600000000000000000000000000000000000000000000000000001"}) {
		t.Errorf("progress %+v, %v", p, err)
	}
	end := advance(p.Sequence, p.Sequence)
	end.To.Ended = true
	db.apply(withAdvance(build(t), end))
	if p, err = db.loader.Progress(t.Context(), shard); err != nil || !p.Ended {
		t.Errorf("progress after the end %+v, %v", p, err)
	}
}

// Lambda reads records again, and a replay objects.
func TestRecordIsRejectedOnce(t *testing.T) {
	db := newDatabase(t, load.Config{})
	first := 0
	reject := func(origin string, part *int, reason schema.Reason) load.Reject {
		return load.Reject{Reason: reason, Part: part, Origin: load.Origin{Name: origin, Data: []byte("?")}}
	}
	for _, want := range []int{4, 0} {
		b := build(t)
		b.batch.Rejects = []load.Reject{
			reject("shard-0/1", nil, "header"), reject("shard-0/2", nil, "header"),
			reject("shard-0/2", &first, "header"), reject("shard-0/2", &first, "hash"),
		}
		if got := db.apply(b).Rejects; got != want {
			t.Errorf("%d rejects, want %d", got, want)
		}
	}
	for range 2 { // nobody knows where these were read
		b := build(t)
		b.batch.Rejects = []load.Reject{reject("", nil, "header")}
		db.apply(b)
	}
	want := []string{" header", " header", "shard-0/1 header", "shard-0/2 hash", "shard-0/2 header", "shard-0/2 header"}
	if got := db.query("SELECT origin || ' ' || reason FROM hub.reject"); !slices.Equal(got, want) {
		t.Errorf("rejects %q, want %q", got, want)
	}
}

func TestGapIsStoredOnceWithItsTime(t *testing.T) {
	db := newDatabase(t, load.Config{})
	shard := load.Shard{Stream: "s", Created: start, ID: "shard-0"}
	b := build(t)
	b.batch.Advances = []*load.Advance{{Shard: shard, To: stream.Position{Sequence: "7"}, Arrived: start}}
	db.apply(b)
	for _, gap := range []stream.Gap{{After: "7", Until: "9", Reason: "trimmed"},
		{After: "7", Until: "9", Reason: "trimmed"}, {After: "9", Until: "12"}} {
		if err := db.loader.StoreGap(t.Context(), shard, gap); err != nil {
			t.Fatal(err)
		}
	}
	db.want("SELECT after_sequence || ' ' || until_sequence || ' ' || reason || ' ' || (after_arrived_at = "+
		"'2026-08-01T12:00:00Z')::text FROM hub.gap",
		"7 9 trimmed true", "9 12  true")
	shard.ID = "shard-1" // nothing of it was applied
	if err := db.loader.StoreGap(t.Context(), shard, stream.Gap{Until: "5"}); err != nil {
		t.Fatal(err)
	}
	db.want("SELECT coalesce(after_arrived_at::text, 'never') FROM hub.gap WHERE shard = 'shard-1'", "never")
}

func TestOneRowThatPostgreSQLRefuses(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.exec("ALTER TABLE obs.things ADD CHECK (value <> 'bad')")
	var rows []string
	for i := range 50 {
		rows = append(rows, thing(fmt.Sprintf("%02d", i), "good"))
	}
	rows[17], rows[30] = thing("17", "bad"), thing("30", "bad")
	result := db.apply(build(t).part(things.Table, "", 1, 0, rows...).end(things.Table, "", 1, schema.OK, 1, 50))
	if got := result.Categories["things"]; got != (load.Counts{Rows: 50, New: 48, Rejected: 2, Parts: 1}) {
		t.Errorf("counts %+v", got)
	}
	want := []string{`17 refused {"id":"17","value":"bad"}`, `30 refused {"id":"30","value":"bad"}`}
	if got := db.query("SELECT row_number || ' ' || reason || ' ' || convert_from(bytes, 'UTF8') FROM " +
		"hub.reject"); !slices.Equal(got, want) {
		t.Errorf("rejects %q", got)
	}
	// Changed rows go through the stage.
	result = db.apply(build(t).part(things.Table, "", 2, 0, thing("01", "bad"), thing("02", "better")))
	if got := result.Categories["things"]; got != (load.Counts{Rows: 2, Changed: 1, Rejected: 1, Parts: 1}) {
		t.Errorf("counts of changed rows %+v", got)
	}
}

func TestRepeatedRowOfARun(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1"), thing("a", "2")).end(things.Table, "", 1, schema.OK, 1,
		2))
	db.wantLive(things.Table, "a=1")
	if got := db.query("SELECT row_number || ' ' || reason FROM hub.reject"); !slices.Equal(got,
		[]string{"1 repeated_row"}) {
		t.Errorf("rejects %q", got)
	}
}

// A run that names a key twice is not complete, however it is cut into transactions.
func TestRowRepeatedInAnotherTransaction(t *testing.T) {
	for name, cut := range map[string]func(*database, *builder) *builder{
		"together": func(_ *database, b *builder) *builder { return b },
		"apart":    func(db *database, b *builder) *builder { db.apply(b); return build(t) },
	} {
		t.Run(name, func(t *testing.T) {
			db := newDatabase(t, load.Config{})
			db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1"), thing("b", "1")).end(things.Table, "", 1, schema.OK,
				1, 2))
			// As many rows as are live, but not the same: the second is the first again.
			b := cut(db, build(t).part(things.Table, "", 2, 0, thing("a", "1")))
			counts := db.apply(b.part(things.Table, "", 2, 1, thing("a", "1")).end(things.Table, "", 2, schema.OK, 2,
				2)).Categories["things"]
			if counts.Completed != 0 {
				t.Errorf("counts %+v", counts)
			}
			db.wantLive(things.Table, "a=1", "b=1")
			db.want("SELECT reason FROM hub.reject", "repeated_row")
			db.want("SELECT rejects::text FROM hub.run WHERE end_parts = 2", "1")
			// The end comes again, and the next run.
			db.apply(build(t).end(things.Table, "", 2, schema.OK, 2, 2))
			db.wantLive(things.Table, "a=1", "b=1")
			db.apply(build(t).part(things.Table, "", 3, 0, thing("a", "1")).end(things.Table, "", 3, schema.OK, 1, 1))
			db.wantLive(things.Table, "a=1")
		})
	}
}

// The rows of a scope's first run are not asked for: here the key itself has to
// show that they are not new.
func TestRowRepeatedInAnotherTransactionOfTheFirstRun(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")))
	db.apply(build(t).part(things.Table, "", 1, 1, thing("b", "1")))
	result := db.apply(build(t).part(things.Table, "", 1, 2, thing("a", "2"), thing("c", "1")).end(things.Table, "", 1,
		schema.OK, 3, 4))
	db.wantLive(things.Table, "a=1", "b=1", "c=1")
	if got := result.Categories["things"]; got != (load.Counts{Rows: 2, New: 1, Rejected: 1, Parts: 1}) {
		t.Errorf("counts %+v", got)
	}
	if got := db.query("SELECT part || ' ' || row_number || ' ' || reason FROM hub.reject"); !slices.Equal(got,
		[]string{"2 0 repeated_row"}) {
		t.Errorf("rejects %q", got)
	}
}

func TestRowsOfAScopeThatNoRunIsKnownOf(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1"), thing("b", "1")).end(things.Table, "", 1, schema.OK, 1,
		2))
	db.exec("TRUNCATE hub.scope CASCADE; TRUNCATE hub.run_part")
	result := db.apply(build(t).part(things.Table, "", 2, 0, thing("a", "2"), thing("b", "1")).end(things.Table, "", 2,
		schema.OK, 1, 2))
	db.wantLive(things.Table, "a=2", "b=1")
	if got := result.Categories["things"]; got != (load.Counts{Rows: 2, Changed: 1, Unchanged: 1, Parts: 1,
		Completed: 1}) {
		t.Errorf("counts %+v", got)
	}
}

func TestKeyThatExistsAlthoughItSeemedNew(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")))
	// Somebody else inserts the row between the question and the COPY. A sequence
	// does not go back with the transaction, so it happens once.
	db.exec(`CREATE SEQUENCE calls;
		CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.id = 'b' AND nextval('calls') = 1 THEN
			INSERT INTO obs.things SELECT NEW.*;
		END IF;
		RETURN NEW; END $$;
		CREATE TRIGGER meddle BEFORE INSERT ON obs.things FOR EACH ROW EXECUTE FUNCTION meddle()`)
	db.apply(build(t).part(things.Table, "", 2, 0, thing("a", "2"), thing("b", "1")).end(things.Table, "", 2, schema.OK, 1,
		2))
	db.wantLive(things.Table, "a=2", "b=1")
}

func TestChangedRowThatVanishesIsWrittenAnew(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1"), thing("b", "1")).end(things.Table, "", 1, schema.OK, 1,
		2))
	// Somebody else keeps the row from being changed, once.
	db.exec(`CREATE SEQUENCE calls;
		CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.id = 'b' AND nextval('calls') = 1 THEN
			RETURN NULL;
		END IF;
		RETURN NEW; END $$;
		CREATE TRIGGER meddle BEFORE UPDATE ON obs.things FOR EACH ROW EXECUTE FUNCTION meddle()`)
	result := db.apply(build(t).part(things.Table, "", 2, 0, thing("a", "2"), thing("b", "2")).end(things.Table, "", 2,
		schema.OK, 1, 2))
	db.wantLive(things.Table, "a=2", "b=2")
	if got := result.Categories["things"]; got != (load.Counts{Rows: 2, Changed: 2, Parts: 1, Completed: 1}) {
		t.Errorf("counts %+v", got)
	}
}

func TestMisfitParksTheCategoryOnly(t *testing.T) {
	db := newDatabase(t, load.Config{ParkedLimit: 3})
	apply := func(run int) load.Result {
		return db.apply(build(t).
			part(things.Table, "", run, 0, thing("a", fmt.Sprint(run))).end(things.Table, "", run, schema.OK, 1, 1).
			part(sightings.Table, "", run, 0, thing("s", fmt.Sprint(run))))
	}
	apply(1)
	// The loader's connection is live when the column changes under it: eight
	// bytes of text would be copied into a bigint without an error.
	db.exec("ALTER TABLE obs.things ALTER COLUMN value TYPE bigint USING 1")
	result := apply(2)
	if result.Parked["things"] == nil || result.Parked["sightings"] != nil {
		t.Fatalf("parked %v, want things", result.Parked)
	}
	for _, want := range []string{"obs.things.value is bigint, not text",
		"ALTER TABLE obs.things ALTER COLUMN value TYPE text"} {
		if !strings.Contains(result.Parked["things"].Error(), want) {
			t.Errorf("error %q does not say %q", result.Parked["things"], want)
		}
	}
	db.wantLive(sightings.Table, "s=2")
	if got := db.query("SELECT state || ' ' || convert_from(bytes, 'UTF8') FROM hub.reject"); !slices.Equal(got,
		[]string{"parked end", `parked {"id":"a","value":"2"}`}) {
		t.Errorf("rejects %q", got)
	}
	batch := build(t).part(things.Table, "", 3, 0, thing("a", "3")).end(things.Table, "", 3, schema.OK, 1, 1).done()
	if _, err := db.loader.Apply(t.Context(), batch); err == nil ||
		!strings.Contains(err.Error(), "too many parked records") {
		t.Errorf("at the limit: %v", err)
	}
	db.exec("ALTER TABLE obs.things ALTER COLUMN value TYPE text")
	parked, err := db.loader.Parked(t.Context(), "things", 0, 10)
	if err != nil || len(parked) != 2 {
		t.Fatalf("parked %+v, %v", parked, err)
	}
	b := build(t).part(things.Table, "", 2, 0, thing("a", "2")).end(things.Table, "", 2, schema.OK, 1, 1)
	b.parts["things"][0].Origin.Parked, b.batch.Ends[0].Origin.Parked = parked[0].ID, parked[1].ID
	db.apply(b)
	db.wantLive(things.Table, "a=2")
	if got := db.query("SELECT state FROM hub.reject"); len(got) != 0 {
		t.Errorf("left over: %q", got)
	}
}

func TestCheckPrintsTheMissingStatement(t *testing.T) {
	db := newDatabase(t, load.Config{})
	if faults, err := load.Check(t.Context(), db.pool, categories...); err != nil || len(faults) != 0 {
		t.Fatalf("fresh tables: %v, %v", faults, err)
	}
	db.exec(`DROP TABLE obs.sightings; ALTER TABLE obs.things DROP COLUMN note; ALTER TABLE obs.things ADD extra int NOT NULL;
		ALTER TABLE obs.daily ALTER COLUMN amount TYPE numeric, ALTER COLUMN amount DROP NOT NULL, DROP CONSTRAINT daily_pkey`)
	faults, err := load.Check(t.Context(), db.pool, categories...)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if f.Statement == "" {
			t.Errorf("%v names no statement", f)
		}
		db.exec(f.Statement)
	}
	if faults, err = load.Check(t.Context(), db.pool, categories...); err != nil || len(faults) != 0 {
		t.Errorf("after the statements that Check printed: %v, %v", faults, err)
	}
}

// prune deletes old bookkeeping and wants so many runs to go, and these to stay.
func (db *database) prune(keep time.Duration, want int64, stay ...int) {
	db.Helper()
	n, err := db.loader.Prune(db.Context(), keep)
	if err != nil || n != want {
		db.Fatalf("pruned %d, %v; want %d", n, err, want)
	}
	var runs []string
	for _, run := range stay {
		runs = append(runs, uuid.UUID(runAt(run)).String())
	}
	if got := db.query("SELECT run::text FROM hub.run"); !slices.Equal(got, runs) {
		db.Errorf("runs %q are left, want %q", got, runs)
	}
	if got := db.query("SELECT DISTINCT run::text FROM hub.run_part"); len(got) > len(stay) {
		db.Errorf("parts of runs %q are left", got)
	}
}

func TestPruneKeepsTheNewestRuns(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 0, 0, thing("a", "0")).part(things.Table, "", 0, 1,
		thing("b", "0")).end(things.Table, "", 0, schema.OK, 2, 2))
	db.apply(build(t).end(things.Table, "", 1, schema.Empty, 0, 0))
	db.apply(build(t).part(things.Table, "", 2, 0, thing("a", "2")).end(things.Table, "", 2, schema.OK, 1, 1))
	db.apply(build(t).part(things.Table, "", 3, 0, thing("a", "3")).end(things.Table, "", 3, schema.Partial, 1, 1))
	db.apply(build(t).end(things.Table, "", 4, schema.Denied, 0, 0))
	db.prune(time.Since(start)+time.Hour, 0, 0, 1, 2, 3, 4)
	db.prune(0, 3, 2, 4)
	// A pruned run comes again, and one as old that never came: superseded.
	for run := range 4 {
		db.apply(build(t).part(things.Table, "", run, 1, thing("a", "old"), thing("c", "old")).end(things.Table, "", run,
			schema.OK, 1, 2))
	}
	db.wantLive(things.Table, "a=3")
	db.apply(build(t).part(things.Table, "", 5, 0, thing("a", "5")))
	db.wantLive(things.Table, "a=5")
}

func TestPruneForgetsShardsThatAreGone(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.exec(`INSERT INTO hub.shard_progress (stream, stream_created_at, shard, ended, updated_at) VALUES
		('s', '2026-01-01Z', 'open', false, now() - interval '9 days'),
		('s', '2026-01-01Z', 'ended long ago', true, now() - interval '9 days'),
		('s', '2026-01-01Z', 'ended of late', true, now() - interval '7 days'),
		('s', '2025-01-01Z', 'of the stream before', false, now() - interval '9 days'),
		('t', '2025-01-01Z', 'of another stream', false, now() - interval '9 days')`)
	if _, err := db.loader.Prune(t.Context(), 8*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, want := db.query("SELECT shard FROM hub.shard_progress"),
		[]string{"ended of late", "of another stream", "open"}; !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
}

func TestPruneOfScopesThatAreNeverComplete(t *testing.T) {
	db := newDatabase(t, load.Config{})
	for run := range 3 {
		db.apply(build(t).part(things.Table, "", run, 0, thing("a", fmt.Sprint(run)),
			thing(fmt.Sprint(run), "x")).end(things.Table, "", run, schema.Partial, 1, 2))
	}
	db.prune(0, 2, 2)
	// What older runs wrote is there, although no older run is known any more.
	counts := db.apply(build(t).part(things.Table, "", 2, 1, thing("1", "x"), thing("b", "2"))).Categories["things"]
	if counts.New != 1 || counts.Unchanged != 1 {
		t.Errorf("counts %+v", counts)
	}
	db.wantLive(things.Table, "0=x", "1=x", "2=x", "a=2", "b=2")
	// A run that is older than what was forgotten completes, and marks nothing.
	db.apply(build(t).end(things.Table, "", 1, schema.Empty, 0, 0))
	db.wantLive(things.Table, "0=x", "1=x", "2=x", "a=2", "b=2")
}

// The rows of a slice are found whatever form dates have in the database.
func TestSlicesInADatabaseOfAnotherDateStyle(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.exec("ALTER DATABASE " + pgx.Identifier{db.Pool.Config().ConnConfig.Database}.Sanitize() +
		" SET datestyle = 'German'")
	db.pool.Reset()
	line := func(name string) string { return fmt.Sprintf(`{"day":"2026-07-31","name":%q,"amount":"1"}`, name) }
	db.apply(build(t).part(daily.Table, "2026-07-31", 0, 0, line("a"), line("b")).end(daily.Table, "2026-07-31", 0,
		schema.OK, 1, 2))
	db.apply(build(t).part(daily.Table, "2026-07-31", 1, 0, line("a")).end(daily.Table, "2026-07-31", 1, schema.OK, 1, 1))
	db.wantLive(daily.Table, "2026-07-31/a=1")
}

// Where a newer run's word on a key is refused, an older one's stands, whichever
// comes first.
func TestRefusedRowHidesNothing(t *testing.T) {
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		db := newDatabase(t, load.Config{})
		db.exec("ALTER TABLE obs.things ADD CHECK (value <> 'bad')")
		for _, run := range order {
			value := []string{"good", "bad"}[run]
			db.apply(build(t).part(things.Table, "", run, 0, thing("a", value), thing("b", "good")).end(things.Table, "", run,
				schema.OK, 1, 2))
		}
		db.wantLive(things.Table, "a=good", "b=good")
	}
}

// A constraint that no row of the batch breaks, but marking rows as gone does.
func TestTableThatRefusesMoreThanRows(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 0, 0, thing("a", "1"), thing("b", "1")).end(things.Table, "", 0, schema.OK, 1,
		2))
	db.exec("ALTER TABLE obs.things ADD CONSTRAINT lively CHECK (deleted_at IS NULL)")
	result := db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "2")).end(things.Table, "", 1, schema.OK, 1,
		1).part(sightings.Table, "", 1, 0, thing("s", "1")))
	if why := result.Parked["things"]; why == nil || !strings.Contains(why.Error(), "lively") {
		t.Errorf("parked %v", result.Parked)
	}
	db.wantLive(things.Table, "a=1", "b=1")
	db.wantLive(sightings.Table, "s=1")
	db.want("SELECT state || ' ' || reason FROM hub.reject", "parked parked", "parked parked")
}

// refuse adds a reject of a record.
func (b *builder) refuse(account, reason, name, data string) {
	scope := scopeOf(things.Table, "")
	scope.Account = account
	b.batch.Rejects = append(b.batch.Rejects, load.Reject{
		Reason: schema.Reason(reason), Scope: scope,
		Origin: load.Origin{Name: name, Data: []byte(data)},
	})
}

func TestBytesOfRejectsAreLimited(t *testing.T) {
	db := newDatabase(t, load.Config{AccountRejectBytes: 10, TotalRejectBytes: 15})
	db.exec("ALTER TABLE obs.things RENAME TO elsewhere")
	for run := range 4 { // parked records do not count
		db.apply(build(t).part(things.Table, "", run, 0, thing("a", fmt.Sprint(run))))
	}
	for _, account := range []string{"1", "2"} {
		for range 2 {
			b := build(t)
			for range 2 {
				b.refuse(account, "header", "", "four")
			}
			db.apply(b)
		}
	}
	const kept = "SELECT account_id || ' ' || coalesce(length(bytes)::text, 'no') || ' of ' || size FROM hub.reject " +
		"WHERE state = 'open'"
	db.want(kept, "1 4 of 4", "1 4 of 4", "1 no of 4", "1 no of 4", "2 4 of 4", "2 no of 4", "2 no of 4", "2 no of 4")
	// Deleting them makes room.
	db.exec("DELETE FROM hub.reject WHERE account_id = '1'")
	b := build(t)
	b.refuse("1", "header", "", "four")
	db.apply(b)
	db.want(kept, "1 4 of 4", "2 4 of 4", "2 no of 4", "2 no of 4", "2 no of 4")
	db.want("SELECT open || ' ' || bytes FROM hub.reject_total", "5 8")
	db.want("SELECT account_id || ' ' || reason || ' ' || open || ' ' || bytes || ' ' || counted FROM hub.reject_count",
		"1 header 1 4 0", "2 header 4 4 0")
}

// Of what was refused the beginning is kept, and what the rest was.
func TestRejectsKeepTheBeginning(t *testing.T) {
	db := newDatabase(t, load.Config{})
	record := strings.Repeat("r", load.MaxRecordBytes+1)
	b := build(t).part(things.Table, "", 0, 0, thing("a", "1"))
	row := strings.Repeat("x", load.MaxRowBytes+1)
	part := &b.parts[things.Name()][0]
	part.Origin.Name = "part"
	for i := range 17 {
		part.Rejects = append(part.Rejects, load.RowReject{Row: i + 1, Reason: schema.ReasonType,
			Excerpt: load.ExcerptOf([]byte(row), load.MaxRowBytes)})
	}
	b.refuse("1", "header", "record", record)
	db.apply(b)
	sum := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	db.want("SELECT count(*) || ' ' || coalesce(length(bytes), 0) || ' ' || size || ' ' || encode(sha256, 'hex') FROM "+
		"hub.reject GROUP BY length(bytes), size, sha256",
		fmt.Sprintf("1 0 %d %s", len(row), sum(row)), // 16 of 4 KiB are what is kept of one record
		fmt.Sprintf("1 %d %d %s", load.MaxRecordBytes, len(record), sum(record)),
		fmt.Sprintf("16 %d %d %s", load.MaxRowBytes, len(row), sum(row)))
}

// Above a number of one account and reason, and of all, they are counted.
func TestRejectsAreCounted(t *testing.T) {
	db := newDatabase(t, load.Config{RejectLimit: 3, TotalRejectLimit: 5})
	b := build(t)
	for i := range 4 {
		b.refuse("1", "header", fmt.Sprint("a", i), "x")
	}
	if result := db.apply(b); result.Rejects != 4 {
		t.Errorf("%d rejects", result.Rejects)
	}
	const counts = "SELECT concat_ws(' ', account_id, reason, open, counted) FROM hub.reject_count"
	db.want(counts, "1 header 3 1")
	b = build(t)
	b.refuse("1", "header", "a0", "x") // that is stored
	b.refuse("1", "hash", "b0", "x")
	b.refuse("2", "hash", "b1", "x")
	b.refuse("3", "hash", "b2", "x") // too many in all: the account is not kept either
	db.apply(b)
	db.want(counts, " hash 0 1", "1 hash 1 0", "1 header 3 2", "2 hash 1 0")
	db.exec("UPDATE hub.reject SET at = now() - interval '2 days' WHERE reason = 'header'")
	db.exec("UPDATE hub.reject_count SET counted_at = now() - interval '2 days'")
	if n, err := db.loader.PruneRejects(t.Context(), 24*time.Hour); n != 3 || err != nil {
		t.Errorf("%d were deleted, %v", n, err)
	}
	db.want(counts, "1 hash 1 0", "2 hash 1 0")
	db.want("SELECT open::text FROM hub.reject_total", "2")
}

func TestCheckTakesAnIdentityColumn(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.exec("ALTER TABLE obs.things ADD number bigint GENERATED ALWAYS AS IDENTITY")
	if faults, err := load.Check(t.Context(), db.Pool, things.Table); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")))
	db.wantLive(things.Table, "a=1")
}

func TestUndeclaredColumnWithDefault(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.exec("ALTER TABLE obs.things ADD extra integer NOT NULL DEFAULT 7")
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")))
	result := db.apply(build(t).part(things.Table, "", 2, 0, thing("a", "2"),
		thing("b", "2"))) // through the stage, and not
	if got := result.Categories["things"]; got != (load.Counts{Rows: 2, New: 1, Changed: 1, Parts: 1}) {
		t.Errorf("counts %+v", got)
	}
	db.wantLive(things.Table, "a=2", "b=2")
}

func TestShardsInADatabaseThatSortsOtherwise(t *testing.T) {
	db := newDatabase(t, load.Config{})
	// To a dictionary a comes before B, and punctuation does not count.
	db.exec(`ALTER TABLE hub.shard_progress ALTER COLUMN shard TYPE text COLLATE "en-x-icu"`)
	var advances []*load.Advance
	for i, shard := range []string{"B", "a", "c-1", "c1", "C2"} {
		advances = append(advances, &load.Advance{
			Shard: load.Shard{Stream: "s", Created: start, ID: shard},
			To:    stream.Position{Sequence: fmt.Sprint(i)},
		})
	}
	b := build(t)
	b.batch.Advances = advances
	db.apply(b)
	for i, a := range advances {
		a.From, a.To.Sequence = a.To, fmt.Sprint(100+i)
	}
	advances[3].From.Sequence = "50" // somebody else is not there
	b = build(t)
	b.batch.Advances = advances
	if result := db.apply(b); !slices.Equal(result.Moved, []int{3}) {
		t.Errorf("moved %v, want only the shard that was elsewhere", result.Moved)
	}
	db.want("SELECT shard || ' ' || sequence_number FROM hub.shard_progress", "B 100", "C2 104", "a 101", "c-1 102",
		"c1 3")
}

// TestRepeatedPartThatIsPruned prunes a part between the moment in which it turns
// out to be repeated and the one in which its hash is compared.
func TestRepeatedPartThatIsPruned(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")))
	db.exec(`CREATE FUNCTION prune() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			DELETE FROM hub.run_part; RETURN NULL; END $$;
		CREATE TRIGGER prune AFTER INSERT ON hub.run_part FOR EACH STATEMENT EXECUTE FUNCTION prune()`)
	result := db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")))
	if got := result.Categories["things"]; got != (load.Counts{Repeated: 1}) {
		t.Errorf("counts %+v", got)
	}
	db.want("SELECT detail FROM hub.reject")
}

func TestOriginOfAnotherAdvance(t *testing.T) {
	db := newDatabase(t, load.Config{})
	b := build(t).part(things.Table, "", 1, 0, thing("a", "1")).end(things.Table, "", 1, schema.OK, 1, 1)
	b.parts["things"][0].Origin.Advance = &load.Advance{}
	b.parts["things"][0].Origin.Name = "shard-1/7"
	if _, err := db.loader.Apply(t.Context(), b.done()); err == nil || !strings.Contains(err.Error(), "shard-1/7") {
		t.Errorf("%v does not name the part", err)
	}
}

// TestSettingsAfterAnError fails while hash joins are allowed, and looks at the
// settings of the next attempt.
func TestSettingsAfterAnError(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1"), thing("b", "1")).end(things.Table, "", 1, schema.OK, 1,
		2))
	db.exec(`CREATE TABLE setting (hashjoin text); CREATE SEQUENCE calls;
		CREATE FUNCTION refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('calls') = 1 THEN RAISE check_violation; END IF; RETURN NEW; END $$;
		CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO setting VALUES (current_setting('enable_hashjoin')); RETURN NULL; END $$;
		CREATE TRIGGER refuse BEFORE UPDATE ON obs.things FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION refuse_once();
		CREATE TRIGGER note AFTER INSERT OR UPDATE ON hub.run FOR EACH STATEMENT EXECUTE FUNCTION note()`)
	db.apply(build(t).part(things.Table, "", 2, 0, thing("a", "1")).end(things.Table, "", 2, schema.OK, 1, 1))
	db.wantLive(things.Table, "a=1")
	db.want("SELECT DISTINCT hashjoin FROM setting", "off")
	db.want("SELECT last_value::text FROM calls", "2")
}

// TestSecondAttemptForgetsTheFirst completes runs in an attempt that is rolled
// back, and not in the next one, which rejects a row of each.
func TestSecondAttemptForgetsTheFirst(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.apply(build(t).part(things.Table, "", 0, 0, thing("a", "1"), thing("b", "1")).end(things.Table, "", 0, schema.OK, 1,
		2))
	before := db.query("SELECT complete_run || ' ' || live_rows || ' ' || live_xor FROM hub.scope")
	db.exec(`CREATE SEQUENCE calls;
		CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF NEW.deleted_at IS NOT NULL AND nextval('calls') = 1 OR NEW.value = 'bad' AND (SELECT is_called FROM calls) THEN
				RAISE check_violation;
			END IF;
			RETURN NEW; END $$;
		CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON obs.things FOR EACH ROW EXECUTE FUNCTION refuse()`)
	result := db.apply(build(t).
		part(things.Table, "", 1, 0, thing("a", "1"), thing("b", "1"), thing("c", "bad")).end(things.Table, "", 1, schema.OK,
		1, 3).
		part(things.Table, "", 2, 0, thing("a", "1"), thing("d", "bad")).end(things.Table, "", 2, schema.OK, 1, 2))
	if got := result.Categories["things"]; got != (load.Counts{Rows: 5, Unchanged: 2, Superseded: 1, Rejected: 2,
		Parts: 2}) {
		t.Errorf("counts %+v", got)
	}
	db.wantLive(things.Table, "a=1", "b=1")
	db.want("SELECT complete_run || ' ' || live_rows || ' ' || live_xor FROM hub.scope", before...)
	db.want("SELECT completed_at::text FROM hub.run WHERE run::text NOT IN (SELECT complete_run::text FROM hub.scope) " +
		"AND completed_at IS NOT NULL")
}

// TestRecordsAreReleased applies rows in every way that keeps a record for a while.
func TestRecordsAreReleased(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	db := newDatabase(t, load.Config{})
	apply := func(run int, value string) {
		t.Helper()
		b := build(t)
		b.mem = mem
		db.apply(b.part(things.Table, "", run, 0, thing("a", value), thing(value, value)))
	}
	apply(1, "new")
	apply(2, "changed")
	apply(2, "repeated")
	db.exec("ALTER TABLE obs.things ADD CHECK (value <> 'bad')")
	apply(3, "bad")
	db.exec("ALTER TABLE obs.things RENAME TO elsewhere")
	apply(4, "parked")
	db.want("SELECT state || ' ' || reason FROM hub.reject", "open part_conflict", "open refused", "open refused",
		"parked parked")
}

// TestIntervalIsStored: it belongs to the end that is kept.
func TestIntervalIsStored(t *testing.T) {
	db := newDatabase(t, load.Config{})
	want := func(want ...string) {
		t.Helper()
		if got := db.query("SELECT coalesce(every, 0) FROM hub.run"); !slices.Equal(got, want) {
			t.Errorf("every %q, want %q", got, want)
		}
	}
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")))
	want("0")
	db.apply(build(t).end(things.Table, "", 1, schema.Failed, 2, 2).every(90 * time.Minute))
	want("5400")
	db.apply(build(t).end(things.Table, "", 1, schema.Failed, 2, 2).every(time.Hour))
	want("5400")
	db.apply(build(t).end(things.Table, "", 1, schema.OK, 1, 1).every(6 * time.Hour))
	want("21600")
	db.apply(build(t).end(things.Table, "", 2, schema.Empty, 0, 0).end(things.Table, "", 3, schema.Empty, 0,
		0).every(1 << 62))
	want("0", "2147483647", "21600")
}

// TestCostIsStored: it belongs to the end that is kept.
func TestCostIsStored(t *testing.T) {
	db := newDatabase(t, load.Config{})
	const sql = "SELECT concat_ws(' ', coalesce(requests, -1), coalesce(took_ms, -1)) FROM hub.run"
	const price = "SELECT concat_ws(' ', coalesce(paid_requests, -1), coalesce(usd_micros, -1)) FROM hub.run"
	db.apply(build(t).part(things.Table, "", 1, 0, thing("a", "1")))
	db.want(sql, "-1 -1")
	db.apply(build(t).end(things.Table, "", 1, schema.Failed, 2, 2).cost(5, time.Second))
	db.want(sql, "5 1000")
	db.apply(build(t).end(things.Table, "", 1, schema.Failed, 2, 2).cost(6, time.Minute))
	db.want(sql, "5 1000")
	db.apply(build(t).end(things.Table, "", 1, schema.OK, 1, 1).cost(7, 1500*time.Millisecond).price(6, 60_000))
	db.want(sql, "7 1500")
	db.want(price, "6 60000")
	db.apply(build(t).end(things.Table, "", 2, schema.Empty, 0, 0))
	db.want(sql, "-1 -1", "7 1500")
	db.want(price, "-1 -1", "6 60000")
}

// TestCostsOutliveRuns: what runs cost is known after they are pruned, and what those cost
// that found nothing changed, once however often their ends come.
func TestCostsOutliveRuns(t *testing.T) {
	db := newDatabase(t, load.Config{})
	const total = `SELECT concat_ws(' ', account_id, category, month, sum(requests), sum(paid_requests), sum(usd_micros))
		FROM hub.run_cost GROUP BY account_id, category, month`
	month := runAt(0).Time().UTC().Format("2006-01") + "-01"
	db.apply(build(t).part(things.Table, "", 0, 0, thing("a", "0")).end(things.Table, "", 0, schema.OK, 1, 1).
		cost(5, time.Second).price(4, 40_000))
	unchanged := func(run int) *builder {
		b := build(t).end(things.Table, "", run, schema.Unchanged, 0, 0).cost(3, time.Second).price(2, 20_000)
		b.batch.Ends[0].SameAs = runAt(0)
		return b
	}
	db.want(total)
	db.apply(unchanged(1))
	db.apply(unchanged(1))
	both := unchanged(2)
	both.batch.Ends = append(both.batch.Ends, unchanged(3).batch.Ends...)
	db.apply(both)
	db.want(total, fmt.Sprintf("%s things %s 9 6 60000", account, month))
	db.apply(build(t).end(things.Table, "", 4, schema.Empty, 0, 0).cost(7, time.Second))
	db.want(total, fmt.Sprintf("%s things %s 9 6 60000", account, month))
	db.prune(0, 1, 4)
	db.want(total, fmt.Sprintf("%s things %s 14 10 100000", account, month))
	db.want("SELECT count(*)::text FROM hub.run_cost", "1")
	// The scope itself goes, with its last run.
	db.exec("DELETE FROM obs.things")
	db.prune(0, 0)
	db.want("SELECT count(*)::text FROM hub.scope", "0")
	db.want(total, fmt.Sprintf("%s things %s 21 10 100000", account, month))
}

// TestMarksOfScopes: views that say where everything was read look again when a scope has
// its first complete run, and the first full one, and not each time.
func TestMarksOfScopes(t *testing.T) {
	db := newDatabase(t, load.Config{})
	db.exec(load.DDL(inventory.Table))
	for run, test := range []struct {
		extent schema.Extent
		marked bool
	}{{schema.Incremental, true}, {schema.Incremental, false}, {schema.Full, true}, {schema.Full, false},
		{schema.Incremental, false}} {
		db.exec("DELETE FROM hub.dirty")
		db.apply(build(t).end(inventory.Table, "", run+1, schema.Empty, 0, 0).extent(test.extent))
		if got := db.query("SELECT table_name FROM hub.dirty"); slices.Contains(got, "hub.scope") != test.marked {
			t.Errorf("run %d, %s: marked %q", run+1, test.extent, got)
		}
	}
}

// TestFirstSeenStays when a row changes, and when it is gone and comes back.
func TestFirstSeenStays(t *testing.T) {
	db := newDatabase(t, load.Config{})
	for run, value := range []string{"1", "1", "2", "", "2", "3"} {
		b, rows := build(t), 0
		if value != "" {
			b.part(things.Table, "", run+1, 0, thing("a", value))
			rows = 1
		}
		db.apply(b.end(things.Table, "", run+1, schema.OK, rows, rows))
		db.want("SELECT (first_seen_at AT TIME ZONE 'UTC')::text FROM obs.things", "2026-08-01 12:01:00")
	}
	db.want("SELECT (collected_at - first_seen_at)::text FROM obs.things", "00:05:00")
}
