// Package lambdaevents drives a [stream.Sink] from the events that AWS Lambda
// makes of a Kinesis data stream.
//
// [Handler.Handle] is a Lambda function for [lambda.Start]. It delivers the
// records of an event to the Sink, waits until they are applied, and answers.
// The event source mapping must have ReportBatchItemFailures in its
// FunctionResponseTypes: without it Lambda takes an event that was applied in
// part for done, and the rest is not delivered again.
//
// Lambda keeps the position. A session therefore begins at the zero Position and
// not at the Sink's Progress, and what Lambda delivers again is not skipped: with a
// parallelization factor Lambda hands out several batches of a shard side by side. So a
// later record may be applied before an earlier one, and a process that handles several
// events at once has several sessions of a shard. The Sink must know that (Unordered in
// package ingest) and remove duplicates itself. Lambda tells nothing of closed shards
// and of trimmed records, so that there are neither End nor Gap.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
//
// [lambda.Start]: https://pkg.go.dev/github.com/aws/aws-lambda-go/lambda#Start
package lambdaevents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/hubspoke/observability/lib/stream"
)

// Handler turns events into sessions of a Sink. Its method may be called
// concurrently if a shard of the Sink may have several sessions at once.
type Handler struct {
	// Sink returns the Sink for the stream of an event, by ARN. It is called for
	// every event: return the same Sink for the same stream, and make what needs
	// time once. [StreamName] gives the name. It must be set.
	Sink func(ctx context.Context, streamARN string) (stream.Sink, error)
	// Log receives an error for every event that was applied in part: Lambda's own
	// metrics do not count those. Defaults to nothing.
	Logger *slog.Logger
}

// Handle applies an event. If nothing of it is known to be applied it returns an
// error; if a part is, it returns the first record of each shard that is not. Both
// make Lambda deliver those records again, for as long as the mapping's settings
// say, and what was applied all the same is a duplicate then.
//
// It stops before the deadline of ctx, by a tenth of the time that is left but
// no more than 5 seconds, so that there is time for the answer.
func (h Handler) Handle(ctx context.Context, event events.KinesisEvent) (events.KinesisEventResponse, error) {
	batches, err := group(event.Records)
	if err != nil {
		return events.KinesisEventResponse{}, err
	}
	ctx, cancel := stopEarly(ctx)
	defer cancel()
	failures := []events.KinesisBatchItemFailure{}
	var errs []error
	applied := 0
	for _, b := range batches {
		n, err := h.apply(ctx, b)
		applied += n
		if err != nil {
			errs = append(errs, fmt.Errorf("stream %s, %s: %d of %d records applied: %w", StreamName(b.streamARN), b.shard, n,
				len(b.records), err))
			failures = append(failures, events.KinesisBatchItemFailure{ItemIdentifier: b.records[n].Sequence})
		}
	}
	err = errors.Join(errs...)
	if err != nil && applied == 0 {
		return events.KinesisEventResponse{}, err
	}
	if err != nil && h.Logger != nil {
		h.Logger.ErrorContext(ctx, "an event was applied in part", "error", err)
	}
	return events.KinesisEventResponse{BatchItemFailures: failures}, nil
}

// stopEarly returns a context that ends a little before ctx does.
func stopEarly(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	reserve := min(time.Until(deadline)/10, 5*time.Second)
	return context.WithDeadline(ctx, deadline.Add(-reserve))
}

// batch is the records of one shard in an event, in order.
type batch struct {
	streamARN, shard string
	records          []stream.Record
}

// group sorts records by shard. Lambda makes events of one shard only, and does
// not promise to.
func group(records []events.KinesisEventRecord) ([]batch, error) {
	var batches []batch
	index := map[[2]string]int{} // of a stream's ARN and a shard
	for i, r := range records {
		shard, _, ok := strings.Cut(r.EventID, ":")
		if !ok || r.EventSource != "aws:kinesis" {
			return nil, fmt.Errorf("record %d of the event is not one of Kinesis: eventSource %q, eventID %q; check the "+
				"event source mapping", i, r.EventSource, r.EventID)
		}
		key := [2]string{r.EventSourceArn, shard}
		at, known := index[key]
		if !known {
			at = len(batches)
			index[key] = at
			batches = append(batches, batch{streamARN: streamARN(r.EventSourceArn), shard: shard})
		}
		batches[at].records = append(batches[at].records, stream.Record{
			Sequence:     r.Kinesis.SequenceNumber,
			PartitionKey: r.Kinesis.PartitionKey,
			Data:         r.Kinesis.Data,
			// Milliseconds that went through a float64 in seconds.
			Arrived: r.Kinesis.ApproximateArrivalTimestamp.UTC().Round(time.Millisecond),
		})
	}
	return batches, nil
}

// apply applies a batch and returns how many of its records are applied: all of
// them if err is nil, and fewer otherwise.
func (h Handler) apply(ctx context.Context, b batch) (int, error) {
	sink, err := h.Sink(ctx, b.streamARN)
	if err != nil {
		return 0, err
	}
	session := sink.Open(b.shard, stream.Position{})
	if err := session.Deliver(ctx, b.records); err != nil {
		session.Abandon()
		return 0, err
	}
	position, err := session.Drain(ctx)
	if err == nil {
		return len(b.records), nil
	}
	session.Abandon()
	return b.before(position.Sequence), err
}

// before returns how many records are applied when sequence was the last one.
// A sequence number that is not in the batch says nothing about it; that of the
// last record cannot be, since Drain has failed.
func (b batch) before(sequence string) int {
	for i, r := range b.records[:len(b.records)-1] {
		if r.Sequence == sequence {
			return i + 1
		}
	}
	return 0
}

// streamARN cuts the consumer off the ARN of a mapping with enhanced fan-out.
func streamARN(source string) string {
	arn, _, _ := strings.Cut(source, "/consumer/")
	return arn
}

// StreamName returns the name in the ARN of a Kinesis data stream, or all of arn
// if it is none.
func StreamName(arn string) string {
	_, name, ok := strings.Cut(streamARN(arn), ":stream/")
	if !ok {
		return arn
	}
	return name
}
