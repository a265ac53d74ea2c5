package kcl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	library "github.com/vmware/vmware-go-kcl-v2/clientlibrary/worker"
	"golang.org/x/sync/semaphore"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

func TestNewReportsAllFaults(t *testing.T) {
	_, err := New(Config{MaxRecords: 20_000, LeaseDuration: time.Microsecond}, nil)
	contains(t, err, "a Sink is needed", "Config.LeaseTable is needed", "Config.Stream is needed",
		"Config.Kinesis is needed",
		"Config.DynamoDB is needed", "Config.LeaseDuration is 1µs", "Config.MaxRecords is 20000")
	_, err = New(Config{Stream: "arn:aws:kinesis:eu-central-1:111111111111:events"}, nil)
	contains(t, err, `Config.Stream "arn:aws:kinesis:eu-central-1:111111111111:events" is not the ARN of a stream`)
}

func TestDefaults(t *testing.T) {
	cfg := Config{}.withDefaults()
	equal(t, "LeaseDuration", cfg.LeaseDuration, 20*time.Second)
	equal(t, "ShardSyncInterval", cfg.ShardSyncInterval, time.Second)
	equal(t, "DrainTimeout", cfg.DrainTimeout, 25*time.Second)
	equal(t, "MaxRecords", cfg.MaxRecords, 10_000)
}

func TestRunNamesWhatIsMissing(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	cfg := s.config()
	cfg.Stream, cfg.LeaseTable = "nothing", "nowhere"
	err := must(New(cfg, &streamtest.Sink{})).Run(t.Context())
	contains(t, err, "stream nothing does not exist in "+region, "aws kinesis create-stream --stream-name nothing",
		"lease table nowhere does not exist", "aws dynamodb create-table --table-name nowhere")

	must(s.dynamodb.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("other"), BillingMode: dynamodbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{{AttributeName: aws.String("leaseKey"),
			AttributeType: dynamodbtypes.ScalarAttributeTypeS}},
		KeySchema: []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("leaseKey"),
			KeyType: dynamodbtypes.KeyTypeHash}},
	}))
	cfg.Stream, cfg.LeaseTable = events, "other"
	contains(t, must(New(cfg, &streamtest.Sink{})).Run(t.Context()), "table other has the key leaseKey")

	for operation, text := range map[string]string{
		"kinesis:DescribeStreamSummary": "is kinesis:DescribeStreamSummary allowed?",
		"kinesis:ListShards":            "is kinesis:ListShards allowed?",
		"dynamodb:Scan":                 "is dynamodb:Scan allowed?",
		"dynamodb:UpdateItem":           "is dynamodb:UpdateItem allowed?",
	} {
		deny := s.aws.Inject(awsfake.Fault{Operation: operation, Effect: awsfake.Deny})
		contains(t, must(New(s.config(), &streamtest.Sink{})).Run(t.Context()), text)
		deny.Remove()
	}
}

func TestRunReturnsWhenTheStreamGoesAway(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{Hold: 10}
	s.put(shard0, "a")
	worker := must(New(s.config(), sink))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := &running{stack: s, cancel: cancel, done: make(chan struct{})}
	go func() { defer close(r.done); r.err = worker.Run(ctx) }()
	s.until(sink, "a", func() bool { return sink.Delivered() == 1 })
	must(s.kinesis.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String(events)}))
	contains(t, r.wait(), "stream events is gone")
	equal(t, "drained", texts(sink, shard0), "a")
}

func TestRunReturnsWhenTheTableGoesAway(t *testing.T) {
	s, sink := newStack(t, 2, awsfake.Config{}), &streamtest.Sink{}
	worker := must(New(s.config(), sink))
	done := make(chan error, 1)
	go func() { done <- worker.Run(t.Context()) }()
	s.until(sink, "sessions", func() bool { return len(sink.Shards()) == 2 })
	must(s.dynamodb.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String(app)}))
	contains(t, <-done, "lease table leases is gone")
}

func TestRunWithADoneContext(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := must(New(s.config(), &streamtest.Sink{})).Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestStopDrainsAndFreesTheLeases(t *testing.T) {
	s, sink := newStack(t, 3, awsfake.Config{}), &streamtest.Sink{Hold: 100}
	for i := range 3 {
		s.put(shardName(i), "a", "b")
	}
	r := s.start(s.config(), sink)
	s.until(sink, "delivered", func() bool { return sink.Delivered() == 6 })
	equal(t, "applied before the stop", sink.Count(), 0)
	r.stop()
	equal(t, "applied", sink.Count(), 6)
	claims := must(s.table().claims(t.Context()))
	equal(t, "rows", len(claims), 3)
	for shard, claim := range claims {
		equal(t, shard, claim.owner, "")
	}
}

// A worker that stops while Deliver waits delivers no more of what it has read. What
// the Sink has accepted is drained, and the shard has not ended, although all of it
// was read.
func TestStopBetweenTwoDeliveries(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	second, release := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	sink := &streamtest.Sink{Hold: 100, BeforeDeliver: func(ctx context.Context, shard string,
		records []stream.Record) error {
		if shard == shard0 && len(records) > 0 && calls.Add(1) == 2 {
			close(second)
			return await(ctx, release)
		}
		return nil
	}}
	s.batch(shard0, slices.Repeat([]string{"x"}, 2*atOnce+5)...)
	s.split(shard0)
	r := s.start(s.config(), sink)
	<-second
	r.cancel()
	s.poll("the worker stops", func() bool { return len(must(s.table().claims(t.Context()))) == 1 })
	close(release)
	r.stop()
	equal(t, "applied", sink.Count(), 2*atOnce)
	equal(t, "ended", sink.Ended(shard0), false)
	s.start(s.config(), sink)
	s.until(sink, "the end", func() bool { return sink.Ended(shard0) })
	equal(t, "applied", sink.Count(), 2*atOnce+5)
}

// Hooks that panic end neither the process nor the reading, and no lease is kept.
func TestHooksThatPanic(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	cfg := s.hasty()
	var taken, ended, read, readFailed, renewFailed atomic.Bool
	hook := func(called *atomic.Bool) { called.Store(true); panic("scripted") }
	cfg.Hooks = Hooks{
		LeaseTaken:  func(string) { hook(&taken) },
		LeaseEnded:  func(string, error) { hook(&ended) },
		Read:        func(string, int, int, time.Duration) { hook(&read) },
		ReadFailed:  func(string, error) { hook(&readFailed) },
		RenewFailed: func(string, error) { hook(&renewFailed) },
	}
	r := s.start(cfg, sink)
	s.until(sink, "session", func() bool { return sink.Opened(shard0) == 1 })
	s.aws.Inject(awsfake.Fault{Operation: "kinesis:GetRecords", Effect: awsfake.ServerError, Times: 1})
	s.aws.Inject(awsfake.Fault{
		Operation: "dynamodb:UpdateItem", Effect: awsfake.ServerError, Times: 1,
		When: func(c awsfake.Call) bool { return bytes.Contains(c.Body, []byte(shard0)) },
	})
	s.poll("failures", func() bool { return readFailed.Load() && renewFailed.Load() })
	s.put(shard0, "a")
	s.until(sink, "a", func() bool { return texts(sink, shard0) == "a" })
	equal(t, "sessions", sink.Opened(shard0), 1)
	r.stop()
	equal(t, "all hooks were called", taken.Load() && ended.Load() && read.Load(), true)
	equal(t, "owner", s.owner(shard0), "")
}

// A lease that the library does not know of is given up as well.
func TestStopGivesUpEveryLease(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	r := must(New(s.config(), &streamtest.Sink{})).newRun(t.Context())
	must(r.listShards())
	if err := r.GetLease(newStatus(shard0), ""); err != nil {
		t.Fatal(err)
	}
	equal(t, "owner", s.owner(shard0), r.worker)
	beating := make(chan struct{})
	close(beating)
	r.stop(library.NewWorker(r, r.library), beating)
	equal(t, "owner", s.owner(shard0), "")
	equal(t, "leases", len(r.held()), 0)
}

// Deliver errors, panics and errors of Progress: the shard is opened again from
// where the Sink is.
func TestSinkThatFails(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("database is away") },
		"panic": func() error { panic("out of range") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, 1, awsfake.Config{})
			var deliveries, calls atomic.Int32
			sink := &streamtest.Sink{
				BeforeDeliver: func(context.Context, string, []stream.Record) error {
					if n := deliveries.Add(1); n == 2 || n == 3 {
						return fail()
					}
					return nil
				},
				BeforeProgress: func(context.Context, string) error {
					if n := calls.Add(1); n == 1 || n == 3 || n == 4 {
						return fail()
					}
					return nil
				},
			}
			ended := make(chan error, 100)
			cfg := s.config()
			cfg.Hooks.LeaseEnded = func(_ string, err error) { ended <- err }
			s.put(shard0, "a")
			s.run(must(New(cfg, recovering{sink})))
			s.until(sink, "a", func() bool { return texts(sink, shard0) == "a" })
			s.put(shard0, "b")
			s.until(sink, "b", func() bool { return texts(sink, shard0) == "a b" })
			for range 2 { // one position, two deliveries; the other positions were no leases yet
				if text := fmt.Sprint(<-ended); strings.Count(text, "database is away")+strings.Count(text, "out of range") != 1 {
					t.Errorf("a lease ended with %s", text)
				}
			}
		})
	}
}

// recovering makes up for a streamtest.Session that cannot be used after a panic.
type recovering struct{ *streamtest.Sink }

func (r recovering) Open(shard string, from stream.Position) stream.Session {
	return &recoveringSession{Session: r.Sink.Open(shard, from)}
}

type recoveringSession struct {
	stream.Session
	panicked atomic.Bool
}

func (s *recoveringSession) Deliver(ctx context.Context, records []stream.Record) error {
	defer func() {
		if v := recover(); v != nil {
			s.panicked.Store(true)
			panic(v)
		}
	}()
	return s.Session.Deliver(ctx, records)
}

// A panic in any method of the Sink does not end the process.
func TestPanicsEverywhere(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	sink := &panicking{}
	sink.left.Store(6)
	s.put(shard0, "a")
	s.run(must(New(s.config(), sink)))
	s.until(&sink.Sink, "a", func() bool { return texts(&sink.Sink, shard0) == "a" })
}

type panicking struct {
	streamtest.Sink
	left atomic.Int32
}

func (p *panicking) panic() {
	if p.left.Add(-1) >= 0 {
		panic("scripted")
	}
}

func (p *panicking) Progress(ctx context.Context, shard string) (stream.Position, error) {
	p.panic()
	return p.Sink.Progress(ctx, shard)
}

func (p *panicking) Open(shard string, from stream.Position) stream.Session {
	p.panic()
	return p.Sink.Open(shard, from)
}

func TestLeaseIsNotRenewedInTime(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{Hold: 10}
	ended := make(chan error, 1)
	cfg := s.hasty()
	cfg.Hooks.LeaseEnded = func(_ string, err error) { ended <- err }
	s.put(shard0, "a")
	s.start(cfg, sink)
	s.until(sink, "a", func() bool { return sink.Delivered() == 1 })
	began := time.Now()
	outage := s.aws.Inject(awsfake.Fault{Operation: "dynamodb:UpdateItem", Effect: awsfake.BlackHole})
	contains(t, <-ended, "lease lost: not renewed in time")
	if took := time.Since(began); took > cfg.LeaseDuration+time.Minute {
		t.Errorf("the session was abandoned after %v", took)
	}
	equal(t, "applied", sink.Count(), 0)
	outage.Remove()
	s.until(sink, "a again", func() bool { return sink.Delivered() == 2 })
}

// Records that the Sink does not accept bound what is read of other shards, and all
// of the room comes back.
func TestReadsWaitForTheSink(t *testing.T) {
	s := newStack(t, 2, awsfake.Config{})
	stuck, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	sink := &streamtest.Sink{BeforeDeliver: func(ctx context.Context, shard string, records []stream.Record) error {
		if shard == shard0 && len(records) > 0 {
			once.Do(func() { close(stuck) })
			return await(ctx, release)
		}
		return nil
	}}
	worker := must(New(s.config(), sink))
	worker.unaccepted = semaphore.NewWeighted(maxRead) // room for one read
	s.put(shard0, "a")
	r := s.run(worker)
	<-stuck
	s.until(sink, "the other session", func() bool { return sink.Opened(shard1) == 1 })
	lists, reads := s.aws.Calls("kinesis:ListShards"), s.aws.Calls("kinesis:GetRecords")
	s.put(shard1, "b")
	s.poll("passes", func() bool { return s.aws.Calls("kinesis:ListShards") > lists+20 })
	if more := s.aws.Calls("kinesis:GetRecords") - reads; more > 1 || sink.Delivered() > 0 { // one may have been under way
		t.Errorf("%d reads, %d records delivered while there was no room", more, sink.Delivered())
	}
	close(release)
	s.until(sink, "both", func() bool { return sink.Count() == 2 })
	s.aws.Inject(awsfake.Fault{Operation: "kinesis:GetRecords", Effect: awsfake.ServerError, Times: 3})
	s.put(shard1, "c")
	s.until(sink, "after failed reads", func() bool { return texts(sink, shard1) == "b c" })
	r.stop()
	equal(t, "all of the room is there", worker.unaccepted.TryAcquire(maxRead), true)
}

func TestLostAnswersOfDynamoDB(t *testing.T) {
	s, sink := newStack(t, 2, awsfake.Config{Seed: 1}), &streamtest.Sink{}
	lost := s.aws.Inject(awsfake.Fault{Operation: "dynamodb:UpdateItem", Effect: awsfake.LostAnswer, Times: 10})
	s.put(shard0, "a")
	s.put(shard1, "b")
	s.start(s.hasty(), sink)
	s.until(sink, "records", func() bool { return sink.Count() == 2 })
	s.poll("lost answers", func() bool { return lost.Count() == 10 })
	s.put(shard0, "c")
	s.until(sink, "c", func() bool { return texts(sink, shard0) == "a c" })
}

func TestStreamOfAnotherAccount(t *testing.T) {
	s, sink := newStack(t, 2, awsfake.Config{}), &streamtest.Sink{}
	must(s.kinesis.PutResourcePolicy(t.Context(),
		&kinesis.PutResourcePolicyInput{ResourceARN: &s.arn, Policy: aws.String(`{
		"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Resource": "` + s.arn + `",
		"Action": ["kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords"]}]}`)}))
	cfg := s.config()
	other := s.aws.AWSConfig("222222222222", region)
	cfg.Stream = s.arn
	cfg.Kinesis, cfg.DynamoDB = kinesis.NewFromConfig(other), dynamodb.NewFromConfig(other)
	if err := CreateLeaseTable(t.Context(), cfg.DynamoDB, app); err != nil {
		t.Fatal(err)
	}
	s.put(shard0, "a")
	s.put(shard1, "b")
	s.start(cfg, sink)
	s.until(sink, "records", func() bool { return sink.Count() == 2 })
}

func TestStartAtATime(t *testing.T) {
	s, sink := newStack(t, 1, awsfake.Config{}), &streamtest.Sink{}
	s.put(shard0, "before")
	time.Sleep(2 * time.Millisecond) // arrival times are milliseconds
	s.put(shard0, "after")
	cfg := s.config()
	cfg.Start = must(s.aws.Records(s.arn))[1].Arrived
	s.start(cfg, sink)
	s.until(sink, "record", func() bool { return sink.Count() > 0 })
	equal(t, "records", texts(sink, shard0), "after")
}

func TestCreateLeaseTableTwice(t *testing.T) {
	s := newStack(t, 1, awsfake.Config{})
	if err := CreateLeaseTable(t.Context(), s.dynamodb, app); err != nil {
		t.Error(err)
	}
	table := must(s.dynamodb.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(app)})).Table
	equal(t, "billing", table.BillingModeSummary.BillingMode, dynamodbtypes.BillingModePayPerRequest)
}

func TestRetries(t *testing.T) {
	r := retries{interval: time.Second, failed: map[string]failures{}}
	wait := func() time.Duration { return time.Until(r.failed["s"].after).Round(time.Second) }
	failure := errors.New("failure")
	for _, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		r.note("s", failure, false)
		equal(t, "wait", wait(), want*time.Second)
	}
	equal(t, "waits", r.wait("s"), true)
	r.note("s", failure, true)
	equal(t, "wait after some success", wait(), time.Second)
	r.note("s", nil, true)
	equal(t, "waits", r.wait("s"), false)
}

func TestLibraryLog(t *testing.T) {
	var lines syncBuffer
	log := libraryLogger{slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	log.Infof("Found %d shards", 3)
	log.Errorf("Error in getRecords: %+v", errors.New("boom"))
	log.Errorf("Error in getRecords: %+v", reported{errStopped})
	log.Fatalf("end of the %s", "process")
	log.WithFields(map[string]any{"shard": "s"}).Warnf("odd")
	for _, want := range []string{
		`level=DEBUG msg="Found 3 shards" from=vmware-go-kcl`, `level=WARN msg="Error in getRecords: boom"`,
		`level=DEBUG msg="Error in getRecords: the worker stops"`, `level=ERROR msg="end of the process"`, `shard=s`,
	} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("no %q in\n%s", want, lines.String())
		}
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
