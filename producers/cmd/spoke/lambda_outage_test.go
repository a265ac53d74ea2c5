package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
)

// The categories of an account with outages: one of each way in which they are collected.
type (
	sized struct {
		ID   string `col:"id,key"`
		Size int64  `col:"size_bytes"`
	}
	daily struct {
		Day  schema.Date `col:"day,key,slice"`
		ID   string      `col:"id,key"`
		Size int64       `col:"size_bytes"`
	}
)

var (
	perRegion   = schema.Of[sized](schema.Spec{Name: "per_region", Mode: schema.Snapshot})
	global      = schema.Of[sized](schema.Spec{Name: "global_things", Mode: schema.Snapshot})
	incremental = schema.Of[sized](schema.Spec{Name: "incremental", Mode: schema.Snapshot, Incremental: true})
	inSlices    = schema.Of[daily](schema.Spec{Name: "in_slices", Mode: schema.Snapshot})
	outageDays  = []string{"2026-01-01", "2026-01-02", "2026-01-03"}
	outageAt    = []string{region, "us-east-1"}
)

// value is what a thing is, and what services still say that it is until a change is visible.
type value struct {
	now, before int64 // 0: it is not there
	visible     time.Time
}

// outage is what fails until the next step.
type outage struct {
	collecting map[schema.Scope]error // a scope or, with its slice, a part of it
	slow       map[schema.Scope]bool
	stream     map[schema.Scope]bool // with its slice
	archive    map[schema.Scope]bool
	queue      bool
}

// shaky is an account, a stream, an archive and a queue that fail now and then.
type shaky struct {
	archive.S3
	*rand.Rand // not for what several goroutines call

	mu       sync.Mutex
	rows     map[schema.Scope]map[string]value // by scope with its slice
	outage   outage
	stream   []stream.Message
	archived map[schema.Scope]time.Time // start of the newest complete run
	queue    []string
	log      programtest.Buffer
}

func newShaky(seed uint64) *shaky {
	s := &shaky{Rand: rand.New(rand.NewPCG(seed, 1)), rows: map[schema.Scope]map[string]value{},
		archived: map[schema.Scope]time.Time{}}
	for _, scope := range s.scopes() {
		s.rows[scope] = map[string]value{"a": {now: 1}, "b": {now: 1}}
	}
	return s
}

// scopes are all there are, with their slices.
func (s *shaky) scopes() (scopes []schema.Scope) {
	add := func(category, region, slice string) {
		scopes = append(scopes, schema.Scope{Category: category, Account: account, Region: region, Slice: slice})
	}
	for _, at := range outageAt {
		add(perRegion.Name(), at, "")
		add(incremental.Name(), at, "")
	}
	add(global.Name(), schema.GlobalRegion, "")
	for _, day := range outageDays {
		add(inSlices.Name(), schema.GlobalRegion, day)
	}
	return scopes
}

// change changes a thing, and returns the event that tells of it.
func (s *shaky) change() string {
	scopes := s.scopes()
	scope, id := scopes[s.IntN(len(scopes))], string("abcd"[s.IntN(4)])
	s.mu.Lock()
	defer s.mu.Unlock()
	v, now := s.rows[scope][id], time.Now()
	if !now.Before(v.visible) {
		v.before = v.now
	}
	v.now, v.visible = v.now+1, now.Add(time.Duration(s.IntN(1900))*time.Millisecond)
	if scope.Category != incremental.Name() && s.IntN(4) == 0 {
		v.now = 0
	}
	s.rows[scope][id] = v
	at := scope.Region
	if at == schema.GlobalRegion {
		at = "us-east-1"
	}
	return fmt.Sprintf(`{"detail-type":"Thing Changed","source":"aws.%s","account":%q,"region":%q,"time":%q}`,
		strings.ReplaceAll(scope.Category, "_", "-"), account, at, now.UTC().Format(time.RFC3339Nano))
}

// read emits the visible rows of a scope. Those of an incremental run are all that changed since.
func (s *shaky) read(ctx context.Context, env *collect.Env, category string, names []string,
	emit func(slice, id string, size int64) error) error {
	scope := schema.Scope{Category: category, Account: env.Account, Region: env.Region}
	if env.Global {
		scope.Region = schema.GlobalRegion
	}
	s.mu.Lock()
	outage := s.outage
	s.mu.Unlock()
	if outage.slow[scope] && !sleep(ctx, time.Hour) {
		return ctx.Err()
	}
	if !sleep(ctx, 3*time.Second) {
		return ctx.Err()
	}
	if err := outage.collecting[scope]; err != nil {
		return err
	}
	faults := collect.SliceErrors{}
	for _, slice := range names {
		scope.Slice = slice
		if err := outage.collecting[scope]; err != nil {
			faults[slice] = err
			continue
		}
		s.mu.Lock()
		rows := maps.Clone(s.rows[scope])
		s.mu.Unlock()
		for id, v := range rows {
			size := v.now
			if time.Now().Before(v.visible) {
				size = v.before
			}
			if size == 0 || v.visible.Before(env.Since) {
				continue
			}
			if err := emit(slice, id, size); err != nil {
				return err
			}
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

func (s *shaky) collectors() []collect.Any {
	hints := func(category string) []collect.Hint {
		return []collect.Hint{{Source: "aws." + strings.ReplaceAll(category, "_", "-"), Types: []string{"Thing Changed"}}}
	}
	of := func(category schema.Category[sized], reach collect.Reach) collect.Collector[sized] {
		return collect.Collector[sized]{
			Category: category, Reach: reach, Every: time.Hour, Calls: []string{"x:ListThings"}, Hints: hints(category.Name()),
			Collect: func(ctx context.Context, env *collect.Env, emit func(sized) error) error {
				return s.read(ctx, env, category.Name(), []string{""}, func(_, id string, size int64) error {
					return emit(sized{id, size})
				})
			},
		}
	}
	changed := of(incremental, collect.PerRegion)
	changed.Incremental = &collect.Incremental{FullEvery: 24 * time.Hour, Overlap: 5 * time.Minute}
	return []collect.Any{of(perRegion, collect.PerRegion), of(global, collect.Global), changed, collect.Collector[daily]{
		Category: inSlices, Reach: collect.Global, Every: 6 * time.Hour, Calls: []string{"x:ListThings"},
		Hints: hints(inSlices.Name()), Slices: func(time.Time) []string { return outageDays },
		Collect: func(ctx context.Context, env *collect.Env, emit func(daily) error) error {
			return s.read(ctx, env, inSlices.Name(), outageDays, func(slice, id string, size int64) error {
				day, err := schema.ParseDate(slice)
				return cmp.Or(err, emit(daily{day, id, size}))
			})
		},
	}}
}

// Publish stores what is of scopes that the stream does not refuse; of those it refuses ends.
func (s *shaky) Publish(_ context.Context, messages []stream.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	refused := &stream.PublishError{Err: errors.New("the stream refuses")}
	for i, m := range messages {
		r, err := envelope.Parse(m.Data)
		if err != nil {
			return err
		}
		if s.outage.stream[r.Scope] && (r.End != nil || i%2 == 1) {
			refused.Failed = append(refused.Failed, i)
			continue
		}
		s.stream = append(s.stream, m)
	}
	if refused.Failed != nil {
		return refused
	}
	return nil
}

// PutObject takes note of complete runs.
func (s *shaky) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput,
	error) {
	data, err := io.ReadAll(in.Body)
	if err != nil || !strings.HasSuffix(aws.ToString(in.Key), ".manifest.json") {
		return &s3.PutObjectOutput{}, err
	}
	m, err := archive.ParseManifest(data)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outage.archive[m.Scope()] {
		return nil, errors.New("S3 refuses")
	}
	if at := m.Run.Time(); m.Outcome.Complete() && at.After(s.archived[m.Scope()]) {
		s.archived[m.Scope()] = at
	}
	return &s3.PutObjectOutput{}, nil
}

// Do is SendMessageBatch of the queue.
func (s *shaky) Do(r *http.Request) (*http.Response, error) {
	var in struct {
		Entries []struct{ ID, MessageBody string }
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outage.queue {
		return nil, errors.New("the queue does not answer")
	}
	type sent struct{ Id, MessageId, MD5OfMessageBody string }
	var out struct{ Successful []sent }
	for _, e := range in.Entries {
		sum := md5.Sum([]byte(e.MessageBody))
		s.queue = append(s.queue, e.MessageBody)
		out.Successful = append(out.Successful, sent{e.ID, "m", hex.EncodeToString(sum[:])})
	}
	text, _ := json.Marshal(out)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(text)), Request: r}, nil
}

// function returns one that knows nothing yet.
func (s *shaky) function(t *testing.T) lambdaFunction {
	t.Helper()
	packer, err := envelope.NewPacker(envelope.Config{})
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := archive.New(archive.Config{Client: s, Name: "bucket"})
	if err != nil {
		t.Fatal(err)
	}
	address, err := parseQueueURL("", queueURL)
	if err != nil {
		t.Fatal(err)
	}
	client := sqs.New(sqs.Options{Region: region, HTTPClient: s, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	return lambdaFunction{T: t, stderr: &s.log, function: &function{
		source: source{
			account: account, partition: "aws", regions: outageAt, home: region, collectors: s.collectors(),
			aws: func(region string) aws.Config { return aws.Config{Region: region} },
			to:  &destination{publisher: s, archive: bucket, packer: packer},
		},
		config: collect.Config{Workers: collect.NewWorkers(8), Stateless: true, Logger: slog.New(slog.DiscardHandler)},
		queue:  &queue{address, client},
		log:    slog.New(slog.NewTextHandler(&s.log, nil)), covered: map[schema.Scope]time.Time{},
		took: map[schema.Scope]time.Duration{},
	}}
}

// fail makes up what fails until the next step. What is denied is repeated by schedules alone.
func (s *shaky) fail(denied bool) {
	o := outage{map[schema.Scope]error{}, map[schema.Scope]bool{}, map[schema.Scope]bool{}, map[schema.Scope]bool{},
		s.IntN(8) == 0}
	for _, scope := range s.scopes() {
		whole := unsliced(scope)
		switch s.IntN(16) {
		case 0:
			o.collecting[scope] = errors.New("no answer")
		case 1:
			o.collecting[scope] = &smithy.GenericAPIError{Code: "ThrottlingException"}
		case 2:
			o.stream[scope] = true
		case 3:
			o.archive[scope] = true
		case 4:
			o.slow[whole] = true
		case 5:
			if denied {
				o.collecting[whole] = &smithy.GenericAPIError{Code: "AccessDeniedException"}
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = o
}

func (s *shaky) mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = outage{}
}

const outageTime = 2 * time.Minute // of an invocation

// schedule invokes a function as EventBridge Scheduler does, which tries three times.
func (s *shaky) schedule(f lambdaFunction, input string) {
	for range 3 {
		ctx, cancel := context.WithTimeout(f.Context(), outageTime)
		_, err := f.call(ctx, input)
		cancel()
		if err == nil {
			return
		}
		time.Sleep(time.Minute)
	}
}

// schedules invokes a function by all schedules.
func (s *shaky) schedules(f lambdaFunction) {
	for _, input := range outageSchedules {
		s.schedule(f, input)
	}
}

// deliver invokes a function with some messages of the queue. Those that fail stay there, and of
// the others a few come twice.
func (s *shaky) deliver(f lambdaFunction) {
	f.Helper()
	s.mu.Lock()
	s.Shuffle(len(s.queue), func(i, j int) { s.queue[i], s.queue[j] = s.queue[j], s.queue[i] })
	messages := slices.Clone(s.queue[:min(len(s.queue), batchSize)])
	s.queue = slices.Clone(s.queue[len(messages):])
	s.mu.Unlock()
	if len(messages) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(f.Context(), outageTime)
	defer cancel()
	text, err := f.call(ctx, batch(messages...))
	var answer lambdaevents.SQSEventResponse
	if err == nil {
		err = json.Unmarshal([]byte(text), &answer)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range messages {
		failed := slices.Contains(answer.BatchItemFailures, lambdaevents.SQSBatchItemFailure{ItemIdentifier: fmt.Sprint(i)})
		if err != nil || failed || s.IntN(20) == 0 {
			s.queue = append(s.queue, m)
		}
	}
}

// arrived returns the rows that the stream makes, by the rules of the hub.
func (s *shaky) arrived(t *testing.T) map[schema.Scope]map[string]int64 {
	t.Helper()
	type run struct {
		rows  map[string]int64
		parts map[int]bool
		end   *envelope.EndHeader
	}
	decoder := envelope.NewDecoder()
	defer decoder.Close()
	runs := map[schema.Scope]map[schema.RunID]*run{}
	for _, m := range s.stream {
		r, err := envelope.Parse(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if runs[r.Scope] == nil {
			runs[r.Scope] = map[schema.RunID]*run{}
		}
		of := runs[r.Scope][r.Run]
		if of == nil {
			of = &run{map[string]int64{}, map[int]bool{}, nil}
			runs[r.Scope][r.Run] = of
		}
		if r.End != nil {
			of.end = r.End
			continue
		}
		of.parts[r.Part.Part] = true
		body, err := decoder.Body(nil, r.Part, r.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range envelope.Lines(body) {
			var row struct {
				ID   string      `json:"id"`
				Size json.Number `json:"size_bytes"`
			}
			if err := json.Unmarshal(line, &row); err != nil {
				t.Fatal(err)
			}
			of.rows[row.ID], _ = row.Size.Int64()
		}
	}
	arrived := map[schema.Scope]map[string]int64{}
	for scope, of := range runs {
		rows := map[string]int64{}
		for _, id := range slices.SortedFunc(maps.Keys(of), schema.RunID.Compare) {
			r := of[id]
			if r.end == nil || !r.end.Outcome.Complete() || len(r.parts) < r.end.Parts {
				continue
			}
			if r.end.Extent != schema.Incremental {
				clear(rows)
			}
			maps.Copy(rows, r.rows)
		}
		arrived[scope] = rows
	}
	return arrived
}

// check compares what arrived with the account.
func (s *shaky) check(t *testing.T, what string) {
	t.Helper()
	arrived := s.arrived(t)
	for scope, things := range s.rows {
		want := map[string]int64{}
		var newest time.Time
		for id, v := range things {
			if v.now > 0 {
				want[id] = v.now
			}
			if v.visible.After(newest) {
				newest = v.visible
			}
		}
		if !maps.Equal(arrived[scope], want) {
			t.Errorf("%s: %v is %v, and %v arrived", what, scope, want, arrived[scope])
		}
		if s.archived[scope].Before(newest) {
			t.Errorf("%s: %v changed at %v, and its newest archived run is of %v", what, scope, newest, s.archived[scope])
		}
	}
}

// outages lets the account change while things fail, and delivers what is in the queue until it
// is empty, with nothing failing any more. Of the events, some are lost.
func (s *shaky) outages(t *testing.T, denied bool, lost float64) lambdaFunction {
	t.Helper()
	f := s.function(t)
	s.schedules(f)
	for range 40 {
		s.fail(denied)
		for range s.IntN(4) {
			if event := s.change(); s.Float64() >= lost {
				s.queue = append(s.queue, event)
			}
			time.Sleep(time.Duration(s.IntN(5000)) * time.Millisecond)
		}
		if s.IntN(6) == 0 {
			f = s.function(t) // another process
		}
		if s.IntN(8) == 0 {
			time.Sleep(time.Duration(s.IntN(4*60)) * time.Minute) // nothing invokes it
		}
		switch s.IntN(3) {
		case 0:
			s.schedule(f, outageSchedules[s.IntN(2)])
		default:
			s.deliver(f)
		}
		time.Sleep(time.Duration(s.IntN(20)) * time.Minute)
	}
	s.mend()
	for rounds := 0; len(s.queue) > 0; rounds++ {
		if rounds > 200 {
			t.Fatalf("%d messages are delivered again and again: %s", len(s.queue), s.queue[0])
		}
		s.deliver(f)
	}
	return f
}

// outageSchedules are those of the categories, and the last one reads everything.
var outageSchedules = []string{`{"spoke":1,"every":"1h"}`, `{"spoke":1,"every":"6h"}`, `{"spoke":1,"full":true}`}

// TestLambdaForgetsNothingThatAnEventTold: whatever fails, and however often, once every message
// was answered as done the rows are those of the account, without any schedule; but for what is
// said to be left to the next one, because it did not fit into several invocations.
func TestLambdaForgetsNothingThatAnEventTold(t *testing.T) {
	left := 0
	testOutages(t, func(t *testing.T, s *shaky) {
		f := s.outages(t, false, 0)
		if strings.Contains(s.log.String(), "the next schedule tries it again") {
			left++
			s.schedules(f)
		}
	})
	if left > outageSeeds/2 {
		t.Errorf("%d of %d worlds were left to schedules", left, outageSeeds)
	}
}

// TestLambdaCatchesUpByItsSchedules, also with what is not repeated sooner: what is denied, and
// events that were lost.
func TestLambdaCatchesUpByItsSchedules(t *testing.T) {
	testOutages(t, func(t *testing.T, s *shaky) { s.schedules(s.outages(t, true, 0.3)) })
}

const outageSeeds = 25

func testOutages(t *testing.T, run func(*testing.T, *shaky)) {
	t.Helper()
	once := newShaky(0) // makes the compressors, which have channels, outside of any bubble
	once.function(t).call(t.Context(), outageSchedules[2])
	for seed := range uint64(outageSeeds) {
		synctest.Test(t, func(t *testing.T) {
			s := newShaky(seed)
			run(t, s)
			time.Sleep(3 * time.Second)
			s.check(t, fmt.Sprintf("seed %d", seed))
		})
	}
}
