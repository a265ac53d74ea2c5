package kcl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/hubspoke/observability/lib/stream"
)

// leastRetention is the shortest time that a stream keeps records.
const leastRetention = 24 * time.Hour

// cursor reads one shard from a position on, through expired iterators and
// trimmed positions. It belongs to one goroutine.
//
// A cursor that resumes starts AT its position and not after it. If the record
// of the position comes first, nothing was trimmed; if a later one comes first,
// the stream has trimmed the position, and what lay between may be lost.
type cursor struct {
	client *kinesis.Client
	shard  string
	name   *string // of the stream; nil when arn is set
	arn    *string
	start  time.Time
	call   time.Duration
	gap    func(context.Context, stream.Gap) error

	iterator *string
	// after is the sequence number of the last record handed on.
	after string
	// resuming until a record has shown whether after is still in the stream;
	// skipping until a record behind after has come.
	resuming, skipping bool
	// refused is why Kinesis did not take after as a position.
	refused error
	// atHorizon: after led nowhere, the cursor reads from the oldest record.
	atHorizon bool
	// caughtUp is when the shard last had no record that was not handed on.
	caughtUp time.Time
}

// open gets an iterator at the cursor's position.
func (c *cursor) open(ctx context.Context) error {
	in := kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	switch {
	case c.after != "":
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAtSequenceNumber, &c.after
	case !c.start.IsZero():
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, &c.start
	}
	iterator, err := c.getIterator(ctx, &in)
	var invalid *types.InvalidArgumentException
	if c.after != "" && errors.As(err, &invalid) {
		return c.openHorizon(ctx, err)
	}
	if err != nil {
		return err
	}
	c.iterator = iterator
	c.resuming, c.skipping, c.refused, c.atHorizon = c.after != "", c.after != "", nil, false
	return nil
}

// openHorizon gets an iterator at the oldest record, because the position cannot
// be read from; refused may be nil.
func (c *cursor) openHorizon(ctx context.Context, refused error) error {
	iterator, err := c.getIterator(ctx,
		&kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		return err
	}
	c.iterator = iterator
	c.resuming, c.skipping, c.refused, c.atHorizon = true, true, refused, true
	return nil
}

// next reads once. On an error nothing has changed: next may be called again. At
// the end of the shard NextShardIterator of the answer is nil.
func (c *cursor) next(ctx context.Context, limit *int32) (*kinesis.GetRecordsOutput, error) {
	began := time.Now()
	out, err := c.getRecords(ctx, limit)
	var expired *types.ExpiredIteratorException
	if errors.As(err, &expired) {
		if err := c.open(ctx); err != nil {
			return nil, err
		}
		out, err = c.getRecords(ctx, limit)
	}
	if err != nil {
		return nil, err
	}
	caughtUp := out.MillisBehindLatest != nil && *out.MillisBehindLatest == 0
	if out.MillisBehindLatest == nil { // the library follows it
		out.MillisBehindLatest = aws.Int64(0)
	}
	if c.resuming {
		if len(out.Records) == 0 && out.NextShardIterator != nil && !c.atHorizon {
			stuck, err := c.beforeRetention(ctx, out)
			if err != nil {
				return nil, err
			}
			if stuck {
				return out, c.openHorizon(ctx, nil)
			}
		}
		if err := c.resume(ctx, out); err != nil {
			return nil, err
		}
	}
	if c.skipping {
		i := 0
		for i < len(out.Records) && stream.CompareSequences(aws.ToString(out.Records[i].SequenceNumber), c.after) <= 0 {
			i++
		}
		out.Records = out.Records[i:]
		c.skipping = len(out.Records) == 0
	}
	if n := len(out.Records); n > 0 {
		c.after = aws.ToString(out.Records[n-1].SequenceNumber)
	}
	if caughtUp {
		c.caughtUp = began
	}
	c.iterator = out.NextShardIterator
	return out, nil
}

// resume looks at the first records after open and reports a gap in front of them.
func (c *cursor) resume(ctx context.Context, out *kinesis.GetRecordsOutput) error {
	gap := stream.Gap{After: c.after}
	switch {
	case len(out.Records) > 0:
		gap.Until = aws.ToString(out.Records[0].SequenceNumber)
		gap.Reason = "the position is older than what the stream keeps; records that arrived between the two were trimmed"
	case out.NextShardIterator == nil:
		gap.Reason = "the position is older than what the stream keeps, and the shard has ended; records after the " +
			"position were trimmed"
	default:
		return nil // nothing to be seen yet
	}
	if c.refused != nil {
		gap.Reason += " (" + c.refused.Error() + ")"
	}
	kept := gap.Until != "" && stream.CompareSequences(gap.Until, c.after) <= 0
	switch {
	case kept && c.refused != nil:
		// Older records than the position, and yet it is none of this shard: what
		// follows would be passed over by a position of another stream.
		return fmt.Errorf("position %s is none of shard %s: %w", c.after, c.shard, c.refused)
	case kept, time.Since(c.caughtUp) < leastRetention:
		// Nothing between after and the time of caughtUp, and since then nothing is
		// old enough to be trimmed.
	default:
		if err := c.gap(ctx, gap); err != nil {
			return fmt.Errorf("record the gap after %s of shard %s: %w", c.after, c.shard, err)
		}
	}
	c.resuming = false
	return nil
}

// beforeRetention says whether a read without records lies before all that the
// stream keeps. Reads from such a position have been seen to find nothing and yet
// not to come nearer (github.com/harlow/kinesis-consumer/issues/125).
func (c *cursor) beforeRetention(ctx context.Context, out *kinesis.GetRecordsOutput) (bool, error) {
	behind := time.Duration(*out.MillisBehindLatest) * time.Millisecond
	if behind < leastRetention {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.call)
	defer cancel()
	about, err := c.client.DescribeStreamSummary(ctx,
		&kinesis.DescribeStreamSummaryInput{StreamName: c.name, StreamARN: c.arn})
	if err != nil {
		return false, err
	}
	return behind >= time.Duration(aws.ToInt32(about.StreamDescriptionSummary.RetentionPeriodHours))*time.Hour, nil
}

func (c *cursor) getIterator(ctx context.Context, in *kinesis.GetShardIteratorInput) (*string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.call)
	defer cancel()
	in.ShardId, in.StreamName, in.StreamARN = &c.shard, c.name, c.arn
	out, err := c.client.GetShardIterator(ctx, in)
	if err != nil {
		return nil, err
	}
	return out.ShardIterator, nil
}

// getRecords makes one attempt: the library's loop is the one that tries again.
func (c *cursor) getRecords(ctx context.Context, limit *int32) (*kinesis.GetRecordsOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, c.call)
	defer cancel()
	return c.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: c.iterator, StreamARN: c.arn, Limit: limit},
		func(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} })
}

var retryable = retry.NewStandard()

// transient says whether a read that failed with err may succeed when it is
// simply made again.
func transient(err error) bool {
	var (
		throttled *types.KMSThrottlingException
		internal  *types.InternalFailureException
	)
	return errors.As(err, &throttled) || errors.As(err, &internal) ||
		errors.Is(err, context.DeadlineExceeded) || retryable.IsErrorRetryable(err)
}
