package collect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

func code(c string) error { return &smithy.GenericAPIError{Code: c, Message: "from AWS"} }

func TestEveryRunEndsWithItsOutcome(t *testing.T) {
	tests := map[string]struct {
		collector collect.Any
		outcome   schema.Outcome
		rows      int
		fault     bool
	}{
		"ok":                {emits(3, nil), schema.OK, 3, false},
		"empty":             {emits(0, nil), schema.Empty, 0, false},
		"partial":           {emits(3, code("AccessDenied")), schema.Partial, 3, true},
		"denied":            {emits(0, code("AccessDeniedException")), schema.Denied, 0, true},
		"throttled":         {emits(0, fmt.Errorf("page 1: %w", code("ThrottlingException"))), schema.Throttled, 0, true},
		"disabled by code":  {emits(0, code("SubscriptionRequiredException")), schema.Disabled, 0, false},
		"disabled by words": {emits(0, collect.Disabled(errors.New("not enabled"))), schema.Disabled, 0, false},
		"failed":            {emits(0, errors.New("no route to host")), schema.Failed, 0, true},
		"panic": {collector(func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
			emit(thing{ID: "a"})
			panic("a bug")
		}), schema.Partial, 1, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &publisher{}
			cfg := config(test.collector)
			cfg.Publisher = p
			results, err := newRunner(t, cfg).Once(t.Context())
			if (err != nil) != test.fault {
				t.Errorf("fault %v, want one: %v", err, test.fault)
			}
			if len(results) != 1 || results[0].Outcome != test.outcome || results[0].Rows != test.rows {
				t.Errorf("results %+v", results)
			}
			run := p.only(t)
			if run.end.Outcome != test.outcome || int(run.end.Rows) != test.rows || len(run.rows) != test.rows {
				t.Errorf("end %+v with %d rows", run.end, len(run.rows))
			}
			if run.end.Parts != len(run.parts) || run.end.Run != results[0].Run {
				t.Errorf("end %+v does not fit %v", run.end, run.parts)
			}
			if hasText := run.end.Error != ""; hasText == test.outcome.Complete() {
				t.Errorf("error text %q", run.end.Error)
			}
		})
	}
}

func TestPartialErrorNamesWhatFailed(t *testing.T) {
	failing := emits(0, code("AccessDenied"))
	cfg := config(failing, collect.Collector[event]{
		Category: events, Reach: collect.PerRegion, Every: time.Hour, Calls: []string{"x:Y"},
		Collect: func(context.Context, *collect.Env, func(event) error) error { return nil },
	})
	results, err := newRunner(t, cfg).Once(t.Context())
	var partial *collect.PartialError
	if !errors.As(err, &partial) || len(results) != 2 || len(partial.Done) != 1 || len(partial.Failed) != 1 {
		t.Fatalf("results %v, error %v", results, err)
	}
	if text := err.Error(); !strings.Contains(text, "1 of 2") ||
		!strings.Contains(text, "things/111122223333/eu-central-1: denied") {
		t.Errorf("text %q", text)
	}
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "AccessDenied" {
		t.Error("the cause is lost")
	}
}

func TestRowsThatDoNotFitMakeTheRunPartial(t *testing.T) {
	large := strings.Repeat("x", 2<<20)
	p, b := &publisher{}, &bucket{}
	cfg := config(collector(func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
		for _, row := range []thing{{ID: "first"}, {ID: "bad\x00key"}, {ID: ""}, {ID: "large", Name: &large}, {ID: "last"}} {
			if err := emit(row); err != nil {
				return err
			}
		}
		return nil
	}))
	cfg.Publisher, cfg.Archive = p, newArchive(t, b)
	results, err := newRunner(t, cfg).Once(t.Context())
	if err == nil {
		t.Error("no error")
	}
	r := results[0]
	if r.Outcome != schema.Partial || r.Rows != 2 || r.RefusedRows != 3 {
		t.Errorf("result %+v", r)
	}
	var reasons []schema.Reason
	for _, refused := range r.Refused {
		reasons = append(reasons, refused.Err.Reason)
	}
	if want := []schema.Reason{schema.ReasonText, schema.ReasonEmptyKey, schema.ReasonTooLarge}; !slices.Equal(reasons,
		want) {
		t.Errorf("reasons %v, want %v", reasons, want)
	}
	if r.Refused[2].Key != "large" {
		t.Errorf("key %q", r.Refused[2].Key)
	}
	run := p.only(t)
	if want := []string{`{"id":"first"}`, `{"id":"last"}`}; !slices.Equal(run.rows, want) {
		t.Errorf("rows %q", run.rows)
	}
	if m := b.manifests(t); len(m) != 1 || m[0].Outcome != schema.Partial || m[0].Rows != 2 {
		t.Errorf("manifests %+v", m)
	}
}

func TestOnlySomeRefusedRowsAreNamed(t *testing.T) {
	cfg := config(collector(func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
		for range 1000 {
			if err := emit(thing{}); err != nil {
				return err
			}
		}
		return nil
	}))
	p := &publisher{}
	cfg.Publisher = p
	results, _ := newRunner(t, cfg).Once(t.Context())
	if r := results[0]; r.RefusedRows != 1000 || len(r.Refused) != 10 || r.Outcome != schema.Failed {
		t.Errorf("%d refused, %d named, %s", r.RefusedRows, len(r.Refused), r.Outcome)
	}
	p.only(t)
}

func TestDuplicateKeysAreDroppedAndCounted(t *testing.T) {
	p, b := &publisher{}, &bucket{}
	cfg := config(collector(func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
		for i := range 100 {
			if err := emit(thing{ID: fmt.Sprint(i % 10), Name: aws.String(fmt.Sprint(i % 10))}); err != nil {
				return err
			}
		}
		return nil
	}))
	cfg.Publisher, cfg.Archive, cfg.ChunkRows = p, newArchive(t, b), 7 // across chunks too
	results, err := newRunner(t, cfg).Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r := results[0]; r.Outcome != schema.OK || r.Rows != 10 || r.Duplicates != 90 {
		t.Errorf("result %+v", r)
	}
	var want []string
	for i := range 10 {
		want = append(want, fmt.Sprintf(`{"id":"%d","name":"%d"}`, i, i))
	}
	if got := p.only(t).rows; !slices.Equal(got, want) {
		t.Errorf("rows %q", got)
	}
	if m := b.manifests(t); len(m) != 1 || m[0].Rows != 10 {
		t.Errorf("manifests %+v", m)
	}
}

// TestOtherRowOfTheSameKeyIsNotComplete: one of the two would be lost, as if it were
// not there.
func TestOtherRowOfTheSameKeyIsNotComplete(t *testing.T) {
	emitTwice := func(other string) func(context.Context, *collect.Env, func(thing) error) error {
		return func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
			return errors.Join(emit(thing{ID: "a", Name: aws.String("one")}), emit(thing{ID: "b"}),
				emit(thing{ID: "a", Name: &other}))
		}
	}
	for other, want := range map[string]struct {
		outcome             schema.Outcome
		refused, duplicates int
	}{
		"one": {schema.OK, 0, 1},
		"two": {schema.Partial, 1, 0},
	} {
		for _, chunk := range []int{1, 100} {
			p := &publisher{}
			cfg := config(collector(emitTwice(other)))
			cfg.Publisher, cfg.ChunkRows = p, chunk
			results, _ := newRunner(t, cfg).Once(t.Context())
			r := results[0]
			if r.Outcome != want.outcome || r.RefusedRows != want.refused || r.Duplicates != want.duplicates || r.Rows != 2 {
				t.Errorf("%s, chunks of %d: %+v", other, chunk, r)
			}
			if want.refused > 0 && (r.Refused[0].Key != "a" || r.Refused[0].Err.Reason != "repeated_row") {
				t.Errorf("%s: refused %v", other, r.Refused)
			}
			if got := p.only(t).rows; len(got) != 2 || got[0] != `{"id":"a","name":"one"}` {
				t.Errorf("%s: rows %q", other, got)
			}
		}
	}
}

// TestIncrementalRunsSeeChangesTwice: what changes while the pages are read is seen
// twice, and again by the next run.
func TestIncrementalRunsSeeChangesTwice(t *testing.T) {
	cfg := config(collect.Collector[event]{
		Category: events, Reach: collect.PerRegion, Every: time.Hour, Calls: []string{"x:Y"},
		Incremental: &collect.Incremental{FullEvery: 6 * time.Hour, Overlap: 15 * time.Minute},
		Collect: func(_ context.Context, _ *collect.Env, emit func(event) error) error {
			return errors.Join(emit(event{ID: "a"}), emit(event{ID: "a", Name: aws.String("changed")}))
		},
	})
	results, err := newRunner(t, cfg).Once(t.Context())
	if err != nil || results[0].Outcome != schema.OK || results[0].Duplicates != 1 {
		t.Errorf("%v: %+v", err, results)
	}
}

// TestRunThatTakesTooLongIsStopped in virtual time. Pages that never end must not
// hold a worker for ever.
func TestRunThatTakesTooLongIsStopped(t *testing.T) {
	for every, want := range map[time.Duration]time.Duration{time.Second: time.Hour, 6 * time.Hour: 24 * time.Hour} {
		for name, end := range map[string]func(context.Context, error) error{
			"error of emit":    func(_ context.Context, err error) error { return err },
			"own error":        func(context.Context, error) error { return errors.New("it did not work") },
			"waits in request": func(ctx context.Context, _ error) error { <-ctx.Done(); return ctx.Err() },
		} {
			synctest.Test(t, func(t *testing.T) {
				p := &publisher{}
				cfg := config(collector(func(ctx context.Context, _ *collect.Env, emit func(thing) error) error {
					for i := 0; ; i++ {
						if err := emit(thing{ID: fmt.Sprint(i)}); err != nil || i == 30 && name == "waits in request" {
							return end(ctx, err)
						}
						time.Sleep(time.Minute)
					}
				}))
				cfg.Publisher, cfg.Every = p, every
				start := time.Now()
				results, err := newRunner(t, cfg).Once(t.Context())
				if took := time.Since(start); took < want || took > want+time.Minute {
					t.Errorf("every %v, %s: the run took %v, want %v", every, name, took, want)
				}
				if err == nil || results[0].Outcome != schema.Partial || results[0].Rows < 30 {
					t.Errorf("every %v, %s: %v: %+v", every, name, err, results)
				}
				if text := p.only(t).end.Error; !strings.Contains(text, "the run took too long: more than "+want.String()) {
					t.Errorf("every %v, %s: the end says %q", every, name, text)
				}
			})
		}
	}
}

// TestPaidRequestsAreLimited: pages that never end cost no more than the limit, and
// the run is not repeated before its time.
func TestPaidRequestsAreLimited(t *testing.T) {
	for name, test := range map[string]struct {
		paid bool
		most int
		want int
	}{
		"default": {true, 0, 200}, "configured": {true, 7, 7}, "not paid": {false, 7, 1000},
	} {
		synctest.Test(t, func(t *testing.T) {
			requests, runs := 0, 0
			answer := transport(func() (int, string) {
				requests++
				return 200, "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"
			})
			c := collector(func(ctx context.Context, env *collect.Env, emit func(thing) error) error {
				runs++
				time.Sleep(1500 * time.Millisecond)
				for range 1000 {
					if _, err := sts.NewFromConfig(env.AWS).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
						return err
					}
				}
				return nil
			})
			p := &publisher{}
			cfg := config(c)
			cfg.Publisher, cfg.MaxPaidRequests, cfg.Every = p, test.most, 24*time.Hour
			cfg.Services = atRate(collect.Rate{PerSecond: 1000, Burst: 1000})
			if test.paid {
				cfg.Services[0].Price = 0.01
			}
			cfg.AWS = func(region string) aws.Config {
				return aws.Config{Region: region, HTTPClient: answer,
					Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 23*time.Hour)
			defer cancel()
			if err := newRunner(t, cfg).Run(ctx); err != nil {
				t.Fatal(err)
			}
			if requests != test.want || runs != 1 {
				t.Errorf("%s: %d requests in %d runs, want %d in one", name, requests, runs, test.want)
			}
			end := p.only(t).end
			if end.Requests != int64(test.want) || end.Took != 1500*time.Millisecond {
				t.Errorf("%s: the end tells %d requests in %v, want %d", name, end.Requests, end.Took, test.want)
			}
			if paid := end.PaidRequests; paid != end.USDMicros/10_000 || test.paid && paid != end.Requests ||
				!test.paid && paid != 0 {
				t.Errorf("%s: the end tells %d paid requests for %d millionths of USD", name, paid, end.USDMicros)
			}
			if stopped := strings.Contains(end.Error, "requests that AWS charges for"); stopped != test.paid ||
				end.Outcome.Complete() == test.paid {
				t.Errorf("%s: the end is %+v", name, end)
			}
		})
	}
}

func day(s string) schema.Date {
	d, err := schema.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func costCollector(days []string, rows ...cost) collect.Collector[cost] {
	return collect.Collector[cost]{
		Category: costs, Reach: collect.Global, Every: time.Hour, Calls: []string{"ce:GetCostAndUsage"},
		Slices: func(time.Time) []string { return days },
		Collect: func(_ context.Context, _ *collect.Env, emit func(cost) error) error {
			for _, row := range rows {
				if err := emit(row); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func TestRowsGoToTheRunOfTheirSlice(t *testing.T) {
	p, b := &publisher{}, &bucket{}
	cfg := config(costCollector([]string{"2026-01-01", "2026-01-02", "2026-01-03"},
		cost{day("2026-01-02"), "s3"}, cost{day("2026-01-01"), "s3"}, cost{day("2026-01-02"), "ec2"}))
	cfg.Publisher, cfg.Archive = p, newArchive(t, b)
	var text strings.Builder
	cfg.Logger = slog.New(slog.NewTextHandler(&text, nil))
	results, err := newRunner(t, cfg).Once(t.Context())
	if err != nil || len(results) != 3 {
		t.Fatalf("%v, %v", results, err)
	}
	runs := p.runs(t)
	for slice, want := range map[string]struct {
		outcome schema.Outcome
		rows    []string
	}{
		"2026-01-01": {schema.OK, []string{`{"day":"2026-01-01","service":"s3"}`}},
		"2026-01-02": {schema.OK, []string{`{"day":"2026-01-02","service":"ec2"}`, `{"day":"2026-01-02","service":"s3"}`}},
		"2026-01-03": {schema.Empty, nil},
	} {
		run := runs[schema.Scope{Category: "costs", Account: account, Region: schema.GlobalRegion, Slice: slice}]
		if run == nil || run.end.Outcome != want.outcome || !slices.Equal(run.rows, want.rows) {
			t.Errorf("%s: %+v", slice, run)
		}
	}
	if len(b.manifests(t)) != 3 {
		t.Errorf("%d manifests", len(b.manifests(t)))
	}
	if results[0].Run == results[1].Run {
		t.Error("two runs with one id")
	}
	if lines := strings.Count(text.String(), "\n"); lines != 1 ||
		!strings.Contains(text.String(), "outcome=ok,empty rows=3") || !strings.Contains(text.String(), "slices=3") {
		t.Errorf("log:\n%s", text.String())
	}
}

func TestRowOutsideTheSlicesMakesNoRunComplete(t *testing.T) {
	cfg := config(costCollector([]string{"2026-01-01", "2026-01-02"}, cost{day("2026-01-01"), "s3"},
		cost{day("2025-12-31"), "s3"}))
	results, err := newRunner(t, cfg).Once(t.Context())
	if err == nil || results[0].Outcome != schema.Partial || results[1].Outcome != schema.Failed {
		t.Errorf("%v: %+v", err, results)
	}
}

func TestErrorOfOneSliceLeavesTheOthersComplete(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"alone": {collect.SliceErrors{"2026-01-02": code("Odd"), "2026-01-03": code("AccessDenied")},
			"ok partial denied empty"},
		"beside another": {errors.Join(code("AccessDenied"), collect.SliceErrors{"2026-01-02": code("Odd")}),
			"partial partial denied denied"},
		"not of any slice": {code("AccessDenied"), "partial partial denied denied"},
	} {
		t.Run(name, func(t *testing.T) {
			c := costCollector([]string{"2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"}, cost{day("2026-01-01"), "s3"},
				cost{day("2026-01-02"), "s3"})
			read := c.Collect
			c.Collect = func(ctx context.Context, env *collect.Env, emit func(cost) error) error {
				if err := read(ctx, env, emit); err != nil {
					return err
				}
				return test.err
			}
			results, _ := newRunner(t, config(c)).Once(t.Context())
			var outcomes []string
			for _, r := range results {
				outcomes = append(outcomes, string(r.Outcome))
			}
			if got := strings.Join(outcomes, " "); got != test.want {
				t.Errorf("outcomes %s, want %s", got, test.want)
			}
		})
	}
	err := collect.SliceErrors{"b": errors.New("2"), "a": errors.New("1")}
	if err.Error() != "1\n2" || !errors.Is(err, err["b"]) {
		t.Errorf("error %q", err)
	}
}

func TestMalformedSlicesFail(t *testing.T) {
	for name, days := range map[string][]string{"none": nil, "empty": {""}, "twice": {"a", "a"}, "malformed": {"a b"}} {
		cfg := config(costCollector(days))
		results, err := newRunner(t, cfg).Once(t.Context())
		if err == nil || len(results) != 1 || results[0].Outcome != schema.Failed {
			t.Errorf("%s: %v, %+v", name, err, results)
		}
	}
}

func newArchive(t testing.TB, client archive.S3) *archive.Bucket {
	t.Helper()
	b, err := archive.New(archive.Config{Client: client, Name: "archive"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestArchiveComesFirst(t *testing.T) {
	j := &journal{}
	cfg := config(emits(4, nil))
	cfg.Publisher, cfg.Archive, cfg.ChunkRows = &publisher{journal: j}, newArchive(t, &bucket{journal: j}), 2
	if _, err := newRunner(t, cfg).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"file", "part 0", "file", "part 1", "manifest", "end ok"}
	if !slices.Equal(j.lines, want) {
		t.Errorf("order %q, want %q", j.lines, want)
	}
}

func TestRefusingArchiveDoesNotStopTheStream(t *testing.T) {
	isManifest := func(key string) bool { return strings.HasSuffix(key, ".json") }
	for name, test := range map[string]struct {
		refuse func(key string, puts int) bool
		files  int // that the manifest names; -1 is no manifest
	}{
		"everything":  {func(string, int) bool { return true }, -1},
		"files":       {func(key string, _ int) bool { return !isManifest(key) }, 0},
		"second file": {func(_ string, puts int) bool { return puts == 2 }, 2},
		"manifest":    {func(key string, _ int) bool { return isManifest(key) }, -1},
	} {
		t.Run(name, func(t *testing.T) {
			puts := 0
			b := &bucket{fail: func(key string) error {
				if puts++; test.refuse(key, puts) {
					return errors.New("SlowDown")
				}
				return nil
			}}
			p := &publisher{}
			cfg := config(emits(6, nil))
			cfg.Publisher, cfg.Archive, cfg.ChunkRows = p, newArchive(t, b), 2
			results, err := newRunner(t, cfg).Once(t.Context())
			if err == nil || results[0].ArchiveErr == nil || results[0].Outcome != schema.OK || !results[0].Stored {
				t.Errorf("%v: %+v", err, results[0])
			}
			if run := p.only(t); run.end.Outcome != schema.OK || len(run.rows) != 6 {
				t.Errorf("stream has %+v", run)
			}
			manifests := b.manifests(t)
			if test.files < 0 {
				if len(manifests) != 0 {
					t.Errorf("manifests %+v", manifests)
				}
				return
			}
			if len(manifests) != 1 || len(manifests[0].Files) != test.files || manifests[0].Parts != 3 ||
				manifests[0].Rows != 6 {
				t.Errorf("manifests %+v", manifests)
			}
		})
	}
}

func TestRefusingStreamDoesNotStopTheArchive(t *testing.T) {
	denied := code("AccessDeniedException")
	isEnd := func(messages []stream.Message) bool {
		r, err := envelope.Parse(messages[0].Data)
		return err == nil && r.End != nil
	}
	for name, test := range map[string]struct {
		fail    func(call int, messages []stream.Message) error
		outcome schema.Outcome
		calls   int
		end     bool
	}{
		"all": {func(int, []stream.Message) error { return denied }, schema.Failed, 2, false},
		"one part of a later chunk": {func(call int, m []stream.Message) error {
			if call == 2 {
				return &stream.PublishError{Failed: []int{0}, Err: denied}
			}
			return nil
		}, schema.Partial, 3, true},
		"the end": {func(_ int, m []stream.Message) error {
			if isEnd(m) {
				return denied
			}
			return nil
		}, schema.Partial, 4, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, b := &publisher{}, &bucket{}
			call := 0
			p.fail = func(_ context.Context, m []stream.Message) error { call++; return test.fail(call, m) }
			cfg := config(emits(6, nil))
			cfg.Publisher, cfg.Archive, cfg.ChunkRows = p, newArchive(t, b), 2
			results, err := newRunner(t, cfg).Once(t.Context())
			if !errors.Is(err, denied) || results[0].PublishErr == nil || results[0].Outcome != test.outcome {
				t.Errorf("%v: %+v", err, results[0])
			}
			if !results[0].Stored {
				t.Error("the archive has it, but it does not count as stored")
			}
			if p.calls != test.calls {
				t.Errorf("%d calls of the stream, want %d", p.calls, test.calls)
			}
			m := b.manifests(t)
			if len(m) != 1 || m[0].Outcome != schema.OK || m[0].Rows != 6 || m[0].Parts != 3 {
				t.Errorf("manifests %+v", m)
			}
			if !test.end {
				return
			}
			run := p.only(t)
			if run.end.Outcome != test.outcome || run.end.Parts != 3 || run.end.Rows != 6 || run.end.Error == "" {
				t.Errorf("end %+v", run.end)
			}
		})
	}
}

func TestStoredPartsOfAFailedPublishCount(t *testing.T) {
	packer, err := envelope.NewPacker(envelope.Config{MaxRows: 1})
	if err != nil {
		t.Fatal(err)
	}
	p := &publisher{}
	p.fail = func(_ context.Context, m []stream.Message) error {
		if len(m) == 3 {
			return &stream.PublishError{Failed: []int{1}, Err: code("InternalFailure")}
		}
		return nil
	}
	cfg := config(emits(3, nil))
	cfg.Publisher, cfg.Packer = p, packer
	results, err := newRunner(t, cfg).Once(t.Context())
	if err == nil || results[0].Outcome != schema.Partial {
		t.Errorf("%v: %+v", err, results[0])
	}
	run := p.only(t)
	if !slices.Equal(run.parts, []int{0, 2}) || run.end.Parts != 3 || run.end.Outcome != schema.Partial {
		t.Errorf("stream has %+v", run)
	}
	if want := int64(len(p.stored[0].Data) + len(p.stored[1].Data)); results[0].Bytes != want {
		t.Errorf("%d bytes, want %d", results[0].Bytes, want)
	}
}

func TestChunksAreBoundedByBytes(t *testing.T) {
	for name, slices := range map[string][]string{"one slice": {"2026-01-01"},
		"three slices": {"2026-01-01", "2026-01-02", "2026-01-03"}} {
		t.Run(name, func(t *testing.T) {
			const rows, limit = 1000, 10_000
			c := costCollector(slices)
			c.Collect = func(_ context.Context, _ *collect.Env, emit func(cost) error) error {
				for i := range rows {
					// Most rows are of the first slice.
					if err := emit(cost{day(slices[max(0, i%8-5)%len(slices)]), fmt.Sprintf("service-%090d", i)}); err != nil {
						return err
					}
				}
				return nil
			}
			most, sent := 0, 0
			first := ""
			cfg := config(c)
			cfg.ChunkBytes = limit
			cfg.Hooks.Sent = func(scope schema.Scope, n int) {
				most, sent = max(most, n), sent+n
				if first == "" {
					first = scope.Slice
				}
			}
			if _, err := newRunner(t, cfg).Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			if sent != rows || most > limit/100 || most < limit/400 {
				t.Errorf("%d rows sent, %d at most at once", sent, most)
			}
			if first != slices[0] {
				t.Errorf("the first that is sent is %s, which is not the largest", first)
			}
		})
	}
}

func TestNowhereToSendStopsTheCollector(t *testing.T) {
	emitted := 0
	var last error
	cfg := config(collector(func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
		for i := range 1000 {
			if last = emit(thing{ID: fmt.Sprint(i)}); last != nil {
				return nil // a collector that hides the error
			}
			emitted++
		}
		return nil
	}))
	cfg.Publisher = &publisher{fail: func(context.Context, []stream.Message) error { return code("AccessDenied") }}
	cfg.ChunkRows = 10
	cfg.Hooks.Sent = func(schema.Scope, int) { t.Error("rows that are nowhere are called sent") }
	results, err := newRunner(t, cfg).Once(t.Context())
	if err == nil || last == nil || emitted >= 10 || results[0].Outcome != schema.Failed || results[0].Stored {
		t.Errorf("%d emitted, %v, %v, %+v", emitted, last, err, results[0])
	}
}

func TestEmitBlocksWhileTheStreamIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := make(chan struct{})
		p := &publisher{fail: func(ctx context.Context, _ []stream.Message) error {
			select {
			case <-full:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		var emitted atomic.Int64
		cfg := config(collector(func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
			for i := range 100 {
				if err := emit(thing{ID: fmt.Sprint(i)}); err != nil {
					return err
				}
				emitted.Add(1)
			}
			return nil
		}))
		cfg.Publisher, cfg.ChunkRows = p, 10
		runner := newRunner(t, cfg)
		done := make(chan error, 1)
		go func() { _, err := runner.Once(t.Context()); done <- err }()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := emitted.Load(); n != 9 {
			t.Errorf("%d rows taken while nothing was sent, want 9", n)
		}
		close(full)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if rows := p.only(t).rows; len(rows) != 100 {
			t.Errorf("%d rows", len(rows))
		}
	})
}

func TestCancelledRunIsClosedAndNotComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := &publisher{}, &bucket{}
		cfg := config(collector(func(ctx context.Context, _ *collect.Env, emit func(thing) error) error {
			for i := range 15 {
				if err := emit(thing{ID: fmt.Sprint(i)}); err != nil {
					return err
				}
			}
			<-ctx.Done()
			return ctx.Err()
		}))
		cfg.Publisher, cfg.Archive, cfg.ChunkRows = p, newArchive(t, b), 10
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		results, err := newRunner(t, cfg).Once(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || results[0].Outcome != schema.Partial {
			t.Errorf("%v: %+v", err, results)
		}
		if run := p.only(t); run.end.Outcome != schema.Partial || len(run.rows) != 15 {
			t.Errorf("stream has %+v", run)
		}
		if m := b.manifests(t); len(m) != 1 || m[0].Outcome != schema.Partial {
			t.Errorf("manifests %+v", m)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

func TestCollectorThatHidesACancelIsNotComplete(t *testing.T) {
	for name, hidden := range map[string]error{"as nothing": nil, "as another error": errors.New("it did not work")} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			p := &publisher{}
			cfg := config(collector(func(ctx context.Context, _ *collect.Env, emit func(thing) error) error {
				emit(thing{ID: "a"})
				cancel()
				emit(thing{ID: "b"})
				return hidden
			}))
			cfg.Publisher = p
			results, err := newRunner(t, cfg).Once(ctx)
			if !errors.Is(err, context.Canceled) || !errors.Is(results[0].CollectErr, context.Canceled) ||
				results[0].Outcome != schema.Partial {
				t.Errorf("%v: %+v", err, results)
			}
			if run := p.only(t); run.end.Outcome != schema.Partial || len(run.rows) != 1 {
				t.Errorf("stream has %+v", run)
			}
		})
	}
}

// During an outage of the stream one run waits for it; the others of the collection
// only try their ends, each for a moment.
func TestOutageIsWaitedForOnce(t *testing.T) {
	// The archive makes what the process shares in its first run: not in a bubble.
	first := config(emits(1, nil))
	first.Archive = newArchive(t, &bucket{})
	if _, err := newRunner(t, first).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	const patience = 15 * time.Minute // of the publisher
	for name, test := range map[string]struct {
		takesEnds bool
		took      time.Duration
		outcomes  []schema.Outcome
	}{
		"of parts": {true, patience, []schema.Outcome{schema.Failed, schema.Empty, schema.Failed}},
		"of all":   {false, patience + 3*time.Second, []schema.Outcome{schema.Failed, schema.Failed, schema.Failed}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &publisher{fail: func(ctx context.Context, messages []stream.Message) error {
					if r, err := envelope.Parse(messages[0].Data); err == nil && r.End != nil && test.takesEnds {
						return nil
					}
					select {
					case <-time.After(patience):
						return code("ServiceUnavailable")
					case <-ctx.Done():
						return ctx.Err()
					}
				}}
				cfg := config(costCollector([]string{"2026-01-01", "2026-01-02", "2026-01-03"},
					cost{day("2026-01-01"), "s3"}, cost{day("2026-01-03"), "s3"}))
				cfg.Publisher, cfg.Archive, cfg.Grace = p, newArchive(t, &bucket{}), time.Second
				start := time.Now()
				results, _ := newRunner(t, cfg).Once(t.Context()) // the results have the errors
				if took := time.Since(start); took != test.took {
					t.Errorf("took %v, want %v", took, test.took)
				}
				if p.calls != 4 {
					t.Errorf("the stream was asked %d times, want once for parts and for 3 ends", p.calls)
				}
				for i, r := range results {
					if r.Outcome != test.outcomes[i] || (r.PublishErr == nil) != (r.Outcome == schema.Empty) || r.ArchiveErr != nil {
						t.Errorf("%v: %s, publish %v, archive %v; want %s", r.Scope, r.Outcome, r.PublishErr, r.ArchiveErr,
							test.outcomes[i])
					}
				}
			})
		})
	}
}

func TestCancelWaitsOnlyForGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{fail: func(ctx context.Context, _ []stream.Message) error { <-ctx.Done(); return ctx.Err() }}
		cfg := config(emits(100, nil))
		cfg.Publisher, cfg.ChunkRows, cfg.Grace = p, 10, 5*time.Second
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		results, err := newRunner(t, cfg).Once(ctx)
		if err == nil || results[0].Outcome != schema.Failed || results[0].Outcome.Complete() {
			t.Errorf("%v: %+v", err, results)
		}
		if took := time.Since(start); took != time.Minute+5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestStopWithSilentDestinations: neither stream nor archive answers, nor AWS, and Run ends
// within 10 seconds of being told so.
func TestStopWithSilentDestinations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asks := collector(func(ctx context.Context, env *collect.Env, emit func(thing) error) error {
			if env.Region == "us-east-1" {
				<-ctx.Done()
				return ctx.Err()
			}
			return emits(100, nil).Collect(ctx, env, emit)
		})
		cfg := config(asks)
		cfg.Regions = []string{"eu-central-1", "eu-west-1", "us-east-1"}
		cfg.Publisher = &publisher{fail: func(ctx context.Context,
			_ []stream.Message) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		cfg.Archive, cfg.ChunkRows, cfg.Jitter = newArchive(t, silentBucket{}), 10, time.Nanosecond
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		runner := newRunner(t, cfg)
		go func() { ended <- runner.Run(ctx) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		start := time.Now()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// silentBucket is S3 behind a network that swallows everything.
type silentBucket struct{ archive.S3 }

func (silentBucket) PutObject(ctx context.Context, _ *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput,
	error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestCollectionsThatWereNotStartedAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(collector(func(ctx context.Context, _ *collect.Env,
			_ func(thing) error) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		cfg.Regions, cfg.MaxConcurrentRuns = []string{"eu-central-1", "us-east-1"}, 1
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		results, err := newRunner(t, cfg).Once(ctx)
		var partial *collect.PartialError
		if !errors.As(err, &partial) || len(results) != 1 || len(partial.NotStarted) != 1 ||
			partial.NotStarted[0].Region != "us-east-1" {
			t.Errorf("%v: %+v", err, results)
		}
	})
}

func TestManyScopesShareTheWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const accounts = 500
		p := &publisher{}
		workers := collect.NewWorkers(4)
		var running, most atomic.Int64
		c := collector(func(_ context.Context, env *collect.Env, emit func(thing) error) error {
			n := running.Add(1)
			defer running.Add(-1)
			for {
				seen := most.Load()
				if n <= seen || most.CompareAndSwap(seen, n) {
					break
				}
			}
			time.Sleep(time.Second)
			return emit(thing{ID: env.Account})
		})
		packer, err := envelope.NewPacker(envelope.Config{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		start := time.Now()
		for i := range accounts {
			cfg := config(c)
			cfg.Account = fmt.Sprintf("%012d", i)
			cfg.Publisher, cfg.Workers, cfg.Packer = p, workers, packer
			runner := newRunner(t, cfg)
			wg.Go(func() {
				if _, err := runner.Once(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if most.Load() != 4 {
			t.Errorf("%d at once, want 4", most.Load())
		}
		if took := time.Since(start); took != accounts/4*time.Second {
			t.Errorf("took %v", took)
		}
		runs := p.runs(t)
		if len(runs) != accounts {
			t.Errorf("%d runs, want %d", len(runs), accounts)
		}
		for scope, run := range runs {
			if want := fmt.Sprintf(`{"id":%q}`, scope.Account); len(run.rows) != 1 || run.rows[0] != want ||
				run.end.Outcome != schema.OK {
				t.Errorf("%s: %+v", scope, run)
			}
		}
	})
}

func TestGlobalCategoriesBelongToTheHomeRegion(t *testing.T) {
	for _, test := range []struct {
		regions []string
		home    string
		want    []string
	}{
		{[]string{"eu-central-1", "us-east-1"}, "",
			[]string{"things/111122223333/eu-central-1", "things/111122223333/us-east-1", "costs/111122223333/global"}},
		{[]string{"eu-central-1"}, "us-east-1", []string{"things/111122223333/eu-central-1"}},
	} {
		var asked []string
		cfg := config(emits(0, nil), collect.Collector[cost]{
			Category: costs, Reach: collect.Global, Every: time.Hour, Calls: []string{"x:Y"},
			Slices: func(time.Time) []string { return []string{"2026-01-01"} },
			Collect: func(_ context.Context, env *collect.Env, _ func(cost) error) error {
				asked = append(asked, env.Region+" "+env.AWS.Region)
				return nil
			},
		})
		cfg.Regions, cfg.HomeRegion = test.regions, test.home
		runner := newRunner(t, cfg)
		var got []string
		for _, scope := range runner.Scopes() {
			got = append(got, scope.String())
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%v, home %q: %v", test.regions, test.home, got)
		}
		if _, err := runner.Once(t.Context()); err != nil {
			t.Error(err)
		}
		if test.home == "" && !slices.Equal(asked, []string{"eu-central-1 eu-central-1"}) {
			t.Errorf("asked %v", asked)
		}
	}
}

func TestIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Duration
		begin := time.Now()
		cfg := config(collector(func(_ context.Context, env *collect.Env, _ func(thing) error) error {
			starts = append(starts, env.Now.Sub(begin.Truncate(time.Millisecond)))
			if len(starts) == 2 {
				time.Sleep(150 * time.Minute) // longer than two intervals
			}
			return nil
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Hour)
		defer cancel()
		if err := newRunner(t, cfg).Run(ctx); err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{0, 60 * time.Minute, 210 * time.Minute, 270 * time.Minute, 330 * time.Minute}
		if !slices.Equal(starts, want) {
			t.Errorf("starts %v, want %v", starts, want)
		}
	})
}

// TestLongRunsDoNotStarveShortOnes: runs of 80 minutes in as many places as there are
// would else keep what is due every 15 minutes waiting. None starts later
// than its interval, which is twice the interval after its last start.
func TestLongRunsDoNotStarveShortOnes(t *testing.T) {
	const (
		short      = 15 * time.Minute
		categories = 20
		day        = 24 * time.Hour
	)
	for name, test := range map[string]struct {
		places, long int
		declared     bool
		onTimeFrom   time.Duration
	}{
		"declared":                    {2, 2, true, 0},
		"more than places":            {4, 12, true, 0},
		"known by their first run":    {2, 2, false, 3 * time.Hour},
		"known, and more than places": {4, 12, false, 5 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var mu sync.Mutex
				starts := map[string][]time.Duration{}
				run := func(takes time.Duration) func(context.Context, *collect.Env, func(thing) error) error {
					return func(_ context.Context, env *collect.Env, _ func(thing) error) error {
						mu.Lock()
						starts[env.Region] = append(starts[env.Region], time.Since(begin))
						mu.Unlock()
						time.Sleep(takes)
						return nil
					}
				}
				workers := collect.NewWorkers(test.places)
				var wg sync.WaitGroup
				ctx, cancel := context.WithTimeout(t.Context(), 2*day-time.Minute)
				defer cancel()
				runner := func(name string, scopes int, every, takes time.Duration, long bool) {
					c := collector(run(takes))
					c.Every, c.Long = every, long
					cfg := config(c)
					cfg.Workers, cfg.Regions = workers, nil
					for i := range scopes {
						cfg.Regions = append(cfg.Regions, fmt.Sprintf("%s-%d", name, i))
					}
					r := newRunner(t, cfg)
					wg.Go(func() { r.Run(ctx) })
				}
				if test.long > 0 {
					runner("eu-long", test.long, day, 80*time.Minute, test.declared)
					synctest.Wait() // they are there first
				}
				runner("eu-short", categories, short, 30*time.Second, false)
				wg.Wait()

				for i := range categories {
					region := fmt.Sprintf("eu-short-%d", i)
					last := test.onTimeFrom
					for _, start := range append(starts[region], 2*day) {
						if late := start - last; start > test.onTimeFrom && late >= 2*short {
							t.Fatalf("%s did not start between %v and %v", region, last, start)
						}
						last = max(last, start)
					}
				}
				for i := range test.long {
					if n := len(starts[fmt.Sprintf("eu-long-%d", i)]); n != 2 {
						t.Errorf("long category %d was collected %d times in two days, want 2", i, n)
					}
				}
			})
		})
	}
}

// TestOnceStartsShortRunsBesideLongOnes: a long one that waits for its place keeps no short one.
func TestOnceStartsShortRunsBesideLongOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var last atomic.Int64 // when the last short one ended
		long := collector(func(context.Context, *collect.Env, func(thing) error) error {
			time.Sleep(80 * time.Minute)
			return nil
		})
		long.Long = true
		short := collect.Collector[event]{
			Category: events, Reach: collect.PerRegion, Every: time.Hour, Calls: []string{"x:Y"},
			Collect: func(context.Context, *collect.Env, func(event) error) error {
				time.Sleep(time.Minute)
				last.Store(int64(time.Since(begin)))
				return nil
			},
		}
		cfg := config(long, short)
		cfg.Regions = []string{"eu-west-1", "eu-west-2", "eu-west-3", "eu-west-4"}
		results, err := newRunner(t, cfg).Once(t.Context())
		if err != nil || len(results) != 8 {
			t.Fatalf("%d results: %v", len(results), err)
		}
		if ended := time.Duration(last.Load()); ended > 4*time.Minute {
			t.Errorf("the last short run ended after %v", ended)
		}
		if took := time.Since(begin); took < 160*time.Minute || took > 162*time.Minute {
			t.Errorf("four long runs, two at a time, took %v", took)
		}
	})
}

// TestOnceOf: scopes are started in the order given, each once.
func TestOnceOf(t *testing.T) {
	var asked []string
	c := collector(func(_ context.Context, env *collect.Env, _ func(thing) error) error {
		asked = append(asked, env.Region)
		return nil
	})
	cfg := config(c)
	cfg.Regions, cfg.MaxConcurrentRuns = []string{"eu-west-1", "eu-west-2", "eu-west-3"}, 1
	r := newRunner(t, cfg)
	all := r.Scopes()
	unknown := all[0]
	unknown.Region = "eu-west-9"
	results, err := r.OnceOf(t.Context(), []schema.Scope{all[2], unknown, all[0], all[2]})
	if err != nil || len(results) != 2 || results[0].Scope != all[2] || results[1].Scope != all[0] {
		t.Errorf("%v, %v", results, err)
	}
	if !slices.Equal(asked, []string{"eu-west-3", "eu-west-1"}) {
		t.Errorf("asked %v", asked)
	}
}

// TestStateless: runs reach two intervals back from when they were due, or read everything,
// whatever the runner did before, and their ends tell the collector's interval.
func TestStateless(t *testing.T) {
	due := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for scheduled, want := range map[time.Time]time.Time{due: due.Add(-2*time.Hour - 15*time.Minute), {}: {}} {
		p := &publisher{}
		var since []time.Time
		cfg := config(collect.Collector[event]{
			Category: events, Reach: collect.PerRegion, Every: time.Hour, Calls: []string{"x:Y"},
			Incremental: &collect.Incremental{FullEvery: 6 * time.Hour, Overlap: 15 * time.Minute},
			Collect: func(_ context.Context, env *collect.Env, _ func(event) error) error {
				since = append(since, env.Since)
				return nil
			},
		})
		cfg.Publisher, cfg.Stateless, cfg.Scheduled = p, true, scheduled
		r := newRunner(t, cfg)
		for range 2 {
			if _, err := r.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if len(since) != 2 || !since[0].Equal(want) || !since[1].Equal(want) {
			t.Errorf("due %v: asked since %v, want %v", scheduled, since, want)
		}
	}
	cfg := config(emits(1, nil))
	cfg.Publisher, cfg.Stateless = &publisher{}, true
	if _, err := newRunner(t, cfg).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := cfg.Publisher.(*publisher).only(t).end.Every; got != time.Hour {
		t.Errorf("the end says %v", got)
	}
	cfg.Stateless, cfg.Scheduled = false, due
	if _, err := collect.New(cfg); err == nil || !strings.Contains(err.Error(), "Scheduled is given without Stateless") {
		t.Errorf("got %v", err)
	}
}

// TestEndsTellTheInterval: the hub sees by it that a spoke is late.
func TestEndsTellTheInterval(t *testing.T) {
	for configured, want := range map[time.Duration]time.Duration{
		0:                                 time.Hour, // the collector's
		90*time.Minute + time.Millisecond: 90*time.Minute + time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &publisher{}
			cfg := config(emits(1, nil))
			cfg.Publisher, cfg.Every = p, configured
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := newRunner(t, cfg).Run(ctx); err != nil {
				t.Fatal(err)
			}
			if got := p.only(t).end.Every; got != want {
				t.Errorf("configured %v: the end says %v, want %v", configured, got, want)
			}
		})
	}
}

// TestEndsOfOnceTellOnlyWhatIsConfigured: it is not known how often Once is called.
func TestEndsOfOnceTellOnlyWhatIsConfigured(t *testing.T) {
	for _, want := range []time.Duration{0, 6 * time.Hour} {
		p, b := &publisher{}, &bucket{}
		cfg := config(emits(1, nil))
		cfg.Publisher, cfg.Archive, cfg.Every = p, newArchive(t, b), want
		if _, err := newRunner(t, cfg).Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := p.only(t).end.Every; got != want {
			t.Errorf("configured %v: the end says %v", want, got)
		}
		if m := b.manifests(t); len(m) != 1 || m[0].Every != int64(want/time.Second) {
			t.Errorf("configured %v: the manifests are %+v", want, m)
		}
	}
}

func TestJitterSpreadsTheFirstRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		starts := map[time.Duration]bool{}
		begin := time.Now()
		cfg := config(collector(func(context.Context, *collect.Env, func(thing) error) error {
			mu.Lock()
			defer mu.Unlock()
			starts[time.Since(begin)] = true
			return nil
		}))
		cfg.Regions = nil
		for i := range 100 {
			cfg.Regions = append(cfg.Regions, fmt.Sprintf("eu-central-%d", i))
		}
		cfg.Jitter = 10 * time.Minute
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		newRunner(t, cfg).Run(ctx)
		if len(starts) < 90 {
			t.Errorf("%d different starts of 100", len(starts))
		}
	})
}

func TestFailedRunsAreRepeatedSooner(t *testing.T) {
	sooner := []time.Duration{0, 15 * time.Minute, 45 * time.Minute, 105 * time.Minute, 225 * time.Minute,
		465 * time.Minute, 825 * time.Minute}
	usual := []time.Duration{0, 6 * time.Hour, 12 * time.Hour}
	refuse := func(context.Context, []stream.Message) error { return code("InternalFailure") }
	lose := func(string) error { return code("InternalError") }
	for name, test := range map[string]struct {
		err     error
		publish func(context.Context, []stream.Message) error
		store   func(key string) error
		want    []time.Duration
	}{
		"throttled":     {code("ThrottlingException"), nil, nil, sooner},
		"failed":        {errors.New("no route to host"), nil, nil, sooner},
		"not published": {nil, refuse, nil, sooner},
		"not archived":  {nil, nil, lose, sooner},
		"denied":        {code("AccessDenied"), nil, nil, usual},
		"disabled":      {code("OptInRequired"), nil, nil, usual},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var starts []time.Duration
				begin := time.Now()
				c := collector(func(context.Context, *collect.Env, func(thing) error) error {
					starts = append(starts, time.Since(begin))
					return test.err
				})
				c.Every = 6 * time.Hour
				ctx, cancel := context.WithTimeout(t.Context(), 14*time.Hour)
				defer cancel()
				cfg := config(c)
				cfg.Publisher, cfg.Archive = &publisher{fail: test.publish}, newArchive(t, &bucket{fail: test.store})
				newRunner(t, cfg).Run(ctx)
				if !slices.Equal(starts, test.want) {
					t.Errorf("starts %v, want %v", starts, test.want)
				}
			})
		})
	}
}

func TestIncrementalMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var since []string
		n := 0
		begin := time.Now().UTC()
		cfg := config(collect.Collector[event]{
			Category: events, Reach: collect.PerRegion, Every: time.Hour, Calls: []string{"x:Y"},
			Incremental: &collect.Incremental{FullEvery: 6 * time.Hour, Overlap: 15 * time.Minute},
			Collect: func(_ context.Context, env *collect.Env, emit func(event) error) error {
				n++
				if env.Since.IsZero() {
					since = append(since, "full")
				} else {
					since = append(since, env.Since.Sub(begin).String())
				}
				switch n {
				case 1:
					return code("AccessDenied") // not complete: the next one reads everything
				case 4:
					emit(event{ID: "a"})
					return code("AccessDenied") // the next one asks from the third again
				}
				return nil
			},
		})
		objects := &bucket{}
		published := &publisher{}
		cfg.Archive, cfg.Publisher = newArchive(t, objects), published
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Hour-time.Minute)
		defer cancel()
		newRunner(t, cfg).Run(ctx)
		//       0h      1h      2h       3h         4h         5h       6h       7h: 6 hours after the full one at 1h
		want := []string{"full", "full", "45m0s", "1h45m0s", "1h45m0s", "3h45m0s", "4h45m0s", "full", "6h45m0s"}
		if !slices.Equal(since, want) {
			t.Errorf("since %v, want %v", since, want)
		}
		wantExtents(t, since, published, objects)
	})
}

// wantExtents checks that the ends, in stream and archive, tell which runs read everything.
func wantExtents(t *testing.T, since []string, p *publisher, b *bucket) {
	t.Helper()
	extentOf := func(since string) schema.Extent {
		if since == "full" {
			return schema.Full
		}
		return schema.Incremental
	}
	var ends []*envelope.EndHeader
	for _, m := range p.stored {
		r, err := envelope.Parse(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if r.End != nil {
			ends = append(ends, r.End)
		}
	}
	manifests := b.manifests(t)
	slices.SortFunc(manifests, func(a, b archive.Manifest) int { return a.Run.Compare(b.Run) })
	if len(ends) != len(since) || len(manifests) != len(since) {
		t.Fatalf("%d ends and %d manifests of %d runs", len(ends), len(manifests), len(since))
	}
	for i := range since {
		if want := extentOf(since[i]); ends[i].Extent != want || manifests[i].Extent != want {
			t.Errorf("run %d since %s: the end says %q, the manifest %q", i, since[i], ends[i].Extent, manifests[i].Extent)
		}
	}
}

// TestRefusedRowDoesNotStopIncrementalRuns: it would be refused again, however
// often everything is read. What was not sent is asked for again.
func TestRefusedRowDoesNotStopIncrementalRuns(t *testing.T) {
	for name, test := range map[string]struct {
		row     string // none if empty
		publish error
		archive error
		want    []string
	}{
		"refused":       {row: "\x00", want: []string{"full", "since", "since"}},
		"not published": {publish: code("InternalFailure"), want: []string{"full", "full", "full"}},
		"not archived":  {archive: code("InternalError"), want: []string{"full", "full", "full"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []string
				cfg := config(collect.Collector[event]{
					Category: events, Reach: collect.PerRegion, Every: 15 * time.Minute, Calls: []string{"x:Y"},
					Incremental: &collect.Incremental{FullEvery: 6 * time.Hour, Overlap: 15 * time.Minute},
					Collect: func(_ context.Context, env *collect.Env, emit func(event) error) error {
						if env.Since.IsZero() {
							asked = append(asked, "full")
						} else {
							asked = append(asked, "since")
						}
						if test.row == "" {
							return nil
						}
						return emit(event{ID: test.row})
					},
				})
				var outcomes []schema.Outcome
				cfg.Hooks.Finished = func(r collect.Result) { outcomes = append(outcomes, r.Outcome) }
				cfg.Publisher = &publisher{fail: func(context.Context, []stream.Message) error { return test.publish }}
				if test.archive != nil {
					cfg.Archive = newArchive(t, &bucket{fail: func(string) error { return test.archive }})
				}
				ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute)
				defer cancel()
				newRunner(t, cfg).Run(ctx)
				if !slices.Equal(asked, test.want) {
					t.Errorf("asked %v, want %v", asked, test.want)
				}
				if name == "refused" && (len(outcomes) == 0 || outcomes[0].Complete()) {
					t.Errorf("outcomes %v: a run with a refused row is not complete", outcomes)
				}
			})
		})
	}
}

// transport answers every request of STS with denied or throttled.
type transport func() (status int, body string)

func (f transport) Do(*http.Request) (*http.Response, error) {
	status, body := f()
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func TestRateCountsEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		begin := time.Now()
		answer := transport(func() (int, string) {
			at = append(at, time.Since(begin))
			return 500, "<ErrorResponse><Error><Code>InternalFailure</Code></Error></ErrorResponse>"
		})
		c := collector(func(ctx context.Context, env *collect.Env, _ func(thing) error) error {
			_, err := sts.NewFromConfig(env.AWS).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			return err
		})
		cfg := config(c)
		cfg.Services = atRate(collect.Rate{PerSecond: 0.01, Burst: 2})
		requests := 0
		cfg.Hooks.Request = func(string, string) { requests++ }
		cfg.AWS = func(region string) aws.Config {
			return aws.Config{Region: region, HTTPClient: answer, RetryMaxAttempts: 4,
				Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
		}
		runner := newRunner(t, cfg)
		if _, err := runner.Once(t.Context()); err == nil {
			t.Error("no error")
		}
		// Two at once (with the SDK's own back-off of some seconds), then one in 100 s.
		if len(at) != 4 || requests != 4 || at[1] > 30*time.Second || at[2] < 99*time.Second || at[3]-at[2] < 99*time.Second {
			t.Errorf("requests at %v", at)
		}
		// The limit outlives the run.
		before := time.Since(begin)
		runner.Once(t.Context())
		if len(at) != 8 || at[4]-before < 90*time.Second {
			t.Errorf("requests at %v, second run from %v", at, before)
		}
	})
}

// atRate limits the requests to STS.
func atRate(r collect.Rate) []collect.Service {
	return []collect.Service{{ID: "STS", Name: "sts", Rate: r}}
}

// asksSTS returns a collector that sends n requests to STS in each run.
func asksSTS(category schema.Category[thing], n int) collect.Collector[thing] {
	c := collector(func(ctx context.Context, env *collect.Env, _ func(thing) error) error {
		for range n {
			if _, err := sts.NewFromConfig(env.AWS).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
				return err
			}
		}
		return nil
	})
	c.Category = category
	return c
}

// The collectors of a region share the limit of a service, and its regions only
// where AWS counts so. A service that is not named has a limit, too.
func TestCollectorsShareTheRateOfAService(t *testing.T) {
	others := schema.Of[thing](schema.Spec{Name: "others", Mode: schema.Snapshot})
	rate := collect.Rate{PerSecond: 0.1, Burst: 2}
	for name, test := range map[string]struct {
		services []collect.Service
		want     time.Duration // for 4 requests in each of 2 regions
	}{
		"per region":  {atRate(rate), 20 * time.Second},
		"per account": {[]collect.Service{{ID: "STS", Name: "sts", Rate: rate, PerAccount: true}}, 60 * time.Second},
		"not named":   {[]collect.Service{{ID: "KMS", Name: "kms", Rate: rate}}, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answer := transport(func() (int, string) {
					return 200, "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"
				})
				cfg := config(asksSTS(things, 2), asksSTS(others, 2))
				cfg.Services, cfg.Regions = test.services, []string{"eu-central-1", "eu-west-1"}
				cfg.AWS = func(region string) aws.Config {
					return aws.Config{Region: region, HTTPClient: answer,
						Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
				}
				start := time.Now()
				if _, err := newRunner(t, cfg).Once(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start).Round(time.Second); took != test.want {
					t.Errorf("took %v, want %v", took, test.want)
				}

				limits, err := collect.NewLimits(cfg.Services)
				if err != nil {
					t.Fatal(err)
				}
				cfg.Services, cfg.Limits = nil, limits
				start = time.Now()
				oncePerRegion(t, cfg)
				// Of two tokens that were left by the runner above, none is.
				if took := time.Since(start).Round(time.Second); took < test.want || took > 2*test.want {
					t.Errorf("a runner for each region took %v, want %v", took, test.want)
				}
			})
		})
	}
}

// oncePerRegion collects with a runner for each region, all at the same time.
func oncePerRegion(t *testing.T, cfg collect.Config) {
	t.Helper()
	var wg sync.WaitGroup
	for _, region := range cfg.Regions {
		one := cfg
		one.Regions = []string{region}
		runner := newRunner(t, one)
		wg.Go(func() {
			if _, err := runner.Once(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestRegionThatHangsStopsNoOther: its runner takes the places that are its own, and not
// all that the runners share.
func TestRegionThatHangsStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var categories []collect.Any
		var collected atomic.Int64
		for i := range 10 {
			c := collector(func(ctx context.Context, env *collect.Env, _ func(thing) error) error {
				if env.Region == "eu-west-1" {
					<-ctx.Done()
					return ctx.Err()
				}
				collected.Add(1)
				return nil
			})
			c.Category = schema.Of[thing](schema.Spec{Name: fmt.Sprintf("things_%d", i), Mode: schema.Snapshot})
			categories = append(categories, c)
		}
		workers := collect.NewWorkers(4)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		for _, region := range []string{"eu-west-1", "eu-central-1"} {
			cfg := config(categories...)
			cfg.Regions, cfg.Workers, cfg.MaxConcurrentRuns = []string{region}, workers, 2
			runner := newRunner(t, cfg)
			wg.Go(func() { runner.Run(ctx) })
			synctest.Wait()
		}
		wg.Wait()
		if collected.Load() < 10 {
			t.Errorf("%d of 10 runs of the other region", collected.Load())
		}
	})
}

func TestWaitForTheRateEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collector(func(ctx context.Context, env *collect.Env, _ func(thing) error) error {
			for range 2 {
				if _, err := sts.NewFromConfig(env.AWS).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
					return err
				}
			}
			return nil
		})
		cfg := config(c)
		cfg.Services = atRate(collect.Rate{PerSecond: 0.01})
		cfg.AWS = func(region string) aws.Config {
			answer := transport(func() (int, string) {
				return 200, "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"
			})
			return aws.Config{Region: region, HTTPClient: answer,
				Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		start := time.Now()
		if _, err := newRunner(t, cfg).Once(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestEmitFromManyGoroutinesAndTooLate(t *testing.T) {
	p := &publisher{}
	var late func(thing) error
	cfg := config(collector(func(_ context.Context, _ *collect.Env, emit func(thing) error) error {
		late = emit
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 100 {
					if err := emit(thing{ID: fmt.Sprint(i, "-", j)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		return nil
	}))
	cfg.Publisher, cfg.ChunkRows = p, 33
	if _, err := newRunner(t, cfg).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := p.only(t).rows; len(rows) != 800 {
		t.Errorf("%d rows", len(rows))
	}
	if err := late(thing{ID: "late"}); err == nil {
		t.Error("emit takes a row after the run")
	}
}

func TestHooksRowsAndLog(t *testing.T) {
	var started, finished, rows int
	var seen []string
	var text strings.Builder
	cfg := config(emits(3, nil))
	cfg.Logger = slog.New(slog.NewTextHandler(&text, nil))
	cfg.Row = func(_ schema.Scope, row []byte) { seen = append(seen, string(row)) }
	cfg.Hooks = collect.Hooks{
		Started:  func(schema.Scope, schema.RunID) { started++ },
		Sent:     func(_ schema.Scope, n int) { rows += n },
		Finished: func(r collect.Result) { finished++ },
	}
	if _, err := newRunner(t, cfg).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if started != 1 || finished != 1 || rows != 3 {
		t.Errorf("%d started, %d finished, %d rows", started, finished, rows)
	}
	if want := []string{`{"id":"thing-0"}`, `{"id":"thing-1"}`, `{"id":"thing-2"}`}; !reflect.DeepEqual(seen, want) {
		t.Errorf("rows %q", seen)
	}
	if !strings.Contains(text.String(), "outcome=ok") || !strings.Contains(text.String(), "category=things") {
		t.Errorf("log %q", text.String())
	}
}

func TestConfigReportsAllFaults(t *testing.T) {
	_, err := collect.New(collect.Config{Account: "1", Regions: []string{"x y", "x y"},
		Collectors: []collect.Any{emits(0, nil), emits(0, nil)}, ChunkRows: -1, ChunkBytes: 1 << 30,
		Services: []collect.Service{{ID: "STS", Name: "sts"}, {ID: "STS", Name: "sts", Rate: collect.Rate{PerSecond: 1}},
			{}}})
	for _, want := range []string{`account "1"`, `region "x y"`, "named twice", "two collectors", "AWS is nil",
		"ChunkRows", "ChunkBytes", "Rate is not positive", `"STS" (sts) is named twice`, "no ID"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

// What the SDK cannot read is refused by name; what it can, and the pages behind it,
// arrive.
func TestUnreadableElementOfAnAnswer(t *testing.T) {
	answer := transport(func() (int, string) { return 200, `{"TableNames":["a",7,"b"]}` })
	c := collector(func(ctx context.Context, env *collect.Env, emit func(thing) error) error {
		page, err := dynamodb.NewFromConfig(env.AWS).ListTables(ctx, &dynamodb.ListTablesInput{})
		if err != nil {
			return err
		}
		for _, name := range page.TableNames {
			if err := emit(thing{ID: name}); err != nil {
				return err
			}
		}
		return nil
	})
	cfg := config(c)
	cfg.AWS = func(region string) aws.Config {
		return aws.Config{Region: region, HTTPClient: answer,
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	}
	results, err := newRunner(t, cfg).Once(t.Context())
	if err == nil {
		t.Error("no error")
	}
	r := results[0]
	if r.Outcome != schema.Partial || r.Rows != 2 || r.RefusedRows != 1 ||
		!strings.Contains(r.Refused[0].String(), "ListTables: element 1 of TableNames") {
		t.Errorf("got %s, %d rows, %d refused: %v", r.Outcome, r.Rows, r.RefusedRows, r.Refused)
	}
}

// What has no region is collected once, through the home region, and by no runner of
// other regions.
func TestPerRegionAndGlobal(t *testing.T) {
	for name, test := range map[string]struct {
		reach   collect.Reach
		regions []string
		want    []string
	}{
		"per region": {collect.PerRegion, []string{"eu-central-1", "eu-west-1"},
			[]string{"eu-central-1 false", "eu-west-1 false"}},
		"global": {collect.Global, []string{"eu-central-1", "eu-west-1"}, []string{"eu-west-1 true"}},
		"both": {collect.PerRegionAndGlobal, []string{"eu-central-1", "eu-west-1"},
			[]string{"eu-central-1 false", "eu-west-1 false", "eu-west-1 true"}},
		"both, not home":   {collect.PerRegionAndGlobal, []string{"eu-central-1"}, []string{"eu-central-1 false"}},
		"global, not home": {collect.Global, []string{"eu-central-1"}, nil},
	} {
		var mu sync.Mutex
		var got []string
		c := collector(func(_ context.Context, env *collect.Env, emit func(thing) error) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprint(env.Region, " ", env.Global))
			return emit(thing{ID: "1"})
		})
		c.Reach = test.reach
		cfg := config(c)
		cfg.Regions, cfg.HomeRegion = test.regions, "eu-west-1"
		results, err := newRunner(t, cfg).Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: collected %q, want %q", name, got, test.want)
		}
		var global, scopes int
		for _, r := range results {
			scopes++
			if r.Scope.Region == schema.GlobalRegion {
				global++
			}
		}
		if isGlobal := strings.HasSuffix(strings.Join(test.want, ","), "true"); scopes != len(test.want) ||
			(global == 1) != isGlobal {
			t.Errorf("%s: %d scopes, %d of them global", name, scopes, global)
		}
	}
}

// Each run has the labels for itself, and the version.
func TestLabels(t *testing.T) {
	var got []string
	c := collector(func(_ context.Context, env *collect.Env, _ func(thing) error) error {
		got = append(got, env.Labels["product"]+env.Version)
		env.Labels["product"] = "changed"
		return nil
	})
	cfg := config(c)
	cfg.Labels, cfg.Version = map[string]string{"product": "payments"}, " v1"
	runner := newRunner(t, cfg)
	for range 2 {
		if _, err := runner.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, []string{"payments v1", "payments v1"}) {
		t.Errorf("labels %q", got)
	}
	cfg.Labels = map[string]string{"": "x"}
	if _, err := collect.New(cfg); err == nil || !strings.Contains(err.Error(), "label") {
		t.Errorf("a label without a name: %v", err)
	}
}
