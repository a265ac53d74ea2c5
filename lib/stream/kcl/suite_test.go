package kcl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/stream"
	publisher "github.com/hubspoke/observability/lib/stream/kinesis"
	"github.com/hubspoke/observability/lib/stream/streamtest"
)

func TestSuiteOnAWSFake(t *testing.T) {
	t.Parallel()
	streamtest.Run(t, streamtest.Harness{
		New: func(t *testing.T, shards int) streamtest.Stream {
			clock := &clock{}
			server := must(awsfake.New(awsfake.Config{Now: clock.now}))
			t.Cleanup(func() { server.Close() })
			cfg := server.AWSConfig(account, region)
			s := newSubject(t, cfg, cfg, shards)
			s.Expire = func(*testing.T) { clock.advance(6 * time.Minute) }
			return s.Stream
		},
		Features: streamtest.Features{Reshard: true, Takeover: true, Balance: true, Expire: true},
		Timeout:  5 * time.Minute,
		Stall:    2 * subjectLease,
	})
}

// The emulators were not written by this project: it does not only test what it
// believes itself.
func TestSuiteOnEmulators(t *testing.T) {
	t.Parallel()
	streams := emulator(t, "kinesalite", `{shardLimit: 1000, createStreamMs: 10, updateStreamMs: 10}`)
	tables := emulator(t, "dynalite", `{createTableMs: 10}`)
	streamtest.Run(t, streamtest.Harness{
		New: func(t *testing.T, shards int) streamtest.Stream {
			return newSubject(t, streams, tables, shards).Stream
		},
		Features: streamtest.Features{Reshard: true, Takeover: true, Balance: true},
		Timeout:  5 * time.Minute,
		Stall:    2 * subjectLease,
	})
}

const subjectLease = 3 * time.Second

// subject is one stream and its workers, for the suite.
type subject struct {
	streamtest.Stream
	streams, tables aws.Config
	kinesis         *kinesis.Client
	name, app       string
}

var subjects atomic.Int32

func newSubject(t *testing.T, streams, tables aws.Config, shards int) *subject {
	n := subjects.Add(1)
	s := &subject{
		streams: streams, tables: tables, kinesis: kinesis.NewFromConfig(streams),
		name: fmt.Sprintf("stream-%d", n), app: fmt.Sprintf("app-%d", n),
	}
	must(s.kinesis.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: &s.name,
		ShardCount: aws.Int32(int32(shards))}))
	s.active(t)
	if err := CreateLeaseTable(t.Context(), dynamodb.NewFromConfig(tables), s.app); err != nil {
		t.Fatal(err)
	}
	s.Stream = streamtest.Stream{
		// kinesalite does not take requests as large as AWS does.
		Publisher: must(publisher.New(publisher.Config{Client: s.kinesis, Stream: s.name, MaxBytes: 2 << 20})),
		Start:     s.start,
		Shards: func(t *testing.T) (open []string) {
			for _, shard := range s.shards(t) {
				if shard.SequenceNumberRange.EndingSequenceNumber == nil {
					open = append(open, *shard.ShardId)
				}
			}
			return open
		},
		Parents: func(t *testing.T, id string) (parents []string) {
			for _, parent := range []*string{s.shard(t, id).ParentShardId, s.shard(t, id).AdjacentParentShardId} {
				if parent != nil {
					parents = append(parents, *parent)
				}
			}
			return parents
		},
		Split: func(t *testing.T, id string) {
			keys := s.shard(t, id).HashKeyRange
			from, _ := new(big.Int).SetString(*keys.StartingHashKey, 10)
			to, _ := new(big.Int).SetString(*keys.EndingHashKey, 10)
			middle := from.Add(from, to).Rsh(from, 1).String()
			must(s.kinesis.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamName: &s.name, ShardToSplit: &id,
				NewStartingHashKey: &middle}))
			s.active(t)
		},
		Merge: func(t *testing.T, a, b string) {
			must(s.kinesis.MergeShards(t.Context(), &kinesis.MergeShardsInput{StreamName: &s.name, ShardToMerge: &a,
				AdjacentShardToMerge: &b}))
			s.active(t)
		},
	}
	return s
}

func (s *subject) active(t *testing.T) {
	for {
		about := must(s.kinesis.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &s.name}))
		if about.StreamDescriptionSummary.StreamStatus == types.StreamStatusActive {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *subject) shards(t *testing.T) []types.Shard {
	return must(s.kinesis.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: &s.name})).Shards
}

func (s *subject) shard(t *testing.T, id string) types.Shard {
	for _, shard := range s.shards(t) {
		if *shard.ShardId == id {
			return shard
		}
	}
	t.Errorf("no shard %s", id)
	return types.Shard{}
}

func (s *subject) start(t *testing.T, sink stream.Sink) streamtest.Worker {
	t.Helper()
	life := &life{}
	streams, tables := s.streams, s.tables
	streams.HTTPClient, tables.HTTPClient = cutOff{streams.HTTPClient, life}, cutOff{tables.HTTPClient, life}
	worker := must(New(Config{
		LeaseTable: s.app, Stream: s.name, Kinesis: kinesis.NewFromConfig(streams), DynamoDB: dynamodb.NewFromConfig(tables),
		LeaseDuration: subjectLease, ShardSyncInterval: 50 * time.Millisecond, IdleBetweenReads: 20 * time.Millisecond,
		DrainTimeout: 2 * time.Second,
	}, mortalSink{sink, life}))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var err error
	go func() {
		defer close(done)
		err = worker.Run(ctx)
	}()
	end := func() error {
		cancel()
		<-done
		return err
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	return streamtest.Worker{Stop: end, Kill: func() { life.over.Store(true) }}
}

// life of a worker that may be killed: then it reaches neither AWS nor the sink.
type life struct{ over atomic.Bool }

var errDead = errors.New("dead")

type cutOff struct {
	aws.HTTPClient
	life *life
}

func (c cutOff) Do(r *http.Request) (*http.Response, error) {
	if c.life.over.Load() {
		return nil, errDead
	}
	return c.HTTPClient.Do(r)
}

type mortalSink struct {
	stream.Sink
	life *life
}

func (m mortalSink) Progress(ctx context.Context, shard string) (stream.Position, error) {
	if m.life.over.Load() {
		return stream.Position{}, errDead
	}
	return m.Sink.Progress(ctx, shard)
}

func (m mortalSink) Open(shard string, from stream.Position) stream.Session {
	if m.life.over.Load() {
		return mortalSession{nil, m.life}
	}
	return mortalSession{m.Sink.Open(shard, from), m.life}
}

type mortalSession struct {
	stream.Session
	life *life
}

func (m mortalSession) Deliver(ctx context.Context, records []stream.Record) error {
	if m.life.over.Load() {
		return errDead
	}
	return m.Session.Deliver(ctx, records)
}

func (m mortalSession) Drain(ctx context.Context) (stream.Position, error) {
	if m.life.over.Load() {
		return stream.Position{}, errDead
	}
	return m.Session.Drain(ctx)
}

func (m mortalSession) End(ctx context.Context) error {
	if m.life.over.Load() {
		return errDead
	}
	return m.Session.End(ctx)
}

func (m mortalSession) Abandon() {
	if !m.life.over.Load() {
		m.Session.Abandon()
	}
}

// emulator starts one of the emulators of internal/emulators on a free port of
// the loopback interface.
func emulator(t *testing.T, name, options string) aws.Config {
	t.Helper()
	dir := emulators(t)
	// The emulator ends with its input, so that it cannot outlive the test. A client
	// that hangs up in the middle of a request would end kinesalite; a worker that
	// stops does that.
	cmd := exec.Command("node", "-e", `
		const server = require('`+name+`')(`+options+`).listen(0, '127.0.0.1', () => console.log(server.address().port))
		process.on('uncaughtException', error => { if (error.code !== 'ECONNRESET') throw error })
		process.stdin.on('end', () => process.exit(0)).resume()`)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "AWS_ACCOUNT_ID="+account), os.Stderr
	stdin, stdout := must(cmd.StdinPipe()), must(cmd.StdoutPipe())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("%s did not start: %v", name, err)
	}
	go io.Copy(io.Discard, stdout)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return aws.Config{
		Region: region, BaseEndpoint: aws.String("http://127.0.0.1:" + strings.TrimSpace(line)),
		Credentials: credentials.NewStaticCredentialsProvider("AKIA"+account, "secret", ""),
		HTTPClient:  &http.Client{Transport: transport},
	}
}

// emulators is where npm has installed the emulators. Where it has not, the test
// is skipped, except in CI.
func emulators(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		programtest.Missing(t, "the suite does not run on the emulators: Node.js is missing")
	}
	dir := must(os.Getwd())
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(dir, "internal", "emulators")
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		programtest.Missing(t, "the suite does not run on the emulators: they are not installed; install them: "+
			"npm ci --prefix internal/emulators")
	}
	return dir
}
