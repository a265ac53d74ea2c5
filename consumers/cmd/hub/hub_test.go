package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/kcl"
	streamkinesis "github.com/hubspoke/observability/lib/stream/kinesis"
	"github.com/hubspoke/observability/schemas"
)

// asProgram is a variable that makes the test binary the program, so that tests
// have processes to kill.
const asProgram = "TEST_HUB_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		shortenStall()
		main()
	}
	pgtest.Main(m,
		// Connections that the SDK's shared client keeps open.
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
	)
}

const (
	hubAccount = "444455556666"
	region     = "eu-central-1"
	streamARN  = "arn:aws:kinesis:eu-central-1:444455556666:stream/observability"
	bucket     = "hub-archive"
)

// template is a database as `hub migrate` leaves it.
var template = pgtest.Template{Name: "hub", Migrate: func(ctx context.Context, pool *pgxpool.Pool) error {
	var out bytes.Buffer
	url := pool.Config().ConnString()
	if code := run(ctx, &out, &out, []string{"migrate", "--database-url", url}); code != program.ExitDone {
		return fmt.Errorf("hub migrate: exit code %d: %s", code, &out)
	}
	return nil
}}

type result struct {
	code           int
	stdout, stderr string
}

func hub(ctx context.Context, args ...string) result {
	var stdout, stderr programtest.Buffer
	code := run(ctx, &stdout, &stderr, args)
	return result{code, stdout.String(), stderr.String()}
}

// spaces are as many as the widest cell of a column needs.
var spaces = regexp.MustCompile(" +")

// want checks the exit code, and that each of texts is in the output, however many spaces
// are between its words.
func (r result) want(t *testing.T, code int, texts ...string) result {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", r.code, code, r.stdout, r.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(spaces.ReplaceAllString(r.stdout+r.stderr, " "), spaces.ReplaceAllString(text, " ")) {
			t.Errorf("want %q\nstdout:\n%s\nstderr:\n%s", text, r.stdout, r.stderr)
		}
	}
	return r
}

// parse reads the JSON on standard output.
func parse[T any](t *testing.T, r result) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil {
		t.Fatalf("%v in\n%s\nstderr:\n%s", err, r.stdout, r.stderr)
	}
	return v
}

// of returns the one of all with the given name.
func of[T any](t *testing.T, all []T, category string, name func(T) string) T {
	t.Helper()
	i := slices.IndexFunc(all, func(one T) bool { return name(one) == category })
	if i < 0 {
		t.Fatalf("nothing of %s in %+v", category, all)
	}
	return all[i]
}

func reported(t *testing.T, r verify.Report, category string) verify.Category {
	t.Helper()
	return of(t, r.Categories, category, func(c verify.Category) string { return c.Name })
}

func compared(t *testing.T, all []verify.Comparison, category string) verify.Comparison {
	t.Helper()
	return of(t, all, category, func(c verify.Comparison) string { return c.Category })
}

// isolate gives the test an environment without settings, then sets the given ones.
func isolate(t testing.TB, settings ...string) {
	t.Helper()
	programtest.Isolate(t, []string{"HUB_", "PG", "DATABASE_URL"}, settings...)
}

// world is a hub account with a stream, a lease table, an archive and a database,
// and spokes that send to them.
type world struct {
	testing.TB
	aws       *awsfake.Server
	db        *pgtest.DB
	publisher stream.Publisher
	objects   *s3.Client
	archive   *archive.Bucket
	env       []string
}

func newWorld(t testing.TB, shards int32) *world {
	t.Helper()
	server, err := awsfake.New(awsfake.Config{Region: region})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	db := pgtest.New(t, template)
	w := &world{TB: t, aws: server, db: db, env: append(server.Environment(hubAccount), "DATABASE_URL="+db.URL)}
	isolate(t, w.env...)
	cfg := server.AWSConfig(hubAccount, region)
	client := kinesis.NewFromConfig(cfg)
	if _, err := client.CreateStream(t.Context(),
		&kinesis.CreateStreamInput{StreamName: aws.String("observability"), ShardCount: &shards}); err != nil {
		t.Fatal(err)
	}
	if err := kcl.CreateLeaseTable(t.Context(), dynamodb.NewFromConfig(cfg), "observability-hub"); err != nil {
		t.Fatal(err)
	}
	w.objects = awsconfig.S3(cfg)
	if _, err := w.objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	if w.publisher, err = streamkinesis.New(streamkinesis.Config{Client: client, Stream: streamARN}); err != nil {
		t.Fatal(err)
	}
	if w.archive, err = archive.New(archive.Config{Client: w.objects, Name: bucket}); err != nil {
		t.Fatal(err)
	}
	return w
}

// certificate returns a row.
func certificate(n int, status string) schemas.Certificate {
	return schemas.Certificate{
		CertificateARN: fmt.Sprintf("arn:aws:acm:eu-central-1:111122223333:certificate/%04d", n),
		DomainName:     aws.String(fmt.Sprintf("host-%d.example.com", n)), Status: aws.String(status),
		SubjectAlternativeNames: schema.JSON(fmt.Sprintf(`["host-%d.example.com"]`, n)),
		NotAfter:                aws.Time(time.Date(2030, 1, 1, 0, 0, n, 0, time.UTC)),
	}
}

// others is a category that this hub does not know.
type other struct {
	ID string `col:"id,key"`
}

var others = schema.Of[other](schema.Spec{Name: "others", Mode: schema.Snapshot})

// day is the slice of all costs.
const day = "2026-08-01"

func cost(service, amount string) schemas.ServiceCost {
	return schemas.ServiceCost{UsageDate: must(schema.ParseDate(day)), Service: service, UsageRegion: region,
		UnblendedCost: must(schema.ParseDecimal(amount)), Currency: aws.String("USD")}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// collector is a made-up collector of the rows given.
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

// send collects once in an account, into archive and stream.
func (w *world) send(account string, collectors ...collect.Any) {
	w.Helper()
	runner, err := collect.New(collect.Config{
		Account: account, Regions: []string{region}, Collectors: collectors, Publisher: w.publisher, Archive: w.archive,
		ChunkRows: 100,
		AWS:       func(region string) aws.Config { return aws.Config{Region: region} },
	})
	if err != nil {
		w.Fatal(err)
	}
	results, err := runner.Once(w.Context())
	if err != nil {
		w.Log(err)
	}
	for _, r := range results {
		if r.ArchiveErr != nil || r.PublishErr != nil {
			w.Fatalf("%+v", r)
		}
	}
}

func (w *world) putObject(key string, data []byte) {
	w.Helper()
	if _, err := w.objects.PutObject(w.Context(),
		&s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: bytes.NewReader(data)}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) deleteObject(key string) {
	w.Helper()
	if _, err := w.objects.DeleteObject(w.Context(),
		&s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &key}); err != nil {
		w.Fatal(err)
	}
}

// query returns the rows of a query with one column.
func query[T any](t testing.TB, db *pgtest.DB, sql string, args ...any) []T {
	t.Helper()
	rows, err := db.Pool.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func (w *world) count(sql string, args ...any) int64 {
	w.Helper()
	return query[int64](w.TB, w.db, sql, args...)[0]
}

// consuming is a `hub consume` in this process.
type consuming struct {
	cancel context.CancelFunc
	stderr programtest.Buffer
	code   chan int
}

func (w *world) consume(args ...string) *consuming {
	ctx, cancel := context.WithCancel(context.Background())
	c := &consuming{cancel: cancel, code: make(chan int, 1)}
	args = append([]string{"consume", "--stream", streamARN, "--batch-age", "20ms", "--lease-duration", "2s",
		"--refresh-interval", "50ms"}, args...)
	go func() { c.code <- run(ctx, new(programtest.Buffer), &c.stderr, args) }()
	w.Cleanup(func() { c.stop(w.TB) })
	return c
}

// stop stops it and returns its log.
func (c *consuming) stop(t testing.TB) string {
	t.Helper()
	c.cancel()
	code := <-c.code
	c.code <- code
	if code != program.ExitDone {
		t.Errorf("consume: exit code %d\n%s", code, c.stderr.String())
	}
	return c.stderr.String()
}
