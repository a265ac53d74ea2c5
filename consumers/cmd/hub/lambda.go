package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/lambdaevents"
	"github.com/hubspoke/observability/schemas"
)

// lambdaCommand applies the events of a Lambda event source mapping.
type lambdaCommand struct {
	databaseFlags
	pipelineFlags
}

// Help is shown by `hub lambda -h`.
func (lambdaCommand) Help() string {
	return `For the provided.al2023 runtime, with this program as bootstrap and every flag as an
environment variable (HUB_DATABASE_URL and so on). The event source mapping must have
ReportBatchItemFailures. The stream is that of the event; the role needs
kinesis:DescribeStreamSummary for it. Views are not refreshed here and old bookkeeping is not
deleted: schedule 'hub refresh', which does both.`
}

// Run serves events until the runtime ends the process.
func (c lambdaCommand) Run(ctx context.Context, log *slog.Logger) error {
	if !program.InLambda() {
		return program.Usagef("this is not the Lambda runtime (AWS_LAMBDA_RUNTIME_API is not set); elsewhere use: hub " +
			"consume")
	}
	pool, _, err := c.openService(ctx, c.connections())
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := reportMisfits(ctx, pool, log); err != nil {
		return err
	}
	cfg, err := c.awsFlags.load(ctx, "", log)
	if err != nil {
		return err
	}
	s := newSinks(ctx, c.pipelineFlags, pool, kinesis.NewFromConfig(cfg), log)
	lambda.StartWithOptions(lambdaevents.Handler{Sink: s.sink, Logger: log}.Handle, lambda.WithContext(ctx))
	return nil
}

// sinks has a pipeline for each stream that events came from.
type sinks struct {
	ctx    context.Context // of the process; pipelines outlive the event they began with
	flags  pipelineFlags
	pool   *pgxpool.Pool
	client *kinesis.Client
	log    *slog.Logger

	mu    sync.Mutex
	known map[string]*runningPipeline
}

// runningPipeline is a pipeline at work.
type runningPipeline struct {
	*ingest.Pipeline
	ended chan struct{}
}

func newSinks(ctx context.Context, flags pipelineFlags, pool *pgxpool.Pool, client *kinesis.Client,
	log *slog.Logger) *sinks {
	return &sinks{ctx: ctx, flags: flags, pool: pool, client: client, log: log, known: map[string]*runningPipeline{}}
}

// sink returns the pipeline of a stream, which it starts if there is none, or
// none that works.
func (s *sinks) sink(ctx context.Context, streamARN string) (stream.Sink, error) {
	p, started, err := s.pipeline(ctx, streamARN)
	if err != nil {
		return nil, err
	}
	if started {
		// What was parked because a table did not fit may fit now.
		if n, err := p.Redrive(ctx, schemas.All()...); err != nil {
			s.log.Warn("cannot apply parked records", "error", err)
		} else if n > 0 {
			s.log.Info("applied parked records", "records", n)
		}
	}
	return p, nil
}

// pipeline returns the pipeline of a stream, and whether it was started for that.
func (s *sinks) pipeline(ctx context.Context, streamARN string) (p *runningPipeline, started bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.known[streamARN]; p != nil {
		select {
		case <-p.ended:
		default:
			return p, false, nil
		}
	}
	id, err := identifyStream(ctx, s.client, streamARN)
	if err != nil {
		return nil, false, err
	}
	config := s.flags.config(id)
	config.Unordered, config.Logger = true, s.log
	loader, err := load.New(s.pool, load.Config{Tables: schemas.All(), Logger: s.log})
	if err != nil {
		return nil, false, err
	}
	if err := loader.StoreStream(ctx, id.ARN, id.Created, id.Retention); err != nil { // `hub refresh` asks for it
		return nil, false, err
	}
	pipeline, err := newPipeline(loader, config)
	if err != nil {
		return nil, false, err
	}
	p = &runningPipeline{pipeline, make(chan struct{})}
	s.known[streamARN] = p
	go func() {
		defer close(p.ended)
		if err := pipeline.Run(s.ctx); err != nil && !errors.Is(err, context.Canceled) {
			s.log.Error("the pipeline ended; the next event starts another", "stream", streamARN, "error",
				explainParkedFull(err))
		}
	}()
	return p, true, nil
}
