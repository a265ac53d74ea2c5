package replay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/replay"
	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream/memstream"
	"github.com/hubspoke/observability/sql"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Three categories, one of each shape.
type (
	thing struct {
		ID    string      `col:"id,key"`
		Value string      `col:"value"`
		Note  schema.JSON `col:"note"`
	}
	sighting struct {
		ID    string `col:"id,key"`
		Value string `col:"value"`
	}
	amount struct {
		Day    schema.Date    `col:"day,key,slice"`
		Name   string         `col:"name,key"`
		Amount schema.Decimal `col:"amount"`
	}
)

var (
	things     = schema.Of[thing](schema.Spec{Name: "things", Mode: schema.Snapshot})
	sightings  = schema.Of[sighting](schema.Spec{Name: "sightings", Mode: schema.Event})
	amounts    = schema.Of[amount](schema.Spec{Name: "amounts", Mode: schema.Snapshot})
	categories = []*schema.Table{things.Table, sightings.Table, amounts.Table}
)

var template = pgtest.Template{Name: "replay", Migrate: func(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := load.NewMigrator(pool).Up(ctx); err != nil {
		return err
	}
	statements := []string{"CREATE SCHEMA obs"}
	for _, t := range categories {
		statements = append(statements, load.DDL(t))
	}
	if _, err := pool.Exec(ctx, strings.Join(statements, ";\n")); err != nil {
		return err
	}
	const status = "50_status.sql" // of all categories, whichever they are
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	_, err = refresh.Install(ctx, conn.Conn(), fstest.MapFS{status: {Data: must(fs.ReadFile(sql.Views(), status))}})
	return err
}}

// database is a database with a loader.
type database struct {
	*testing.T
	pool   *pgxpool.Pool
	loader *load.Loader
}

func newDatabase(t *testing.T, tables ...*schema.Table) *database {
	t.Helper()
	if len(tables) == 0 {
		tables = categories
	}
	pool := must(pgxpool.NewWithConfig(t.Context(), must(load.PoolConfig(pgtest.New(t, template).URL))))
	t.Cleanup(pool.Close)
	return &database{t, pool, must(load.New(pool, load.Config{Tables: tables}))}
}

// query returns the rows of a query with one column.
func (d *database) query(sql string) []string {
	d.Helper()
	rows, err := d.pool.Query(d.Context(), sql)
	if err != nil {
		d.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		d.Fatal(err)
	}
	return values
}

func (d *database) want(sql string, want ...string) {
	d.Helper()
	if got := d.query(sql); !slices.Equal(got, want) {
		d.Errorf("%s:\ngot  %q\nwant %q", sql, got, want)
	}
}

// state is what two databases must have in common.
func (d *database) state() []string {
	d.Helper()
	var all []string
	for _, t := range categories {
		all = append(all, d.query(`SELECT row_key || ' ' || row_hash FROM obs.`+t.Name()+
			` WHERE deleted_at IS NULL ORDER BY row_key`)...)
	}
	return append(all, d.query(
		`SELECT s.scope || ' ' || coalesce(complete_run::text, '') || ' ' || live_rows FROM hub.scope s ORDER BY s.scope`)...)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// spokes collect into an archive, and into a stream if there is one.
type spokes struct {
	*testing.T
	objects *s3.Client
	bucket  *archive.Bucket
	stream  *memstream.Stream // nil: none
}

const (
	bucket  = "archive"
	region  = "eu-central-1"
	account = "111122223333"
	other   = "222233334444"
	day     = "2026-08-01"
)

func newSpokes(t *testing.T, config awsfake.Config) *spokes {
	t.Helper()
	server := must(awsfake.New(config))
	t.Cleanup(func() { server.Close() })
	objects := awsconfig.S3(server.AWSConfig("444455556666", region))
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	return &spokes{T: t, objects: objects, bucket: must(archive.New(archive.Config{Client: objects, Name: bucket}))}
}

func collector[T any](category schema.Category[T], err error, rows ...T) collect.Any {
	c := collect.Collector[T]{
		Category: category, Reach: collect.PerRegion, Every: time.Hour, Calls: []string{"x:ListThings"},
		Collect: func(_ context.Context, _ *collect.Env, emit func(T) error) error {
			for _, row := range rows {
				if err := emit(row); err != nil {
					return err
				}
			}
			return err
		},
	}
	if category.SliceColumn() >= 0 {
		c.Slices = func(time.Time) []string { return []string{day} }
	}
	return c
}

// spoke returns one that collects an account again and again, and knows what it has sent.
func (s *spokes) spoke(account string, collectors ...collect.Any) *collect.Runner {
	s.Helper()
	config := collect.Config{
		Account: account, Regions: []string{region}, Collectors: collectors, Archive: s.bucket, ChunkRows: 10,
		Every: 90 * time.Minute,
		AWS:   func(region string) aws.Config { return aws.Config{Region: region} },
	}
	if s.stream != nil {
		config.Publisher = s.stream.Publisher()
	}
	return must(collect.New(config))
}

// send collects once in an account.
func (s *spokes) send(account string, collectors ...collect.Any) {
	s.Helper()
	s.collect(s.spoke(account, collectors...))
}

// collect collects once.
func (s *spokes) collect(spoke *collect.Runner) []collect.Result {
	s.Helper()
	results, _ := spoke.Once(s.Context()) // the results have the errors
	for _, r := range results {
		if r.ArchiveErr != nil || r.PublishErr != nil {
			s.Fatalf("%+v", r)
		}
	}
	return results
}

// keys returns the keys in the archive that contain all of texts.
func (s *spokes) keys(texts ...string) (keys []string) {
	s.Helper()
	list := must(s.objects.ListObjectsV2(s.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)}))
	for _, o := range list.Contents {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(*o.Key, text) }) {
			keys = append(keys, *o.Key)
		}
	}
	return keys
}

func (s *spokes) get(key string) []byte {
	s.Helper()
	out := must(s.objects.GetObject(s.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key}))
	defer out.Body.Close()
	return must(io.ReadAll(out.Body))
}

func (s *spokes) put(key string, data []byte) {
	s.Helper()
	if _, err := s.objects.PutObject(s.Context(),
		&s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: bytes.NewReader(data)}); err != nil {
		s.Fatal(err)
	}
}

func (s *spokes) delete(key string) {
	s.Helper()
	if _, err := s.objects.DeleteObject(s.Context(),
		&s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &key}); err != nil {
		s.Fatal(err)
	}
}

// replay replays into d and wants no error.
func (s *spokes) replay(d *database, change ...func(*replay.Config)) replay.Summary {
	s.Helper()
	config := replay.Config{Bucket: s.bucket, Loader: d.loader}
	for _, f := range change {
		f(&config)
	}
	summary, err := replay.Run(s.Context(), config)
	if err != nil {
		s.Fatal(err)
	}
	return summary
}

func numbered(from, to int, value string) (rows []thing) {
	for i := from; i < to; i++ {
		rows = append(rows, thing{ID: fmt.Sprintf("thing-%03d", i), Value: value, Note: schema.JSON(`{"a":[1,2]}`)})
	}
	return rows
}

// history sends runs in which rows come, change, move and go, with runs that are
// empty, partial and failed.
func (s *spokes) history() {
	denied := errors.New("denied")
	date := must(schema.ParseDate(day))
	cents := func(name, text string) amount { return amount{date, name, must(schema.ParseDecimal(text))} }
	for _, a := range []string{account, other} {
		s.send(a, collector(things, nil, numbered(0, 25, "old")...),
			collector(sightings, nil, sighting{"s1", "first"}, sighting{"s2", "first"}),
			collector(amounts, nil, cents("a", "1.10"), cents("b", "2.20")))
		s.send(a, collector(things, nil, numbered(5, 30, "new")...), collector(sightings, nil, sighting{"s1", "second"}),
			collector(amounts, nil, cents("b", "3")))
	}
	s.send(account, collector(things, denied, numbered(0, 3, "partial")...))
	s.send(other, collector(things, denied), collector(sightings, nil))
	s.send(account, collector(amounts, nil))
}

// endedSQL counts the runs that have ended, those that found nothing changed among them.
const endedSQL = `SELECT (count(*) + (SELECT coalesce(sum(unchanged_runs), 0) FROM hub.scope))::text
	FROM hub.run WHERE outcome IS NOT NULL AND parts = end_parts`

// live applies the stream to d until so many runs have ended there.
func (s *spokes) live(d *database, runs int) {
	s.Helper()
	applied := make(chan load.Result, 1000)
	pipeline := must(ingest.New(d.loader, ingest.Config{
		StreamID: "stream", Created: time.Now(), BatchAge: 10 * time.Millisecond,
		OnApply: func(r load.Result) { applied <- r },
	}))
	ctx, stop := context.WithCancel(s.Context())
	done := make(chan error, 2)
	go func() { done <- pipeline.Run(ctx) }()
	go func() { done <- s.stream.Run(ctx, pipeline) }()
	deadline := time.After(10 * time.Minute)
	for d.query(endedSQL)[0] != fmt.Sprint(runs) {
		select {
		case <-applied:
		case <-deadline:
			s.Fatalf("applied %q", d.query("SELECT outcome FROM hub.run"))
		}
	}
	stop()
	for range 2 {
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			s.Fatal(err)
		}
	}
}

// historyRuns is how many runs history sends.
const historyRuns = 2*2*3 + 1 + 2 + 1

func TestEmptyDatabaseAndReplayIsTheLiveState(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.stream = memstream.New(3)
	s.history()
	live, replayed := newDatabase(t), newDatabase(t)
	s.live(live, historyRuns)
	summary := s.replay(replayed)
	if got, want := replayed.state(), live.state(); !slices.Equal(got, want) || len(want) < 50 {
		t.Errorf("replayed:\n%s\nlive:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// Something went, and something came back from a partial run.
	replayed.want("SELECT DISTINCT (deleted_at IS NULL)::text FROM obs.things WHERE account_id = '"+account+"' ORDER BY 1",
		"false", "true")
	replayed.want("SELECT count(*)::text FROM obs.things WHERE value = 'partial' AND deleted_at IS NULL", "3")
	for _, sql := range []string{
		"SELECT format('%s %s %s %s %s %s', run, outcome, error, rows, parts, every) FROM hub.run ORDER BY run",
		"SELECT format('%s %s %s', run, part, body_sha256) FROM hub.run_part ORDER BY run, part",
	} {
		if got, want := replayed.query(sql), live.query(sql); !slices.Equal(got, want) {
			t.Errorf("%s:\nreplayed %q\nlive     %q", sql, got, want)
		}
	}
	replayed.want("SELECT DISTINCT every::text FROM hub.run", "5400")
	if !summary.Complete() || summary.Runs != historyRuns || summary.SkippedRuns != 0 ||
		summary.Total().Rows != summary.Rows || summary.Rows == 0 {
		t.Errorf("%+v", summary)
	}
	// What is live is skipped whole.
	again := s.replay(live)
	if !again.Complete() || again.SkippedRuns != historyRuns || again.Files != 0 || again.Rows != 0 ||
		again.SkippedRows != summary.Rows || len(again.Categories) != 0 {
		t.Errorf("replay over live: %+v", again)
	}
}

func TestReplayTwiceWritesNothing(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.history()
	d := newDatabase(t)
	s.replay(d)
	const versions = "SELECT 'things' || xmin || ' ' || row_key FROM obs.things UNION ALL SELECT 'run' || xmin || run " +
		"FROM hub.run UNION ALL SELECT 'sightings' || xmin || row_key FROM obs.sightings ORDER BY 1"
	before := d.query(versions)
	if again := s.replay(d); again.SkippedRuns != historyRuns || again.Files != 0 {
		t.Errorf("%+v", again)
	}
	if after := d.query(versions); !slices.Equal(before, after) {
		t.Error("rows were written again")
	}
}

func TestReplayOverNewerRowsGoesNotBackwards(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.send(account, collector(things, nil, numbered(0, 25, "old")...),
		collector(sightings, nil, sighting{"s1", "old"}, sighting{"s2", "old"}))
	s.send(account, collector(things, nil, numbered(5, 30, "new")...), collector(sightings, nil, sighting{"s1", "new"}))
	d := newDatabase(t)
	// The older runs' manifests come later.
	hidden := map[string][]byte{}
	for _, category := range []string{"category=things/", "category=sightings/"} {
		key := s.keys(category, ".manifest.json")[0] // the names begin with the time
		hidden[key] = s.get(key)
		s.delete(key)
	}
	if summary := s.replay(d); summary.UnfinishedCount != 2 || len(summary.Unfinished) != 2 || summary.Complete() ||
		summary.Runs != 2 {
		t.Errorf("%+v", summary)
	}
	before := d.state()
	for key, data := range hidden {
		s.put(key, data)
	}
	summary := s.replay(d)
	if got := summary.Categories["things"]; got.Superseded != 25 || got.New+got.Changed+got.Gone != 0 {
		t.Errorf("things: %+v", got)
	}
	if got := summary.Categories["sightings"]; got.Superseded != 1 || got.New != 1 || got.Changed != 0 {
		t.Errorf("sightings: %+v", got)
	}
	d.want("SELECT id || '=' || value FROM obs.sightings ORDER BY id", "s1=new", "s2=old")
	d.want("SELECT DISTINCT value FROM obs.things WHERE deleted_at IS NULL", "new")
	if after := d.state(); !slices.Equal(before[:25], after[:25]) {
		t.Error("live things changed")
	}
}

func TestPartsThatAreMissingAreAdded(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.send(account, collector(things, nil, numbered(0, 35, "x")...)) // four files
	d := newDatabase(t)
	first := s.keys("-0.parquet")[0]
	data := s.get(first)
	s.delete(first)
	s.replay(d)
	d.want("SELECT count(*)::text FROM obs.things", "25")
	d.want("SELECT outcome FROM hub.run WHERE completed_at IS NULL", "ok")
	s.put(first, data)
	if summary := s.replay(d); summary.Files != 1 || summary.SkippedFiles != 3 || summary.Rows != 10 ||
		!summary.Complete() {
		t.Errorf("%+v", summary)
	}
	d.want("SELECT rows::text FROM hub.run WHERE completed_at IS NOT NULL", "35")
}

// A stream that refused the parts of a run has an end that says so; the archive
// has the whole run.
func TestRunThatTheStreamLacksPartsOf(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.send(account, collector(things, nil, numbered(0, 15, "x")...))
	s.send(other, collector(things, errors.New("broken"), numbered(0, 5, "x")...))
	d := newDatabase(t)
	var runs []archive.Run
	for run, err := range s.bucket.Runs(t.Context(), archive.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		m := must(s.bucket.ReadManifest(t.Context(), run))
		end := load.End{Scope: m.Scope(), Run: m.Run, Outcome: schema.Failed, Parts: m.Parts, Rows: m.Rows,
			Origin: load.Origin{}}
		must(d.loader.Apply(t.Context(), &load.Batch{Ends: []load.End{end}}))
		runs = append(runs, run)
	}
	if summary := s.replay(d); summary.SkippedRuns != 0 || summary.Total().Completed != 1 || !summary.Complete() {
		t.Errorf("%+v", summary)
	}
	d.want("SELECT format('%s %s', outcome, completed_at IS NOT NULL) FROM hub.run ORDER BY 1 DESC", "ok t", "failed f")
	if again := s.replay(d); again.SkippedRuns != len(runs) || len(again.Categories) != 0 {
		t.Errorf("%+v", again)
	}
}

func TestDamagedObjects(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	defer func() { s.T = t }()
	for _, test := range []struct {
		name   string
		damage func(file, manifest string)
		reason string
		rows   string // of account that are applied all the same
	}{
		{"truncated file", func(file, _ string) { s.put(file, s.get(file)[:100]) }, "hash", "10"},
		{"bit flipped", func(file, _ string) { data := s.get(file); data[50] ^= 1; s.put(file, data) }, "hash", "10"},
		{"missing file", func(file, _ string) { s.delete(file) }, "missing_object", "10"},
		{"malformed manifest", func(_, manifest string) { s.put(manifest, s.get(manifest)[:100]) }, "manifest", "0"},
		{"manifest of another account", func(_, manifest string) {
			s.put(manifest, bytes.ReplaceAll(s.get(manifest), []byte(account), []byte(other)))
		}, "manifest", "0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.T = t
			for _, key := range s.keys() {
				s.delete(key)
			}
			s.send(account, collector(things, nil, numbered(0, 20, "x")...))
			s.send(other, collector(things, nil, numbered(0, 5, "x")...))
			test.damage(s.keys(account, "-0.parquet")[0], s.keys(account, ".manifest.json")[0])
			d := newDatabase(t)
			for range 2 { // the reject is stored once
				summary := s.replay(d)
				if summary.Complete() || summary.BadCount != 1 || string(summary.Bad[0].Reason) != test.reason ||
					!strings.Contains(summary.Bad[0].URL, "s3://archive/data/account="+account) {
					t.Errorf("%+v", summary)
				}
			}
			d.want("SELECT reason || size FROM hub.reject", test.reason+"0")
			d.want("SELECT count(*)::text FROM obs.things WHERE account_id = '"+account+"'", test.rows)
			d.want("SELECT account_id FROM hub.run JOIN hub.scope USING (scope) WHERE completed_at IS NOT NULL", other)
		})
	}
}

// frozen is an HTTP client for which one account's files are in Glacier.
type frozen struct{ s3.HTTPClient }

func (f frozen) Do(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && strings.Contains(r.URL.Path, account) && strings.HasSuffix(r.URL.Path, ".parquet") {
		const answer = "<Error><Code>InvalidObjectState</Code><Message>not for the storage class</Message></Error>"
		return &http.Response{StatusCode: http.StatusForbidden, Body: io.NopCloser(strings.NewReader(answer)), Request: r},
			nil
	}
	return f.HTTPClient.Do(r)
}

func TestObjectThatS3DoesNotHandOut(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.send(account, collector(things, nil, numbered(0, 5, "x")...))
	s.send(other, collector(things, nil, numbered(0, 7, "x")...))
	client := s3.New(s.objects.Options(), func(o *s3.Options) { o.HTTPClient = frozen{o.HTTPClient} })
	thawed := s.bucket
	s.bucket = must(archive.New(archive.Config{Client: client, Name: bucket}))
	d := newDatabase(t)
	if summary := s.replay(d); summary.BadCount != 1 || summary.Bad[0].Reason != archive.ReasonUnreadable ||
		summary.Complete() || summary.Total().New != 7 {
		t.Errorf("%+v", summary)
	}
	d.want("SELECT reason FROM hub.reject")
	s.bucket = thawed
	if summary := s.replay(d); !summary.Complete() || summary.Total().New != 5 || summary.Total().Completed != 1 {
		t.Errorf("%+v", summary)
	}
}

func TestStrangeObjectIsNamed(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.send(account, collector(things, nil, numbered(0, 5, "x")...))
	s.put(strings.Replace(s.keys(".manifest.json")[0], ".manifest.json", ".txt", 1), []byte("hello"))
	summary := s.replay(newDatabase(t))
	if summary.BadCount != 1 || summary.Bad[0].Reason != archive.ReasonKey || summary.Total().New != 5 {
		t.Errorf("%+v", summary)
	}
}

func TestRunAheadOfTheClockIsRefused(t *testing.T) {
	s := newSpokes(t, awsfake.Config{Now: func() time.Time { return time.Now().Add(-10 * time.Minute) }})
	s.send(account, collector(things, nil, numbered(0, 5, "x")...))
	d := newDatabase(t)
	if summary := s.replay(d); summary.BadCount != 1 || summary.Bad[0].Reason != load.ReasonClockAhead {
		t.Errorf("%+v", summary)
	}
	d.want("SELECT reason FROM hub.reject", "clock_ahead")
	d.want("SELECT id FROM obs.things")
	d.want("SELECT run::text FROM hub.run")

	// The same of a file, when only the manifest was stored later.
	var ahead atomic.Bool
	ahead.Store(true)
	s = newSpokes(t, awsfake.Config{Now: func() time.Time {
		if ahead.Load() {
			return time.Now().Add(-10 * time.Minute)
		}
		return time.Now()
	}})
	s.send(account, collector(things, nil, numbered(0, 5, "x")...))
	ahead.Store(false)
	manifest := s.keys(".manifest.json")[0]
	s.put(manifest, s.get(manifest))
	d = newDatabase(t)
	if summary := s.replay(d); summary.BadCount != 1 || summary.Bad[0].Reason != load.ReasonClockAhead ||
		!strings.HasSuffix(summary.Bad[0].URL, ".parquet") {
		t.Errorf("%+v", summary)
	}
	d.want("SELECT id FROM obs.things")
	d.want("SELECT outcome FROM hub.run WHERE completed_at IS NULL", "ok")
	d.want("SELECT (arrived_at < now() - interval '9 minutes')::text FROM hub.reject", "true") // when the file was stored
}

func TestRunThatTheArchiveLacksPartsOf(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.send(account, collector(things, nil, numbered(0, 5, "x")...))
	manifest := s.keys(".manifest.json")[0]
	data := bytes.Replace(s.get(manifest), []byte(`"parts": 1`), []byte(`"parts": 2`), 1)
	s.put(manifest, bytes.Replace(data, []byte(`"rows": 5`), []byte(`"rows": 6`), 1))
	d := newDatabase(t)
	if summary := s.replay(d); summary.LackingCount != 1 || len(summary.Lacking) != 1 || summary.Complete() ||
		summary.Total().New != 5 {
		t.Errorf("%+v", summary)
	}
	d.want("SELECT parts || ' of ' || end_parts FROM hub.run WHERE completed_at IS NULL", "1 of 2")
}

func TestUnknownCategoryIsNamed(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.send(account, collector(things, nil, numbered(0, 5, "x")...), collector(sightings, nil, sighting{"a", "b"}))
	d := newDatabase(t, sightings.Table)
	if summary := s.replay(d); summary.Unknown["things"] != 1 || summary.Complete() || summary.Total().New != 1 {
		t.Errorf("%+v", summary)
	}
	d.want("SELECT reason FROM hub.reject")
}

func TestTableThatDoesNotFitEndsTheReplay(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.send(account, collector(things, nil, numbered(0, 5, "x")...))
	d := newDatabase(t)
	if _, err := d.pool.Exec(t.Context(), "ALTER TABLE obs.things DROP COLUMN value"); err != nil {
		t.Fatal(err)
	}
	_, err := replay.Run(t.Context(), replay.Config{Bucket: s.bucket, Loader: d.loader})
	if err == nil || load.Classify(err) != load.Park || !strings.Contains(err.Error(), "things") {
		t.Fatalf("got %v", err)
	}
	d.want("SELECT run::text FROM hub.run")
	if _, err := d.pool.Exec(t.Context(), "ALTER TABLE obs.things ADD COLUMN value text NOT NULL"); err != nil {
		t.Fatal(err)
	}
	if summary := s.replay(d); summary.Total().New != 5 {
		t.Errorf("%+v", summary)
	}
}

// A part that was applied with other bytes stays as it is, and every replay says so.
func TestPartWithOtherBytes(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.send(account, collector(things, nil, numbered(0, 5, "x")...))
	d := newDatabase(t)
	s.replay(d)
	key := s.keys(".manifest.json")[0]
	manifest := s.get(key)
	const name = `"sha256": "`
	sum := bytes.LastIndex(manifest, []byte(name)) + len(name) // that of the part
	copy(manifest[sum:], strings.Repeat("ab", 32))
	s.put(key, manifest)
	for range 2 {
		if summary := s.replay(d); summary.BadCount != 1 || summary.Bad[0].Reason != load.ReasonPartConflict ||
			summary.Bad[0].URL == "" || summary.Complete() {
			t.Errorf("%+v", summary)
		}
	}
	d.want("SELECT reason || part FROM hub.reject", "part_conflict0")
	d.want("SELECT count(*)::text FROM obs.things", "5")
}

func TestDryRunAppliesNothing(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.history()
	manifest := s.keys(account, "category=amounts", ".manifest.json")[0]
	s.put(manifest, []byte("{"))
	d := newDatabase(t)
	dry := s.replay(d, func(c *replay.Config) { c.DryRun = true })
	if dry.Runs != historyRuns-1 || dry.Rows == 0 || dry.BadCount != 1 || len(dry.Categories) != 0 {
		t.Errorf("%+v", dry)
	}
	d.want("SELECT run::text FROM hub.run")
	d.want("SELECT reason FROM hub.reject")
	if summary := s.replay(d); summary.Rows != dry.Rows || summary.Files != dry.Files {
		t.Errorf("%+v", summary)
	}
}

func TestStoppedReplayGoesOn(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.history()
	whole, d := newDatabase(t), newDatabase(t)
	s.replay(whole)
	stops := 0
	for {
		ctx, stop := context.WithCancel(t.Context())
		_, err := replay.Run(ctx, replay.Config{
			Bucket: s.bucket, Loader: d.loader, BatchRows: 1, Hooks: replay.Hooks{Applied: func(load.Result) { stop() }},
		})
		stop()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		stops++
	}
	if stops < 10 {
		t.Errorf("stopped %d times", stops)
	}
	if got, want := d.state(), whole.state(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	const arrived = "SELECT sum(rows)::text FROM hub.run"
	d.want(arrived, whole.query(arrived)...)
}

func TestSmallFilesAreAppliedTogether(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	for range 5 {
		s.send(account, collector(things, nil, numbered(0, 25, "x")...))
	}
	d := newDatabase(t)
	var batches, listed, done int
	s.replay(d, func(c *replay.Config) {
		c.Workers = 1
		c.Hooks = replay.Hooks{Applied: func(load.Result) { batches++ }, Done: func() { done++ }}
	}, func(c *replay.Config) { c.Hooks.Listed = func() { listed++ } })
	if batches != 1 || listed != 5 || done != 5 {
		t.Errorf("%d batches, %d runs listed, %d done", batches, listed, done)
	}
	d.want("SELECT count(*)::text FROM hub.run WHERE completed_at IS NOT NULL", "5")
	d.want("SELECT count(*)::text FROM obs.things WHERE deleted_at IS NULL", "25")
}

// Scopes with few rows are the rule: a transaction for each would be most of the work.
func TestScopesAndCategoriesAreAppliedTogether(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.history()
	d := newDatabase(t)
	var batches []load.Result
	summary := s.replay(d, func(c *replay.Config) {
		c.Workers, c.Hooks.Applied = 1, func(r load.Result) { batches = append(batches, r) }
	})
	if len(batches) != 1 || len(batches[0].Categories) != len(categories) || !summary.Complete() {
		t.Errorf("%d batches, %+v", len(batches), summary)
	}
}

// crowd is an HTTP client that counts the requests under way for objects with keys that
// end with suffix. Each waits until there were as many as wanted.
type crowd struct {
	s3.HTTPClient
	suffix string
	wanted int
	enough chan struct{}

	mu           sync.Mutex
	now, at, all int
}

func newCrowd(s *spokes, suffix string, wanted int) *crowd {
	c := &crowd{HTTPClient: s.objects.Options().HTTPClient, suffix: suffix, wanted: wanted, enough: make(chan struct{})}
	client := s3.New(s.objects.Options(), func(o *s3.Options) { o.HTTPClient = c })
	s.bucket = must(archive.New(archive.Config{Client: client, Name: bucket}))
	return c
}

func (c *crowd) Do(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, c.suffix) {
		return c.HTTPClient.Do(r)
	}
	c.mu.Lock()
	c.now, c.all = c.now+1, c.all+1
	c.at = max(c.at, c.now)
	if c.all == c.wanted {
		close(c.enough)
	}
	c.mu.Unlock()
	select {
	case <-c.enough:
	case <-r.Context().Done():
	}
	response, err := c.HTTPClient.Do(r)
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	return response, err
}

// Each answer comes only when others are waited for too.
func TestObjectsAreReadSideBySide(t *testing.T) {
	for _, suffix := range []string{".manifest.json", ".parquet"} {
		s := newSpokes(t, awsfake.Config{})
		for range 8 {
			s.send(account, collector(things, nil, numbered(0, 5, "x")...))
		}
		newCrowd(s, suffix, 8)
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		d := newDatabase(t)
		summary, err := replay.Run(ctx, replay.Config{Bucket: s.bucket, Loader: d.loader, Workers: 1})
		if err != nil || !summary.Complete() || summary.Files != 8 {
			t.Errorf("%s: %v, %+v", suffix, err, summary)
		}
	}
}

func TestReadingAheadIsBounded(t *testing.T) {
	for suffix, bytes := range map[string]int64{".manifest.json": 1, ".parquet": 1 << 10} {
		s := newSpokes(t, awsfake.Config{})
		for _, a := range []string{account, other} {
			for range 5 {
				s.send(a, collector(things, nil, numbered(0, 5, "x")...))
			}
		}
		c := newCrowd(s, suffix, 1)
		d := newDatabase(t)
		summary := s.replay(d, func(c *replay.Config) { c.ReadAhead = bytes }) // less than one has
		if c.at != 1 || c.all != 10 || !summary.Complete() {
			t.Errorf("%s: %d of %d at once, %+v", suffix, c.at, c.all, summary)
		}
	}
}

// Rows that are alike take next to nothing in a file, and as much as others in memory.
func TestBatchesAreBoundedInMemory(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	for range 6 {
		s.send(account, collector(things, nil, numbered(0, 20, strings.Repeat("x", 25<<10))...))
	}
	d := newDatabase(t)
	batches := 0
	s.replay(d, func(c *replay.Config) {
		c.Workers, c.BatchBytes = 1, 1<<20
		c.Hooks = replay.Hooks{Applied: func(load.Result) { batches++ }}
	})
	if batches != 3 { // twice three files of half a MiB, and the last end
		t.Errorf("%d batches", batches)
	}
}

func TestFilter(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	s.history()
	today := schema.DateOf(time.Now())
	for name, test := range map[string]struct {
		filter archive.Filter
		want   []string
	}{
		"account and category": {archive.Filter{Accounts: []string{other}, Categories: []string{"things"}},
			[]string{other + " things"}},
		"category":  {archive.Filter{Categories: []string{"amounts"}}, []string{account + " amounts", other + " amounts"}},
		"yesterday": {archive.Filter{To: today - 2}, nil},
		"tomorrow":  {archive.Filter{From: today + 2}, nil},
		"nobody":    {archive.Filter{Accounts: []string{"999999999999"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			s.replay(d, func(c *replay.Config) { c.Filter = test.filter })
			d.want("SELECT account_id || ' ' || category FROM hub.scope ORDER BY 1", test.want...)
		})
	}
}

func TestFaultsOfTheArchiveEndTheReplay(t *testing.T) {
	s := newSpokes(t, awsfake.Config{})
	d := newDatabase(t)
	missing := must(archive.New(archive.Config{Client: s.objects, Name: "nothing"}))
	if _, err := replay.Run(t.Context(), replay.Config{Bucket: missing, Loader: d.loader}); err == nil ||
		!strings.Contains(err.Error(), "s3://nothing") {
		t.Errorf("got %v", err)
	}
	_, err := replay.Run(t.Context(), replay.Config{Workers: -1, BatchRows: -1, ReadAhead: -1})
	for _, want := range []string{"Bucket", "Loader", "Workers", "BatchRows", "ReadAhead"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
