package kcl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/uuid"
	"github.com/vmware/vmware-go-kcl-v2/clientlibrary/worker"
	"golang.org/x/sync/semaphore"

	"github.com/hubspoke/observability/lib/stream"
)

// Worker reads its share of a stream's shards into a Sink.
type Worker struct {
	cfg  Config
	sink stream.Sink
	// unaccepted is for the bytes of records that were read, or are being read, and
	// that the Sink has not accepted.
	unaccepted *semaphore.Weighted
}

const (
	// maxRead is the most bytes that one read returns.
	maxRead = 10 << 20
	// maxUnaccepted is how many bytes of records wait for the Sink, of all shards
	// together. A read is made only when there is room for all that it may return.
	maxUnaccepted = 4 * maxRead
)

// New returns a Worker, or all faults of cfg at once. It calls nobody.
func New(cfg Config, sink stream.Sink) (*Worker, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(sink); err != nil {
		return nil, err
	}
	return &Worker{cfg, sink, semaphore.NewWeighted(maxUnaccepted)}, nil
}

// Run works until ctx is done. Then it takes no more records, has what it
// delivered applied, gives the leases up, and returns nil; after
// Config.DrainTimeout it returns in any case, and what was not applied will be
// read again.
//
// It returns an error when it cannot work: the stream or the lease table is
// missing or may not be used, or goes away. Everything else is logged and tried
// again.
//
// Each Run is a worker of its own, with a new name in the lease table. Two may run
// side by side and share the shards, in one process or in several.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.check(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	r := w.newRun(context.WithoutCancel(ctx))
	library := worker.NewWorker(r, r.library).WithKinesis(r.client()).WithCheckpointer(r)
	if err := library.Start(); err != nil {
		r.stopReading(err)
		r.stopDraining(err)
		return fmt.Errorf("kcl: start: %w", err)
	}
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		r.heartbeat(r.reading)
	}()
	var broken error
	select {
	case <-ctx.Done():
	case broken = <-r.broken:
	}
	r.stop(library, beating)
	return broken
}

func (w *Worker) newRun(base context.Context) *run {
	// A name that was never used before: the library misbehaves when a worker
	// comes back under its old one.
	name := uuid.NewString()
	r := &run{
		cfg: w.cfg, sink: w.sink, log: w.cfg.Logger.With("worker", name), worker: name,
		table: table{w.cfg.DynamoDB, w.cfg.LeaseTable, w.cfg.LeaseDuration, w.cfg.LeaseDuration / 5},
		progress: progress{sink: w.sink, trust: w.cfg.ShardSyncInterval, call: w.cfg.LeaseDuration,
			at: map[string]answer{}},
		unaccepted: w.unaccepted,
		base:       base,
		leases:     map[string]*lease{},
		broken:     make(chan error, 1),
		library:    libraryConfig(w.cfg, name),
		vanished:   map[string]bool{},
		waiting:    map[string]time.Time{},
		retries:    retries{interval: w.cfg.ShardSyncInterval, failed: map[string]failures{}},
	}
	r.streamName, r.streamARN = w.cfg.names()
	r.draining, r.stopDraining = context.WithCancelCause(base)
	r.reading, r.stopReading = context.WithCancelCause(base)
	return r
}

// names are the parameters that name the stream in calls to Kinesis.
func (c Config) names() (name, byARN *string) {
	if arn.IsARN(c.Stream) {
		return nil, &c.Stream
	}
	return &c.Stream, nil
}

// stop ends the run: four fifths of the time are for draining, one is for giving
// the leases up.
func (r *run) stop(library *worker.Worker, beating <-chan struct{}) {
	r.stopReading(errStopped)
	done := make(chan struct{})
	go func() {
		defer close(done)
		library.Shutdown()
		for _, l := range r.held() { // those that the library does not know of
			l.finish()
		}
		<-beating
	}()
	timeout := time.NewTimer(r.cfg.DrainTimeout / 5 * 4)
	defer timeout.Stop()
	select {
	case <-done:
	case <-timeout.C:
		r.stopDraining(errDrainTimeout)
		for _, l := range r.held() {
			l.fail(errDrainTimeout)
			go l.finish()
		}
		timeout.Reset(r.cfg.DrainTimeout / 5)
		select {
		case <-done:
		case <-timeout.C:
			held := r.held()
			for _, l := range held { // what is stuck must not keep them
				l.stopRenewal()
			}
			r.log.Warn("the worker leaves before all its shards were given up, their leases have to expire", "shards", len(held))
		}
	}
	r.stopDraining(errStopped)
}

// check says what is missing before anything is started, and the next step.
func (w *Worker) check(ctx context.Context) error {
	if err := errors.Join(w.checkStream(ctx), w.checkTable(ctx)); err != nil {
		return err
	}
	return w.bind(ctx)
}

func (w *Worker) checkStream(ctx context.Context) error {
	name, arn := w.cfg.names()
	called := w.cfg.streamName()
	about, err := w.cfg.Kinesis.DescribeStreamSummary(ctx,
		&kinesis.DescribeStreamSummaryInput{StreamName: name, StreamARN: arn})
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("kcl: stream %s does not exist in %s; make it: aws kinesis create-stream --stream-name %s: %w",
			called, w.cfg.Kinesis.Options().Region, called, err)
	case err != nil:
		return fmt.Errorf("kcl: describe stream %s (is kinesis:DescribeStreamSummary allowed?): %w", called, err)
	}
	switch status := about.StreamDescriptionSummary.StreamStatus; status {
	case types.StreamStatusActive, types.StreamStatusUpdating:
	default:
		return fmt.Errorf("kcl: stream %s is %s; wait: aws kinesis wait stream-exists --stream-name %s", called, status,
			called)
	}
	if _, err := w.cfg.Kinesis.ListShards(ctx, &kinesis.ListShardsInput{StreamName: name, StreamARN: arn,
		MaxResults: aws.Int32(1)}); err != nil {
		return fmt.Errorf("kcl: list the shards of %s (is kinesis:ListShards allowed?): %w", called, err)
	}
	return nil
}

func (w *Worker) checkTable(ctx context.Context) error {
	name := w.cfg.LeaseTable
	about, err := w.cfg.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var missing *dynamodbtypes.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("kcl: lease table %s does not exist in %s; make it: %s: %w",
			name, w.cfg.DynamoDB.Options().Region, createCommand(name), err)
	case err != nil:
		return fmt.Errorf("kcl: describe lease table %s (is dynamodb:DescribeTable allowed?): %w", name, err)
	}
	switch status := about.Table.TableStatus; status {
	case dynamodbtypes.TableStatusActive, dynamodbtypes.TableStatusUpdating:
	default:
		return fmt.Errorf("kcl: lease table %s is %s; wait: aws dynamodb wait table-exists --table-name %s", name, status,
			name)
	}
	for _, key := range about.Table.KeySchema {
		if aws.ToString(key.AttributeName) != attrShard {
			return fmt.Errorf("kcl: table %s has the key %s, but a lease table has the key %s; name another table or make "+
				"this one with: %s",
				name, aws.ToString(key.AttributeName), attrShard, createCommand(name))
		}
	}
	if _, err := w.cfg.DynamoDB.Scan(ctx, &dynamodb.ScanInput{TableName: &name, Limit: aws.Int32(1)}); err != nil {
		return fmt.Errorf("kcl: read lease table %s (is dynamodb:Scan allowed?): %w", name, err)
	}
	return nil
}
