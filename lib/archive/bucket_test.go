package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/goldentest"
	"github.com/hubspoke/observability/lib/schema"
)

// store is an S3 server in this process, with one bucket, "archive".
type store struct {
	*s3.Client
	backend gofakes3.Backend

	mu       sync.Mutex
	requests []*http.Request
	fault    func(w http.ResponseWriter, r *http.Request) bool
}

func newStore(t testing.TB) *store {
	t.Helper()
	s, stop := startStore()
	t.Cleanup(stop)
	return s
}

// exampleClient is a client of an S3 server in this process.
func exampleClient() (archive.S3, func()) {
	s, stop := startStore()
	return s, stop
}

func startStore() (s *store, stop func()) {
	s = &store{backend: s3mem.New()}
	fake := gofakes3.New(s.backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r)
		fault := s.fault
		s.mu.Unlock()
		if fault != nil && fault(w, r) {
			return
		}
		fake.ServeHTTP(w, r)
	}))
	transport := &http.Transport{}
	s.Client = s3.New(s3.Options{
		BaseEndpoint: &server.URL, Region: "eu-central-1", UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		HTTPClient:  &http.Client{Transport: transport},
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 20
			o.MaxBackoff = time.Microsecond
			o.RateLimiter = noLimit{}
		}),
	})
	if err := s.backend.CreateBucket("archive"); err != nil {
		panic(err)
	}
	return s, func() {
		transport.CloseIdleConnections()
		server.Close()
	}
}

// noLimit lets every retry through.
type noLimit struct{}

func (noLimit) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}
func (noLimit) AddTokens(uint) error { return nil }

func (s *store) put(t testing.TB, key string, data []byte) {
	t.Helper()
	if _, err := s.backend.PutObject("archive", key, map[string]string{}, bytes.NewReader(data), int64(len(data)),
		nil); err != nil {
		t.Fatal(err)
	}
}

func (s *store) get(t testing.TB, key string) []byte {
	t.Helper()
	object, err := s.backend.GetObject("archive", key, nil)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	defer object.Contents.Close()
	data, err := io.ReadAll(object.Contents)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (s *store) keys(t testing.TB) (keys []string) {
	t.Helper()
	list, err := s.backend.ListBucket("archive", nil, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range list.Contents {
		keys = append(keys, object.Key)
	}
	return keys
}

func newBucket(t testing.TB, s archive.S3, mem memory.Allocator) *archive.Bucket {
	t.Helper()
	b, err := archive.New(archive.Config{Client: s, Name: "archive", Allocator: mem})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func runID(s string) schema.RunID {
	id, err := schema.ParseRunID(s)
	if err != nil {
		panic(err)
	}
	return id
}

var (
	scope = schema.Scope{Category: "things", Account: "123456789012", Region: "eu-central-1", Slice: day}
	run   = runID("01981c5e-7c00-7000-8000-000000000001") // 2025-07-18
)

const dir = "data/account=123456789012/region=eu-central-1/category=things/date=2025-07-18/"

func part(number, rows int) archive.Part {
	return archive.Part{Number: number, Rows: rows, SHA256: archive.Sum{byte(number)}}
}

// writeRun stores a run of two files with 30 and 12 rows.
func writeRun(t testing.TB, b *archive.Bucket) {
	t.Helper()
	w := b.Create(scope, run, things.Table)
	next := 0
	for _, n := range []int{30, 12} {
		rec := record(t, things, nil, randomThings(n, uint64(n)))
		parts := []archive.Part{part(next, 10), part(next+1, n-10)}
		if err := w.WriteFile(context.Background(), rec, parts); err != nil {
			t.Fatal(err)
		}
		rec.Release()
		next += 2
	}
	if err := w.Close(context.Background(), schema.OK, "", next, 42); err != nil {
		t.Fatal(err)
	}
}

func collect(t testing.TB, b *archive.Bucket, f archive.Filter) (runs []archive.Run, strange []string) {
	t.Helper()
	for run, err := range b.Runs(context.Background(), f) {
		var refused *archive.Error
		switch {
		case errors.As(err, &refused) && refused.Reason == archive.ReasonKey:
			strange = append(strange, refused.Detail)
		case err != nil:
			t.Fatal(err)
		default:
			runs = append(runs, run)
		}
	}
	return runs, strange
}

// records reads the rows of file i of a manifest.
func records(t testing.TB, b *archive.Bucket, table *schema.Table, m *archive.Manifest, i int) ([]arrow.Record, error) {
	t.Helper()
	stored, err := b.Open(t.Context(), table, m, i)
	if err != nil {
		return nil, err
	}
	return stored.Records(t.Context())
}

func TestWriteAndRead(t *testing.T) {
	mem := checked(t)
	s := newStore(t)
	b := newBucket(t, s, mem)
	before := time.Now().Add(-2 * time.Second) // HTTP dates have seconds
	writeRun(t, b)

	keys := s.keys(t)
	slices.Sort(keys)
	want := []string{
		dir + run.String() + "-0.parquet",
		dir + run.String() + "-1.parquet",
		dir + "_" + run.String() + ".manifest.json",
	}
	if !slices.Equal(keys, want) {
		t.Fatalf("keys %q, want %q", keys, want)
	}
	runs, strange := collect(t, b, archive.Filter{})
	if len(runs) != 1 || len(strange) != 0 || runs[0].ID != run || runs[0].Unfinished || runs[0].Modified.Before(before) {
		t.Fatalf("runs %+v, strange %q", runs, strange)
	}
	m, err := b.ReadManifest(context.Background(), runs[0])
	if err != nil {
		t.Fatal(err)
	}
	if m.Scope() != scope || m.Outcome != schema.OK || m.Rows != 42 || m.Parts != 4 || len(m.Files) != 2 ||
		m.Modified.Before(before) {
		t.Errorf("manifest %+v", m)
	}
	for i, n := range []int{30, 12} {
		stored, err := b.Open(t.Context(), things.Table, m, i)
		if err != nil {
			t.Fatal(err)
		}
		got, err := stored.Records(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rec := record(t, things, nil, randomThings(n, uint64(n)))
		wantSame(t, got, rec)
		rec.Release()
		release(got)
		if stored.Modified.Before(before) {
			t.Errorf("file %d was stored at %v", i, stored.Modified)
		}
	}
}

func TestManifestGolden(t *testing.T) {
	s := newStore(t)
	b := newBucket(t, s, nil)
	w := b.Create(scope, run, things.Table)
	w.Every = 900*time.Second - 1 // is rounded up
	w.Extent = schema.Full
	w.PaidRequests, w.USDMicros = 2, 20_000
	w.Requests, w.Took = 12, 2345*time.Millisecond-1 // is rounded up
	if err := w.Close(context.Background(), schema.Failed, "say \"no\"\x00\n", 2, 7); err != nil {
		t.Fatal(err)
	}
	goldentest.Equal(t, "empty.manifest.json", s.get(t, dir+"_"+run.String()+".manifest.json"))

	plain := scope
	plain.Slice = ""
	m := archive.Manifest{
		Version: 1, Category: "certificates", Account: "123456789012", Region: "eu-central-1",
		Run: run, Outcome: schema.OK, Rows: 3, Parts: 2,
		Files: []archive.File{{
			Name: run.String() + "-0.parquet", Rows: 3, Size: 1000, SHA256: archive.Sum{0xab},
			Parts: []archive.Part{part(0, 1), part(1, 2)},
		}},
	}
	data, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	goldentest.Equal(t, "files.manifest.json", append(data, '\n'))
	if got, err := archive.ParseManifest(data); err != nil || got.Scope() != m.Scope() ||
		got.Files[0].Parts[1] != part(1, 2) || got.Files[0].SHA256 != m.Files[0].SHA256 {
		t.Errorf("parsed %+v, %v", got, err)
	}
}

func TestWriteFileRefusesWrongParts(t *testing.T) {
	w := newBucket(t, newStore(t), nil).Create(scope, run, things.Table)
	rec := record(t, things, nil, randomThings(3, 1))
	defer rec.Release()
	for _, parts := range [][]archive.Part{nil, {part(0, 2)}, {part(0, 2), part(1, 2)}} {
		if err := w.WriteFile(context.Background(), rec, parts); err == nil {
			t.Errorf("3 rows are written with parts %v", parts)
		}
	}
}

// What is too much for one file goes into several; no part is cut.
func TestWriteFileStartsAnother(t *testing.T) {
	b := newBucket(t, newStore(t), nil)
	text := strings.Repeat("x", 200<<10)
	large, many := make([]document, 100), make([]document, archive.MaxRows+30_000)
	for i := range large {
		large[i] = document{ID: fmt.Sprint(i), Text: &text}
	}
	for i := range many {
		many[i].ID = fmt.Sprint(i)
	}
	for _, test := range []struct {
		name  string
		rec   arrow.Record
		rows  int // of a part
		files []int64
	}{
		{"rows", record(t, documents, nil, many), 20_000, []int64{archive.MaxRows, 30_000}},
		{"bytes", record(t, documents, nil, large), 30, []int64{60, 40}},
	} {
		defer test.rec.Release()
		scope := schema.Scope{Category: documents.Name(), Account: scope.Account, Region: scope.Region}
		w := b.Create(scope, run, documents.Table)
		var parts []archive.Part
		for n := int(test.rec.NumRows()); n > 0; n -= test.rows {
			parts = append(parts, part(len(parts), min(n, test.rows)))
		}
		if err := w.WriteFile(t.Context(), test.rec, parts); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(t.Context(), schema.OK, "", len(parts), test.rec.NumRows()); err != nil {
			t.Fatal(err)
		}
		m, err := b.ReadManifest(t.Context(), archive.Run{Account: scope.Account, Region: scope.Region,
			Category: scope.Category, ID: run})
		if err != nil {
			t.Fatal(err)
		}
		var rows []int64
		for i, f := range m.Files {
			rows = append(rows, f.Rows)
			got, err := records(t, b, documents.Table, m, i)
			if err != nil {
				t.Fatal(err)
			}
			release(got)
		}
		if !slices.Equal(rows, test.files) {
			t.Errorf("%s: files of %d rows, want %d", test.name, rows, test.files)
		}
	}
}

// A file that S3 refused leaves a gap in the names and is not in the manifest.
func TestWriteFileFails(t *testing.T) {
	s := newStore(t)
	b := newBucket(t, s, nil)
	w := b.Create(scope, run, things.Table)
	rec := record(t, things, nil, randomThings(3, 1))
	defer rec.Release()
	s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	if err := w.WriteFile(context.Background(), rec, []archive.Part{part(0, 3)}); err == nil {
		t.Fatal("a refused file is no error")
	}
	s.setFault(nil)
	if err := w.WriteFile(context.Background(), rec, []archive.Part{part(1, 3)}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(context.Background(), schema.Partial, "S3 refused", 2, 6); err != nil {
		t.Fatal(err)
	}
	m, err := b.ReadManifest(context.Background(),
		archive.Run{Account: scope.Account, Region: scope.Region, Category: scope.Category, ID: run})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != 1 || m.Files[0].Name != run.String()+"-1.parquet" || m.Files[0].Parts[0].Number != 1 {
		t.Errorf("files %+v", m.Files)
	}
}

// The name of a day in the year 10500 comes before those of today.
func TestFarFutureHidesNothing(t *testing.T) {
	s := newStore(t)
	b := newBucket(t, s, nil)
	writeRun(t, b)
	far := schema.NewRunID(time.Date(10500, 1, 1, 0, 0, 0, 0, time.UTC))
	s.put(t, strings.Replace(dir, "2025-07-18", far.Time().Format(time.DateOnly), 1)+"_"+far.String()+".manifest.json",
		[]byte("{}"))
	for _, to := range []schema.Date{0, schema.DateOf(run.Time())} {
		if runs, strange := collect(t, b, archive.Filter{To: to}); len(runs) != 1 || runs[0].ID != run || len(strange) != 1 {
			t.Errorf("to %v: runs %v, strange %q", to, runs, strange)
		}
	}
}

// What S3 says of one object is told apart from what ends all reading.
func TestUnreadableObject(t *testing.T) {
	s := newStore(t)
	b := newBucket(t, s, nil)
	writeRun(t, b)
	place := archive.Run{Account: scope.Account, Region: scope.Region, Category: scope.Category, ID: run}
	for _, test := range []struct {
		status     int
		code       string
		unreadable bool
	}{
		{http.StatusForbidden, "InvalidObjectState", true},
		{http.StatusForbidden, "AccessDenied", true},
		{http.StatusBadRequest, "KMS.DisabledException", true},
		{http.StatusNotFound, "NoSuchBucket", false},
		{http.StatusBadRequest, "ExpiredToken", false},
		{http.StatusForbidden, "InvalidAccessKeyId", false},
		{http.StatusForbidden, "SignatureDoesNotMatch", false},
		{http.StatusTooManyRequests, "TooManyRequests", false},
		{http.StatusServiceUnavailable, "SlowDown", false},
		{http.StatusMovedPermanently, "PermanentRedirect", false},
	} {
		s.setFault(func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(test.status)
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", test.code)
			return true
		})
		_, err := b.ReadManifest(context.Background(), place)
		refused, ok := errors.AsType[*archive.Error](err)
		if err == nil || ok != test.unreadable || ok &&
			(refused.Reason != archive.ReasonUnreadable || !strings.Contains(refused.Detail, test.code)) {
			t.Errorf("%s: got %v", test.code, err)
		}
	}
}

// deniedRole are credentials that STS refuses.
type deniedRole struct{}

func (deniedRole) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusForbidden}},
		Err:      &smithy.GenericAPIError{Code: "AccessDenied"},
	}}
}

// Credentials that cannot be had say nothing about the object.
func TestCredentialsAreNotTheObject(t *testing.T) {
	s := newStore(t)
	writeRun(t, newBucket(t, s, nil))
	b := newBucket(t, s3.New(s.Options(), func(o *s3.Options) { o.Credentials = deniedRole{} }), nil)
	_, err := b.ReadManifest(context.Background(),
		archive.Run{Account: scope.Account, Region: scope.Region, Category: scope.Category, ID: run})
	if refused, ok := errors.AsType[*archive.Error](err); err == nil || ok {
		t.Errorf("got %v %v", err, refused)
	}
}

func (s *store) setFault(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

func TestKMS(t *testing.T) {
	s := newStore(t)
	b, err := archive.New(archive.Config{Client: s, Name: "archive", Prefix: "x/y/",
		KMSKeyID: "arn:aws:kms:eu-central-1:123456789012:key/k"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Create(scope, run, things.Table).Close(context.Background(), schema.Empty, "", 0, 0); err != nil {
		t.Fatal(err)
	}
	r := s.requests[len(s.requests)-1]
	if got := r.Header.Get("X-Amz-Server-Side-Encryption"); got != "aws:kms" {
		t.Errorf("encryption %q", got)
	}
	if got := r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"); !strings.HasSuffix(got, "key/k") {
		t.Errorf("key %q", got)
	}
	if !strings.HasPrefix(r.URL.Path, "/archive/x/y/account=123456789012/") {
		t.Errorf("path %q", r.URL.Path)
	}
	if runs, _ := collect(t, b, archive.Filter{}); len(runs) != 1 {
		t.Errorf("runs %v", runs)
	}
}

func TestConfigReportsAllFaults(t *testing.T) {
	_, err := archive.New(archive.Config{Prefix: "/data"})
	if err == nil {
		t.Fatal("a wrong config is taken")
	}
	for _, field := range []string{"Client", "Name", "Prefix"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	s := newStore(t)
	mem := checked(t)
	b := newBucket(t, s, mem)
	writeRun(t, b)
	place := archive.Run{Account: scope.Account, Region: scope.Region, Category: scope.Category, ID: run}
	key := dir + run.String() + "-0.parquet"
	good := s.get(t, key)
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	tests := []struct {
		name   string
		data   []byte // nil: as it is
		change func(m *archive.Manifest, f *archive.File)
		reason schema.Reason
	}{
		{"as it is", nil, func(*archive.Manifest, *archive.File) {}, ""},
		{"a bit", flipped, func(*archive.Manifest, *archive.File) {}, archive.ReasonHash},
		{"longer", append(bytes.Clone(good), 0), func(*archive.Manifest, *archive.File) {}, archive.ReasonHash},
		{"shorter", good[:len(good)-1], func(*archive.Manifest, *archive.File) {}, archive.ReasonHash},
		{"too many bytes", nil, func(m *archive.Manifest, f *archive.File) { f.Size = archive.MaxFile + 1 },
			archive.ReasonTooLarge},
		{"too many rows", nil, func(m *archive.Manifest, f *archive.File) {
			m.Rows, f.Rows, f.Parts = m.Rows+archive.MaxRows, archive.MaxRows+1, []archive.Part{part(0, archive.MaxRows+1)}
		}, archive.ReasonTooLarge},
		{"rows", nil, func(m *archive.Manifest, f *archive.File) {
			f.Rows++
			m.Rows++
			f.Parts = slices.Clone(f.Parts)
			f.Parts[0].Rows++
		}, archive.ReasonRows},
		{"slice", nil, func(m *archive.Manifest, f *archive.File) { m.Slice = "2026-08-02" }, schema.ReasonSlice},
		{"traversal", nil, func(m *archive.Manifest, f *archive.File) { f.Name = "../x.parquet" }, archive.ReasonManifest},
		{"another run's file", nil, func(m *archive.Manifest, f *archive.File) {
			f.Name = "01981c5e-7c00-7000-8000-000000000002-0.parquet"
		}, archive.ReasonManifest},
		{"account is a path", nil, func(m *archive.Manifest, f *archive.File) { m.Account = "../../x" },
			archive.ReasonManifest},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s.put(t, key, good)
			m, err := b.ReadManifest(context.Background(), place)
			if err != nil {
				t.Fatal(err)
			}
			if test.data != nil {
				s.put(t, key, test.data)
			}
			f := m.Files[0]
			test.change(m, &f)
			m.Files[0] = f
			got, err := records(t, b, things.Table, m, 0)
			release(got)
			var refused *archive.Error
			var row *schema.RowError
			switch {
			case errors.As(err, &row):
				if row.Reason != test.reason {
					t.Errorf("got %v, want %s", err, test.reason)
				}
			case errors.As(err, &refused):
				if refused.Reason != test.reason {
					t.Errorf("got %v, want %s", err, test.reason)
				}
			case err != nil || test.reason != "":
				t.Errorf("got %v, want %q", err, test.reason)
			}
		})
	}
}

// A manifest must be in its place: what account A stored says nothing about B.
func TestOpenOfAMissingFile(t *testing.T) {
	s := newStore(t)
	b := newBucket(t, s, nil)
	writeRun(t, b)
	m, err := b.ReadManifest(t.Context(), archive.Run{Account: scope.Account, Region: scope.Region,
		Category: scope.Category, ID: run})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("archive"),
		Key: aws.String(dir + m.Files[1].Name)}); err != nil {
		t.Fatal(err)
	}
	if _, err := records(t, b, things.Table, m, 0); err != nil {
		t.Errorf("the other file: %v", err)
	}
	_, err = records(t, b, things.Table, m, 1)
	wantReason(t, err, archive.ReasonMissing)
}

func TestReadManifestOfAnotherPlace(t *testing.T) {
	s := newStore(t)
	b := newBucket(t, s, nil)
	writeRun(t, b)
	manifest := s.get(t, dir+"_"+run.String()+".manifest.json")
	other := runID("01981c5e-7c00-7000-8000-000000000002")
	for _, place := range []archive.Run{
		{Account: "999999999999", Region: scope.Region, Category: scope.Category, ID: run},
		{Account: scope.Account, Region: "us-east-1", Category: scope.Category, ID: run},
		{Account: scope.Account, Region: scope.Region, Category: "certificates", ID: run},
		{Account: scope.Account, Region: scope.Region, Category: scope.Category, ID: other},
	} {
		key := fmt.Sprintf("data/account=%s/region=%s/category=%s/date=2025-07-18/_%s.manifest.json", place.Account,
			place.Region, place.Category, place.ID)
		s.put(t, key, manifest)
		_, err := b.ReadManifest(context.Background(), place)
		wantReason(t, err, archive.ReasonManifest)
	}
	_, err := b.ReadManifest(context.Background(),
		archive.Run{Account: "000000000000", Region: "x1", Category: "x", ID: run})
	wantReason(t, err, archive.ReasonMissing)
}

func TestRuns(t *testing.T) {
	s := newStore(t)
	b := newBucket(t, s, nil)
	at := func(account, region, category, day string, n int) archive.Run {
		start, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		id := schema.NewRunID(start.Add(time.Duration(n) * time.Second))
		return archive.Run{Account: account, Region: region, Category: category, ID: id}
	}
	store := func(r archive.Run, names ...string) {
		for _, name := range names {
			name = r.ID.String() + name
			if strings.HasSuffix(name, ".manifest.json") {
				name = "_" + name
			}
			s.put(t, fmt.Sprintf("data/account=%s/region=%s/category=%s/date=%s/%s",
				r.Account, r.Region, r.Category, r.ID.Time().Format(time.DateOnly), name), nil)
		}
	}
	const a, z = "111111111111", "222222222222"
	var all []archive.Run
	add := func(r archive.Run, names ...string) {
		store(r, names...)
		r.Unfinished = !slices.Contains(names, ".manifest.json")
		all = append(all, r)
	}
	add(at(a, "eu-central-1", "things", "2026-01-31", 0), "-0.parquet", "-1.parquet", ".manifest.json")
	add(at(a, "eu-central-1", "things", "2026-01-31", 700), ".manifest.json")
	add(at(a, "eu-central-1", "things", "2026-01-31", 1439), "-0.parquet", "-10.parquet", "-9.parquet") // the writer died
	add(at(a, "eu-central-1", "things", "2026-02-01", 0), ".manifest.json")
	add(at(a, "eu-central-1", "things2", "2026-02-01", 0), ".manifest.json")
	add(at(a, "global", "things", "2026-02-01", 0), ".manifest.json")
	add(at(z, "eu-central-1", "things", "2026-02-02", 0), ".manifest.json")
	for i := range 1500 { // more than one page
		add(at(z, "us-east-1", "things", "2026-02-03", i), ".manifest.json")
	}
	strange := []string{
		"data/x", "data/account=" + a, "data/account=%2F/x", "data/account=../x", "data/account=" + a + "/region=/x",
		"data/account=" + a + "/region=eu-central-1/category=things/x",
		"data/account=" + a + "/region=eu-central-1/category=things/date=2026-02-01/x.parquet",
		"data/account=" + a + "/region=eu-central-1/category=things/date=2026-02-01/_" + all[0].ID.String() +
			".manifest.json", // of another day
		"data/account=" + a + "/region=eu-central-1/category=things/date=2026-02-01/" + all[0].ID.String() + "-0.parquet",
		"data/account=" + a + "/region=eu-central-1/category=things/day=2026-02-01/" + all[2].ID.String() + "-0.parquet",
		"data/account=" + a + "/region=eu-central-1/category=things/date=2026-02-01/" + all[2].ID.String() + "-01.parquet",
		"data/account=" + a + "/region=eu-central-1/category=things/date=2026-02-01/" + all[2].ID.String() +
			"-0.parquet/../x",
		"data/account=" + a + "/region=eu-central-1/category=Things/x",
		"data/account=" + z + "/region=a b+c&d\u00e9/x",
		"data/account=" + z + "/region=eu-central-1/category=things/date=\x01<>/x",
	}
	for _, key := range strange {
		s.put(t, key, nil)
	}
	s.put(t, "elsewhere/account="+a+"/region=global/category=things/x", nil)

	date := func(s string) schema.Date { return date(s) }
	tests := []struct {
		name   string
		filter archive.Filter
		want   func(archive.Run) bool
	}{
		{"all", archive.Filter{}, func(archive.Run) bool { return true }},
		{"account", archive.Filter{Accounts: []string{a}}, func(r archive.Run) bool { return r.Account == a }},
		{"accounts", archive.Filter{Accounts: []string{a, z, "333333333333"}}, func(archive.Run) bool { return true }},
		{"region", archive.Filter{Regions: []string{"global"}}, func(r archive.Run) bool { return r.Region == "global" }},
		{"category", archive.Filter{Categories: []string{"things"}},
			func(r archive.Run) bool { return r.Category == "things" }},
		{"from", archive.Filter{From: date("2026-02-01")}, func(r archive.Run) bool { return r.ID.Time().Month() == 2 }},
		{"to", archive.Filter{To: date("2026-01-31")}, func(r archive.Run) bool { return r.ID.Time().Month() == 1 }},
		{"one day", archive.Filter{From: date("2026-02-02"), To: date("2026-02-02")},
			func(r archive.Run) bool { return r.ID.Time().Day() == 2 }},
		{"everything", archive.Filter{Accounts: []string{z}, Regions: []string{"us-east-1"}, Categories: []string{"things"},
			From: date("2026-02-03"), To: date("2026-02-03")},
			func(r archive.Run) bool { return r.Account == z && r.Region == "us-east-1" }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, _ := collect(t, b, test.filter)
			var want []archive.Run
			for _, r := range all {
				if test.want(r) {
					want = append(want, r)
				}
			}
			for i := range got {
				got[i].Modified = time.Time{}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d runs, want %d:\n%v\n%v", len(got), len(want), got[:min(len(got), 9)], want[:min(len(want), 9)])
			}
		})
	}
	t.Run("strange", func(t *testing.T) {
		_, got := collect(t, b, archive.Filter{})
		if len(got) != len(strange) {
			t.Errorf("%d strange objects, want %d:\n%s", len(got), len(strange), strings.Join(got, "\n"))
		}
	})
	t.Run("no page behind the last day", func(t *testing.T) {
		s.requests = nil
		collect(t, b, archive.Filter{Accounts: []string{z}, Regions: []string{"us-east-1"}, Categories: []string{"things"},
			To: date("2026-02-02")})
		if len(s.requests) != 1 {
			t.Errorf("%d requests, want 1", len(s.requests))
		}
	})
	t.Run("stop", func(t *testing.T) {
		n := 0
		for range b.Runs(context.Background(), archive.Filter{}) {
			if n++; n == 3 {
				break
			}
		}
		if n != 3 {
			t.Errorf("%d", n)
		}
	})
}

// encoded answers like S3 does when it was asked to encode keys.
type encoded struct{ archive.S3 }

func (encoded) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input,
	_ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	if in.EncodingType != types.EncodingTypeUrl {
		return nil, errors.New("XML syntax error: illegal character code U+0001")
	}
	key := *in.Prefix + "a+b%2Bc%01"
	return &s3.ListObjectsV2Output{EncodingType: types.EncodingTypeUrl, Contents: []types.Object{{Key: &key}},
		IsTruncated: aws.Bool(false)}, nil
}

// noListing answers every listing with what the SDK makes of an empty document.
type noListing struct{ archive.S3 }

func (noListing) ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output,
	error) {
	return &s3.ListObjectsV2Output{}, nil
}

// An answer that is no listing is no empty archive.
func TestRunsRefuseWhatIsNoListing(t *testing.T) {
	b := newBucket(t, noListing{}, nil)
	for _, f := range []archive.Filter{{}, {Accounts: []string{scope.Account}, Regions: []string{scope.Region},
		Categories: []string{scope.Category}}} {
		found := 0
		for _, err := range b.Runs(t.Context(), f) {
			if found++; err == nil || !strings.Contains(err.Error(), "no listing") {
				t.Errorf("%+v: %v", f, err)
			}
		}
		if found != 1 {
			t.Errorf("%+v: %d results", f, found)
		}
	}
}

// listings answers one listing after the other with these.
type listings struct {
	archive.S3
	answers  []*s3.ListObjectsV2Output
	requests int
}

func (l *listings) ListObjectsV2(context.Context, *s3.ListObjectsV2Input,
	...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	answer := l.answers[min(l.requests, len(l.answers)-1)]
	l.requests++
	return answer, nil
}

// An answer that is no listing, and a token that comes back, are no end of the
// archive, and no reason to ask for ever.
func TestRunsThatAreNotListedWhole(t *testing.T) {
	page := func(token string) *s3.ListObjectsV2Output {
		return &s3.ListObjectsV2Output{IsTruncated: aws.Bool(true), NextContinuationToken: &token}
	}
	for name, test := range map[string]struct {
		answers []*s3.ListObjectsV2Output
		want    string
	}{
		"no listing":               {[]*s3.ListObjectsV2Output{{}}, "no listing"},
		"no listing behind a page": {[]*s3.ListObjectsV2Output{page("a"), {}}, "no listing"},
		"the same token":           {[]*s3.ListObjectsV2Output{page("a")}, "token of a page again"},
		"tokens in turn":           {[]*s3.ListObjectsV2Output{page("a"), page("b"), page("a")}, "token of a page again"},
	} {
		l := &listings{answers: test.answers}
		var errs []error
		for run, err := range newBucket(t, l, nil).Runs(t.Context(), archive.Filter{}) {
			if err == nil {
				t.Errorf("%s: run %v", name, run)
			}
			errs = append(errs, err)
		}
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), test.want) || l.requests > 3 {
			t.Errorf("%s: errors %v after %d requests, want one with %q", name, errs, l.requests, test.want)
		}
	}
}

// crowd answers listings of scopes only when as many are asked for as are wanted.
type crowd struct {
	archive.S3
	wanted int32
	asked  atomic.Int32
	enough chan struct{}
}

func (c *crowd) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input,
	options ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	if strings.Contains(*in.Prefix, "category=") {
		if c.asked.Add(1) == c.wanted {
			close(c.enough)
		}
		select {
		case <-c.enough:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return c.S3.ListObjectsV2(ctx, in, options...)
}

// Most archives have many scopes with few runs each: one listing after the other
// would take longer than everything else.
func TestRunsOfManyScopesAreListedSideBySide(t *testing.T) {
	s := newStore(t)
	id := schema.NewRunID(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	var want []string
	for i := range 30 {
		account := fmt.Sprintf("%012d", i)
		for _, category := range []string{"lamps", "things"} {
			s.put(t, fmt.Sprintf("data/account=%s/region=eu-central-1/category=%s/date=2026-02-01/_%s.manifest.json", account,
				category, id), nil)
			want = append(want, account+category)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var got []string
	for run, err := range newBucket(t, &crowd{S3: s, wanted: 8, enough: make(chan struct{})}, nil).Runs(ctx,
		archive.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, run.Account+run.Category)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// A listing that was stopped must not look like one that is whole.
func TestRunsThatAreStopped(t *testing.T) {
	s := newStore(t)
	id := schema.NewRunID(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	for i := range 30 {
		s.put(t, fmt.Sprintf("data/account=%012d/region=eu-central-1/category=things/date=2026-02-01/_%s.manifest.json", i,
			id), nil)
	}
	for after := range 5 {
		ctx, stop := context.WithCancel(t.Context())
		runs, last := 0, error(nil)
		for _, err := range newBucket(t, s, nil).Runs(ctx, archive.Filter{}) {
			if last != nil {
				t.Errorf("after the error %v came another element", last)
			}
			if last = err; err == nil {
				runs++
			}
			if runs > after {
				stop()
			}
		}
		stop()
		if !errors.Is(last, context.Canceled) {
			t.Errorf("stopped after %d runs: %d came, then %v", after+1, runs, last)
		}
	}
}

// A key that XML cannot hold does not end the listing.
func TestRunsEncodedKeys(t *testing.T) {
	_, strange := collect(t, newBucket(t, encoded{}, nil), archive.Filter{})
	if len(strange) != 1 || !strings.Contains(strange[0], `data/a b+c\x01`) {
		t.Errorf("strange objects %q", strange)
	}
}

func TestRunsRefusesFilter(t *testing.T) {
	s := newStore(t)
	b := newBucket(t, s, nil)
	for _, f := range []archive.Filter{
		{Accounts: []string{"../x"}}, {Regions: []string{"a/b"}}, {Categories: []string{""}}, {From: 2, To: 1},
	} {
		n := 0
		for _, err := range b.Runs(context.Background(), f) {
			if n++; err == nil {
				t.Errorf("%+v is taken", f)
			}
		}
		if n != 1 || len(s.requests) > 0 {
			t.Errorf("%+v: %d answers after %d requests", f, n, len(s.requests))
		}
	}
}

// With errors, cut bodies and slow-downs in every third answer, everything that
// was written is read again.
func TestFaults(t *testing.T) {
	s := newStore(t)
	mem := checked(t)
	b := newBucket(t, s, mem)
	random := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	injected := map[string]int{}
	s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		n := random.IntN(9)
		mu.Unlock()
		count := func(kind string) {
			mu.Lock()
			defer mu.Unlock()
			injected[kind]++
		}
		switch {
		case n == 0:
			count("slow down")
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `<Error><Code>SlowDown</Code></Error>`)
		case n == 1:
			count("internal error")
			w.WriteHeader(http.StatusInternalServerError)
		case n == 2 && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "date="):
			count("cut body")
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(make([]byte, 10))
			panic(http.ErrAbortHandler)
		default:
			return false
		}
		return true
	})
	for range 30 {
		writeRun(t, b)
		runs, _ := collect(t, b, archive.Filter{})
		if len(runs) != 1 {
			t.Fatalf("%d runs", len(runs))
		}
		m, err := b.ReadManifest(context.Background(), runs[0])
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.Files {
			got, err := records(t, b, things.Table, m, i)
			if err != nil {
				t.Fatal(err)
			}
			release(got)
		}
	}
	if len(injected) != 3 {
		t.Errorf("faults %v, want three kinds", injected)
	}
}

func TestParseManifestRefuses(t *testing.T) {
	const sum = "ab00000000000000000000000000000000000000000000000000000000000000"
	good := `{"version":1,"category":"certificates","account_id":"123456789012","region":"eu-central-1",` +
		`"run":"01981c5e-7c00-7000-8000-000000000001","outcome":"ok","rows":3,"parts":2,"files":[` +
		`{"name":"01981c5e-7c00-7000-8000-000000000001-0.parquet","rows":3,"size":1000,"sha256":"` + sum + `",` +
		`"parts":[{"number":0,"rows":1,"sha256":"` + sum + `"},{"number":1,"rows":2,"sha256":"` + sum + `"}]}]}`
	if _, err := archive.ParseManifest([]byte(good)); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.ParseManifest([]byte(strings.Replace(good, `"rows"`, `"later":[1],"rows"`, 1))); err != nil {
		t.Errorf("an unknown key: %v", err)
	}
	tests := []struct{ name, old, new, detail string }{
		{"not JSON", `{"version"`, `{version`, ""},
		{"bytes behind", `]}]}`, `]}]}x`, ""},
		{"key twice", `"version":1`, `"version":1,"version":1`, ""},
		{"invalid UTF-8", `"ok"`, "\"ok\",\"error\":\"\xff\"", ""},
		{"version", `"version":1`, `"version":2`, "version"},
		{"category", `"certificates"`, `"a/b"`, "category"},
		{"account", `"123456789012"`, `"../2"`, "account"},
		{"slice", `"outcome"`, `"slice":"/","outcome"`, "slice"},
		{"run", `"run":"01981c5e-7c00-7`, `"run":"01981c5e-7c00-4`, "UUIDv7"},
		{"no run", `"run":"01981c5e-7c00-7000-8000-000000000001",`, ``, "run"},
		{"outcome", `"ok"`, `"fine"`, "outcome"},
		{"unchanged", `"ok"`, `"unchanged"`, "outcome"},
		{"error", `"outcome"`, `"error":"` + strings.Repeat("x", 1025) + `","outcome"`, "error"},
		{"parts", `"parts":2`, `"parts":-1`, "parts"},
		{"rows below files", `"rows":3,"parts":2`, `"rows":2,"parts":2`, "files have 3 rows"},
		{"too many", `"parts":2`, `"parts":1000001`, "too many"},
		{"empty", `"ok"`, `"empty"`, "empty"},
		{"name", `-0.parquet`, `-00.parquet`, "file"},
		{"name of another run", `1-0.parquet`, `2-0.parquet`, "file"},
		{"traversal", `"name":"`, `"name":"../`, "file"},
		{"size negative", `"size":1000`, `"size":-1`, "size"},
		{"hash", `"size":1000,"sha256":"ab`, `"size":1000,"sha256":"`, "SHA-256"},
		{"part twice", `"number":1`, `"number":0`, "part 0"},
		{"part outside", `"number":1`, `"number":2`, "part 2"},
		{"part empty", `"number":1,"rows":2`, `"number":1,"rows":0`, "part 1"},
		{"rows in no part", `"number":1,"rows":2`, `"number":1,"rows":1`, "no part"},
		{"more rows in parts", `"number":1,"rows":2`, `"number":1,"rows":3`, "part 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(good, test.old) {
				t.Fatalf("%s is not in the manifest", test.old)
			}
			_, err := archive.ParseManifest([]byte(strings.Replace(good, test.old, test.new, 1)))
			wantReason(t, err, archive.ReasonManifest)
			if err != nil && !strings.Contains(err.Error(), strings.ReplaceAll(test.detail, "size", "bytes")) {
				t.Errorf("%v does not say %q", err, test.detail)
			}
		})
	}
	_, err := archive.ParseManifest(make([]byte, 5<<20))
	wantReason(t, err, archive.ReasonTooLarge)
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"version":1,"category":"x","account_id":"123456789012","region":"global","run":"01981c5e-7c00-7000-8000-000000000001","outcome":"ok"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := archive.ParseManifest(data)
		if err != nil {
			var refused *archive.Error
			if !errors.As(err, &refused) {
				t.Fatal(err)
			}
			return
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := archive.ParseManifest(again); err != nil {
			t.Fatalf("%s became %s: %v", data, again, err)
		}
	})
}
