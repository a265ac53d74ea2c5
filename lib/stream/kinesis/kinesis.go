// Package kinesis puts messages into an Amazon Kinesis data stream.
//
// A [Publisher] sends with PutRecords, in calls as large as Kinesis takes them.
// If Kinesis stores a part of a call, only the rest is sent again, after a pause that
// grows. It keeps no queue: Publish works on the caller's messages and returns when
// they are stored, which is all the back-pressure there is.
//
// Order: messages are sent in the order in which they are given, and the ones
// that are sent again come before those that were never sent. Kinesis itself
// promises no order within one PutRecords call, and when it refuses some records
// of a call, the others overtake them.
//
// Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
package kinesis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/cenkalti/backoff/v5"

	"github.com/hubspoke/observability/lib/stream"
)

// Client is what a Publisher needs of [kinesis.Client].
type Client interface {
	PutRecords(context.Context, *kinesis.PutRecordsInput, ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error)
}

// Config says where and how a Publisher sends.
type Config struct {
	// Client of Kinesis, usually kinesis.NewFromConfig(cfg). Its retries are not
	// used: the Publisher's own do it all. It must be set.
	Client Client
	// Stream is the name of a stream in the client's account and region, or the
	// ARN of any stream that the client may write to. It must be set.
	Stream string
	// MaxRecords is how many records one call may carry. Defaults to 500, the
	// most that Kinesis takes.
	MaxRecords int
	// MaxBytes is how many bytes of data and partition keys one call may carry.
	// Defaults to 5 MiB.
	MaxBytes int
	// MaxRecordBytes is how many bytes of data and partition key one record may
	// have. Defaults to 1 MiB, what a stream takes that was not changed with
	// UpdateMaxRecordSize.
	MaxRecordBytes int
	// Concurrency is how many calls may be under way at once, those of all
	// concurrent Publish together; further ones wait. It bounds the memory for
	// encoded requests. Defaults to 2.
	Concurrency int
	// MaxElapsed is how long Publish goes on trying while nothing is stored.
	// Defaults to 15 minutes.
	MaxElapsed time.Duration
	// CallTimeout is how long one call may take. Defaults to 1 minute.
	CallTimeout time.Duration
	// Log receives a warning for every call that stored nothing. Defaults to nothing.
	Logger *slog.Logger
	// Hooks for metrics. Defaults to none.
	Hooks Hooks
}

// Hooks are told what a Publisher does. A nil hook is not called.
type Hooks struct {
	// Called is called after every PutRecords call, by the goroutine of Publish.
	Called func(Call)
}

// Call is one PutRecords call.
type Call struct {
	// Records and Bytes (data and partition keys) that were sent.
	Records, Bytes int
	// Retried is how many of the records had been sent before.
	Retried int
	// Failed is how many of the records are not known to be stored.
	Failed int
	// Throttled is how many of the records failed because the stream, a shard or
	// a KMS key takes no more at the moment.
	Throttled int
	// Took is how long the call took.
	Took time.Duration
	// Err is why the whole call failed; nil if it was answered.
	Err error
}

// Pauses between attempts; chance adds or takes up to half of each.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 10 * time.Second
)

func (c Config) withDefaults() Config {
	if c.MaxRecords == 0 {
		c.MaxRecords = 500
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 5 << 20
	}
	if c.MaxRecordBytes == 0 {
		c.MaxRecordBytes = 1 << 20
	}
	if c.Concurrency == 0 {
		c.Concurrency = 2
	}
	if c.MaxElapsed == 0 {
		c.MaxElapsed = 15 * time.Minute
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	if c.Client == nil {
		errs = append(errs, errors.New("no Client is set"))
	}
	if c.Stream == "" {
		errs = append(errs, errors.New("no Stream is set: give a name or an ARN"))
	}
	if c.MaxRecords < 1 || c.MaxRecords > 500 {
		errs = append(errs, fmt.Errorf("MaxRecords is %d, and Kinesis takes 1 to 500", c.MaxRecords))
	}
	if c.MaxRecordBytes < 1 || c.MaxRecordBytes > c.MaxBytes {
		errs = append(errs, fmt.Errorf("MaxRecordBytes is %d, which is not between 1 and MaxBytes, %d", c.MaxRecordBytes,
			c.MaxBytes))
	}
	if c.Concurrency < 1 || c.MaxElapsed < 0 || c.CallTimeout < 0 {
		errs = append(errs, errors.New("one of Concurrency, MaxElapsed and CallTimeout is negative"))
	}
	return errors.Join(errs...)
}

// Publisher puts messages into one stream. It may be used concurrently. There is
// nothing to close.
type Publisher struct {
	cfg   Config
	slots chan struct{} // one per call that is under way
}

var _ stream.Publisher = (*Publisher)(nil)

// New returns a Publisher. Its error names everything that is wrong with cfg; it
// does not call Kinesis.
func New(cfg Config) (*Publisher, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("kinesis publisher: %w", err)
	}
	return &Publisher{cfg: cfg, slots: make(chan struct{}, cfg.Concurrency)}, nil
}

// Publish stores the messages and returns nil, or a *stream.PublishError. It
// sends again what is throttled or fails for another reason that passes, until
// ctx is done or nothing was stored for Config.MaxElapsed. What cannot pass,
// such as a missing permission, it returns at once. A message that Kinesis never
// takes, because its size or partition key is wrong, fails all messages before
// anything is sent. The messages must not change meanwhile.
func (p *Publisher) Publish(ctx context.Context, messages []stream.Message) error {
	s := &sending{messages: messages}
	if err := p.check(messages); err != nil {
		return s.unfinished(err)
	}
	pause := backoff.ExponentialBackOff{
		InitialInterval: firstPause, MaxInterval: longestPause,
		Multiplier: 2, RandomizationFactor: backoff.DefaultRandomizationFactor,
	}
	progress := time.Now()
	for s.take(p.cfg.MaxRecords, p.cfg.MaxBytes) {
		var err error
		s.failed, err = p.call(ctx, s)
		if len(s.failed) < len(s.batch) {
			progress = time.Now()
			pause.Reset()
		}
		if err == nil {
			continue
		}
		switch {
		case ctx.Err() != nil:
			return s.unfinished(p.stopped(ctx, err))
		case !isTransient(err):
			return s.unfinished(p.explain(err))
		}
		wait := pause.NextBackOff()
		if stalled := time.Since(progress); stalled+wait > p.cfg.MaxElapsed {
			return s.unfinished(fmt.Errorf("nothing was stored for %v: %w", stalled.Round(time.Second), p.explain(err)))
		}
		if len(s.failed) == len(s.batch) {
			p.cfg.Logger.Warn("no record was stored, trying again", "stream", p.cfg.Stream, "records", len(s.batch), "wait",
				wait, "error", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return s.unfinished(p.stopped(ctx, err))
		}
	}
	return nil
}

// stopped is the error when ctx is done, with the one that was met before.
func (p *Publisher) stopped(ctx context.Context, last error) error {
	if errors.Is(last, ctx.Err()) {
		return p.explain(last)
	}
	return fmt.Errorf("%w; before that: %w", ctx.Err(), p.explain(last))
}

// check names the messages that Kinesis would never take.
func (p *Publisher) check(messages []stream.Message) error {
	var errs []error
	for i, m := range messages {
		switch n := utf8.RuneCountInString(m.PartitionKey); {
		case n < 1 || n > 256:
			errs = append(errs, fmt.Errorf("message %d: the partition key has %d characters, and Kinesis takes 1 to 256", i, n))
		case !utf8.ValidString(m.PartitionKey):
			errs = append(errs, fmt.Errorf("message %d: the partition key is not UTF-8", i))
		case size(m) > p.cfg.MaxRecordBytes:
			errs = append(errs, fmt.Errorf("message %d: data and partition key have %d bytes, and the limit is %d", i, size(m),
				p.cfg.MaxRecordBytes))
		}
		if len(errs) == 10 {
			break // enough to see what is wrong
		}
	}
	return errors.Join(errs...)
}

// size is what a message counts against the limits of Kinesis.
func size(m stream.Message) int { return len(m.PartitionKey) + len(m.Data) }

// call sends the batch once. It returns the indexes of the messages that are not
// known to be stored, and why.
func (p *Publisher) call(ctx context.Context, s *sending) (failed []int, err error) {
	if err := p.acquire(ctx); err != nil {
		return s.batch, err
	}
	defer func() { <-p.slots }()
	done := Call{Records: len(s.batch), Retried: s.retried}
	input := p.input()
	input.Records = make([]types.PutRecordsRequestEntry, len(s.batch))
	for i, at := range s.batch {
		m := &s.messages[at]
		input.Records[i] = types.PutRecordsRequestEntry{PartitionKey: &m.PartitionKey, Data: m.Data}
		done.Bytes += size(*m)
	}
	start := time.Now()
	var refused []types.PutRecordsResultEntry
	refused, done.Err = p.put(ctx, input)
	done.Took = time.Since(start)
	if done.Err != nil {
		failed, err = s.batch, done.Err
		if isThrottle(err) {
			done.Throttled = len(failed)
		}
	}
	for i, r := range refused {
		if r.ErrorCode != nil {
			failed = append(failed, s.batch[i])
			err = &smithy.GenericAPIError{Code: *r.ErrorCode, Message: aws.ToString(r.ErrorMessage)}
			if isThrottle(err) {
				done.Throttled++
			}
		}
	}
	done.Failed = len(failed)
	if p.cfg.Hooks.Called != nil {
		p.cfg.Hooks.Called(done)
	}
	return failed, err
}

// acquire waits for a slot, unless ctx is done.
func (p *Publisher) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// input names the stream.
func (p *Publisher) input() *kinesis.PutRecordsInput {
	if strings.HasPrefix(p.cfg.Stream, "arn:") {
		return &kinesis.PutRecordsInput{StreamARN: &p.cfg.Stream}
	}
	return &kinesis.PutRecordsInput{StreamName: &p.cfg.Stream}
}

// errTimeout says that a call took longer than Config.CallTimeout.
var errTimeout = errors.New("no answer in time")

// put calls PutRecords once and returns its results, one for each record.
func (p *Publisher) put(ctx context.Context, input *kinesis.PutRecordsInput) ([]types.PutRecordsResultEntry, error) {
	ctxCall, cancel := context.WithTimeoutCause(ctx, p.cfg.CallTimeout, errTimeout)
	defer cancel()
	out, err := p.cfg.Client.PutRecords(ctxCall, input, func(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} })
	switch {
	case err != nil && ctx.Err() == nil && errors.Is(context.Cause(ctxCall), errTimeout):
		return nil, fmt.Errorf("%w (%v): %w", errTimeout, p.cfg.CallTimeout, err)
	case err != nil:
		return nil, err
	case len(out.Records) != len(input.Records):
		return nil, fmt.Errorf("%w: %d results for %d records", errAnswer, len(out.Records), len(input.Records))
	}
	return out.Records, nil
}

// sending is how far one Publish is.
type sending struct {
	messages []stream.Message
	next     int   // the first message that was never sent
	failed   []int // messages that must be sent again, ascending
	batch    []int // messages to be sent now, ascending
	retried  int   // how many of the batch were sent before
}

// take makes the next batch: first what must be sent again, which was part of
// the last batch and fits therefore, then what was never sent. It returns false
// when everything is stored.
func (s *sending) take(records, bytes int) bool {
	s.batch, s.retried = append(s.batch[:0], s.failed...), len(s.failed)
	for _, at := range s.failed {
		bytes -= size(s.messages[at])
	}
	for len(s.batch) < records && s.next < len(s.messages) {
		if bytes -= size(s.messages[s.next]); bytes < 0 {
			break
		}
		s.batch = append(s.batch, s.next)
		s.next++
	}
	return len(s.batch) > 0
}

// unfinished is the error for everything that is not known to be stored.
func (s *sending) unfinished(err error) error {
	failed := s.failed
	for at := s.next; at < len(s.messages); at++ {
		failed = append(failed, at)
	}
	return &stream.PublishError{Failed: failed, Err: err}
}
