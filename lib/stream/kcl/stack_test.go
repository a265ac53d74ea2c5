package kcl

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/vmware/vmware-go-kcl-v2/clientlibrary/partition"
	"go.uber.org/goleak"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "111111111111"
	region  = "eu-central-1"
	app     = "leases"
	events  = "events"
)

// stack is one stream and one lease table in an awsfake of their own.
type stack struct {
	*testing.T
	aws      *awsfake.Server
	kinesis  *kinesis.Client
	dynamodb *dynamodb.Client
	arn      string
}

func newStack(t *testing.T, shards int, cfg awsfake.Config) *stack {
	t.Helper()
	t.Parallel()
	server, err := awsfake.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	c := server.AWSConfig(account, region)
	s := &stack{t, server, kinesis.NewFromConfig(c), dynamodb.NewFromConfig(c), awsfake.StreamARN(account, region, events)}
	must(s.kinesis.CreateStream(s.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(events),
		ShardCount: aws.Int32(int32(shards))}))
	if err := CreateLeaseTable(s.Context(), s.dynamodb, app); err != nil {
		t.Fatal(err)
	}
	return s
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// config is for tests in which no lease expires, however busy the machine is.
func (s *stack) config() Config {
	return Config{
		LeaseTable: app, Stream: events, Kinesis: s.kinesis, DynamoDB: s.dynamodb,
		LeaseDuration: 15 * time.Second, ShardSyncInterval: 50 * time.Millisecond, IdleBetweenReads: 50 * time.Millisecond,
		DrainTimeout: 5 * time.Second, Logger: slog.New(slog.NewTextHandler(&testLog{t: s.T},
			&slog.HandlerOptions{Level: logLevel()})),
	}
}

func logLevel() slog.Level {
	if os.Getenv("KCL_DEBUG") != "" {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// hasty is a config for tests in which leases expire or calls time out.
func (s *stack) hasty() Config {
	cfg := s.config()
	cfg.LeaseDuration = 2 * time.Second
	return cfg
}

// testLog writes to the test's log, as long as the test lasts.
type testLog struct {
	t  *testing.T
	mu sync.Mutex
}

func (l *testLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.t.Context().Err() == nil {
		l.t.Log(string(bytes.TrimSpace(line)))
	}
	return len(line), nil
}

// running is a worker at work.
type running struct {
	stack  *stack
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

func (s *stack) start(cfg Config, sink *streamtest.Sink) *running {
	s.Helper()
	worker, err := New(cfg, sink)
	if err != nil {
		s.Fatal(err)
	}
	return s.run(worker)
}

func (s *stack) run(worker *Worker) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{stack: s, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = worker.Run(ctx)
	}()
	s.Cleanup(r.stop)
	return r
}

// stop stops the worker and fails the test unless that takes less than half a minute.
func (r *running) stop() {
	r.stack.Helper()
	r.cancel()
	if err := r.wait(); err != nil {
		r.stack.Error(err)
	}
}

func (r *running) wait() error {
	select {
	case <-r.done:
		return r.err
	case <-time.After(5 * time.Minute):
		return fmt.Errorf("Run did not return")
	}
}

// until waits for a condition of the sink.
func (s *stack) until(sink *streamtest.Sink, what string, condition func() bool) {
	s.Helper()
	ctx, cancel := withTimeout(s.T)
	defer cancel()
	if err := sink.Wait(ctx, condition); err != nil {
		s.Fatalf("%s: %v", what, err)
	}
}

// poll waits for a condition that tells nobody when it comes true.
func (s *stack) poll(what string, condition func() bool) {
	s.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatal(what)
		}
	}
}

// put puts records into a shard.
func (s *stack) put(shard string, data ...string) {
	s.Helper()
	for _, d := range data {
		must(s.kinesis.PutRecord(s.Context(), &kinesis.PutRecordInput{
			StreamName: aws.String(events), PartitionKey: aws.String("key"),
			ExplicitHashKey: s.shard(shard).HashKeyRange.StartingHashKey, Data: []byte(d),
		}))
	}
}

// batch puts records into a shard in one call, so that they are read together.
func (s *stack) batch(shard string, data ...string) {
	s.Helper()
	var entries []types.PutRecordsRequestEntry
	for _, d := range data {
		entries = append(entries, types.PutRecordsRequestEntry{
			PartitionKey: aws.String("key"), ExplicitHashKey: s.shard(shard).HashKeyRange.StartingHashKey, Data: []byte(d),
		})
	}
	out := must(s.kinesis.PutRecords(s.Context(),
		&kinesis.PutRecordsInput{StreamName: aws.String(events), Records: entries}))
	if *out.FailedRecordCount > 0 {
		s.Fatal("records refused")
	}
}

func (s *stack) shards() []types.Shard {
	return must(s.kinesis.ListShards(s.Context(), &kinesis.ListShardsInput{StreamName: aws.String(events)})).Shards
}

func (s *stack) shard(id string) types.Shard {
	for _, shard := range s.shards() {
		if *shard.ShardId == id {
			return shard
		}
	}
	s.Fatalf("no shard %s", id)
	return types.Shard{}
}

// shardName is the name of the n-th shard.
func shardName(n int) string { return fmt.Sprintf("shardId-%012d", n) }

var (
	shard0 = shardName(0)
	shard1 = shardName(1)
	shard2 = shardName(2)
)

func (s *stack) split(shard string) {
	s.Helper()
	keys := s.shard(shard).HashKeyRange
	from, _ := new(big.Int).SetString(*keys.StartingHashKey, 10)
	to, _ := new(big.Int).SetString(*keys.EndingHashKey, 10)
	middle := from.Add(from, to).Rsh(from, 1)
	must(s.kinesis.SplitShard(s.Context(), &kinesis.SplitShardInput{
		StreamName: aws.String(events), ShardToSplit: &shard, NewStartingHashKey: aws.String(middle.String()),
	}))
}

func (s *stack) merge(a, b string) {
	s.Helper()
	must(s.kinesis.MergeShards(s.Context(), &kinesis.MergeShardsInput{StreamName: aws.String(events), ShardToMerge: &a,
		AdjacentShardToMerge: &b}))
}

// parents are a shard's parents, for [streamtest.Sink].
func (s *stack) parents(shard string) (parents []string) {
	for _, listed := range s.shards() {
		if *listed.ShardId == shard {
			for _, parent := range []*string{listed.ParentShardId, listed.AdjacentParentShardId} {
				if parent != nil {
					parents = append(parents, *parent)
				}
			}
		}
	}
	return parents
}

func (s *stack) table() *table {
	return &table{client: s.dynamodb, name: app, lease: time.Second, call: time.Second}
}

// owner is the worker that a shard's lease names.
func (s *stack) owner(shard string) string {
	s.Helper()
	return must(s.table().claims(s.Context()))[shard].owner
}

// texts are the data of a shard's applied records.
func texts(sink *streamtest.Sink, shard string) string {
	var all []string
	for _, r := range sink.Applied(shard) {
		all = append(all, string(r.Data))
	}
	return strings.Join(all, " ")
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// contains checks that an error says all of it.
func contains(t *testing.T, err error, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v does not say %q", err, text)
		}
	}
}

// leaseItems are the items of the lease table as they are.
func (s *stack) leaseItems() []map[string]dynamodbtypes.AttributeValue {
	return must(s.dynamodb.Scan(s.Context(), &dynamodb.ScanInput{TableName: aws.String(app)})).Items
}

// clock is a clock that can be put forward.
type clock struct {
	mu      sync.Mutex
	forward time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.forward)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forward += d
}

func withTimeout(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 5*time.Minute)
}

// newStatus is what the library knows of a shard.
func newStatus(shard string) *partition.ShardStatus {
	return &partition.ShardStatus{ID: shard, Mux: &sync.RWMutex{}}
}

func ptr[T any](v T) *T { return &v }
