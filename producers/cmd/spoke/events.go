package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/collect"
)

const (
	// polls is how many calls wait for messages at the same time.
	polls = 2
	// pollTime is how long one waits, and batchSize how many messages it takes: the most
	// that SQS allows.
	pollTime  = 20 * time.Second
	batchSize = 10
	// firstPause is the pause after a call that failed. It doubles until it reaches
	// longestPause, which is also how seldom a fault that goes on is logged.
	firstPause   = time.Second
	longestPause = time.Minute
)

// queueAddress is where a queue is, as its URL says.
type queueAddress struct{ url, partition, region, account, name string }

var queuePathRE = regexp.MustCompile(`^/(\d{12})/([A-Za-z0-9_-]{1,80})/?$`)

// parseQueueURL reads the URL of a standard queue. Every kind of endpoint names the region
// behind the label sqs: public, FIPS, dual-stack and VPC endpoints.
func parseQueueURL(flag, text string) (queueAddress, error) {
	wrong := func(why string) (queueAddress, error) {
		return queueAddress{}, program.Usagef("%s %q %s; it is like "+
			"https://sqs.eu-central-1.amazonaws.com/111122223333/spoke-events", flag, text, why)
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return wrong("is not the URL of a queue")
	}
	if strings.HasSuffix(u.Path, ".fifo") {
		return wrong("is a FIFO queue, which EventBridge rules and batching windows do not fit: make a standard one")
	}
	path := queuePathRE.FindStringSubmatch(u.Path)
	if path == nil {
		return wrong("does not end with an account and a name")
	}
	labels := strings.Split(u.Hostname(), ".")
	for i, label := range labels[:len(labels)-1] {
		if label != "sqs" && label != "sqs-fips" {
			continue
		}
		region := labels[i+1]
		if err := checkRegion(flag, region); err != nil {
			return wrong("does not name a region behind sqs")
		}
		return queueAddress{text, partitionOf(region), region, path[1], path[2]}, nil
	}
	return wrong("does not name its region")
}

// partitionOf returns the partition of a region, for the ARNs in advice.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// arn is the ARN of the queue.
func (q queueAddress) arn() string {
	return fmt.Sprintf("arn:%s:sqs:%s:%s:%s", q.partition, q.region, q.account, q.name)
}

// explain adds to an error of SQS what mends it.
func (q queueAddress) explain(err error, actions string) error {
	var api smithy.APIError
	var dns *net.DNSError
	errors.As(err, &api)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("the queue %s: there is no region %s, or no way to it from here: %w", q.url, q.region, err)
	case api == nil:
		return fmt.Errorf("the queue %s: %w", q.url, err)
	case errors.As(err, new(*types.QueueDoesNotExist)):
		return fmt.Errorf("the queue %s does not exist: look for it with `aws sqs get-queue-url --region %s --queue-name "+
			"%s`, or make it (docs/operations.md#events): %w", q.url, q.region, q.name, err)
	case strings.HasPrefix(api.ErrorCode(), "AccessDenied"):
		return fmt.Errorf("the queue %s is denied: allow %s on %s, in the policy of this role and, if the queue is in "+
			"another account, in that of the queue: %w", q.url, actions, q.arn(), err)
	case errors.As(err, new(*types.KmsAccessDenied)):
		return fmt.Errorf("the key of the queue %s is denied: allow kms:Decrypt on it, or encrypt the queue with SSE-SQS, "+
			"which needs no permission: %w", q.url, err)
	}
	return fmt.Errorf("the queue %s: %w", q.url, err)
}

// queue is a queue that can be reached.
type queue struct {
	queueAddress
	client *sqs.Client
}

// openQueue returns the queue of a URL, which it does not ask.
func openQueue(ctx context.Context, flag, queueURL string, configure configure) (queue, error) {
	address, err := parseQueueURL(flag, queueURL)
	if err != nil {
		return queue{}, err
	}
	cfg, err := configure(ctx, address.region, awsconfig.Role{})
	if err != nil {
		return queue{}, startError(err)
	}
	return queue{address, sqs.NewFromConfig(cfg)}, nil
}

// events takes events from a queue and hands them on as hints. A message is deleted at
// once: a hint that dies with the process costs one interval, and no more.
type events struct {
	queue
	hear    func(collect.Event) collect.Heard
	metrics *metrics
	log     *slog.Logger

	mu     sync.Mutex
	failed bool      // the last call
	warned time.Time // of a fault
}

// openEvents asks the queue once. It is an error if that is refused; a queue that does not
// answer is asked again and again.
func openEvents(ctx context.Context, queueURL string, configure configure, metrics *metrics,
	log *slog.Logger) (*events, error) {
	queue, err := openQueue(ctx, "--events", queueURL, configure)
	if err != nil {
		return nil, err
	}
	e := &events{queue: queue, metrics: metrics, log: log}
	metrics.eventsUp.WithLabelValues().Set(1)
	messages, err := e.receive(ctx, 0)
	var dns *net.DNSError
	if err != nil && (!awsconfig.Transient(err) || errors.As(err, &dns) && dns.IsNotFound) {
		return nil, &program.UsageError{Err: fmt.Errorf("--events: %w", queue.explain(err, receiveActions))}
	}
	if err != nil {
		e.fault(queue.explain(err, receiveActions))
	}
	// Nobody listens yet, and nobody need: everything is read first of all.
	e.delete(ctx, messages)
	return e, nil
}

// receiveActions are the IAM actions of those who take events from a queue.
const receiveActions = "sqs:ReceiveMessage and sqs:DeleteMessage"

// run takes events until ctx is done.
func (e *events) run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range polls {
		wg.Go(func() { e.poll(ctx) })
	}
	wg.Wait()
	return nil
}

func (e *events) poll(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		messages, err := e.receive(ctx, pollTime)
		if err == nil {
			pause = firstPause
			e.take(messages)
			e.delete(ctx, messages)
			continue
		}
		if ctx.Err() != nil {
			return
		}
		e.fault(e.queue.explain(err, receiveActions))
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

func (e *events) receive(ctx context.Context, wait time.Duration) ([]types.Message, error) {
	out, err := e.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &e.queue.url, MaxNumberOfMessages: batchSize, WaitTimeSeconds: int32(wait.Seconds()),
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// take hands events on.
func (e *events) take(messages []types.Message) {
	for _, m := range messages {
		event, err := collect.ParseEvent([]byte(aws.ToString(m.Body)))
		if err != nil {
			// Its text may be anything, and does not belong into a log.
			e.log.Warn("a message in the queue is no event; it is deleted", "queue", e.queue.url, "message",
				aws.ToString(m.MessageId), "bytes", len(aws.ToString(m.Body)), "error", err)
			e.metrics.events.WithLabelValues("malformed").Inc()
			continue
		}
		heard := e.hear(event)
		e.metrics.events.WithLabelValues(heard.String()).Inc()
		e.log.Debug("event", "source", event.Source, "type", event.Type, "call", event.Call, "account", event.Account,
			"region", event.Region, "heard", heard)
	}
}

// delete deletes messages. One that is not comes again, and is covered then.
func (e *events) delete(ctx context.Context, messages []types.Message) {
	if len(messages) == 0 {
		e.works()
		return
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &e.queue.url}
	for i, m := range messages {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)),
			ReceiptHandle: m.ReceiptHandle})
	}
	out, err := e.client.DeleteMessageBatch(ctx, in)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		e.fault(e.queue.explain(err, receiveActions))
	case len(out.Failed) > 0:
		e.fault(fmt.Errorf("the queue %s: %d messages are not deleted, the first because of %s: %s", e.queue.url,
			len(out.Failed), aws.ToString(out.Failed[0].Code), aws.ToString(out.Failed[0].Message)))
	default:
		e.works()
	}
}

// send puts messages into the queue, batchSize at most.
func (q queue) send(ctx context.Context, messages []string) error {
	in := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
	for i, m := range messages {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &m})
	}
	out, err := q.client.SendMessageBatch(ctx, in)
	switch {
	case err != nil:
		return q.explain(err, "sqs:SendMessage")
	case len(out.Failed) > 0:
		return fmt.Errorf("the queue %s: %d messages are not sent, the first because of %s: %s", q.url,
			len(out.Failed), aws.ToString(out.Failed[0].Code), aws.ToString(out.Failed[0].Message))
	}
	return nil
}

// fault notes that the queue does not work, and says so now and then.
func (e *events) fault(err error) {
	e.metrics.eventsUp.WithLabelValues().Set(0)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failed = true
	if now := time.Now(); now.Sub(e.warned) >= longestPause {
		e.warned = now
		e.log.Warn("no events; everything is still collected at its interval", "error", err)
	}
}

// works notes that the queue works.
func (e *events) works() {
	e.metrics.eventsUp.WithLabelValues().Set(1)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failed {
		e.failed, e.warned = false, time.Time{}
		e.log.Info("events come again", "queue", e.queue.url)
	}
}

// Region is switched on or off, twice for each change: when it begins and when it is done.
const (
	regionSource = "aws.account"
	regionType   = "Region Opt-In Status Change"
)

// hear hands an event to the runners of its account.
func (f *fleet) hear(e collect.Event) collect.Heard {
	runners, known := f.runnersOf(e.Account)
	if !known {
		return collect.OtherAccount
	}
	if e.Source == regionSource && e.Type == regionType {
		f.lookAgain(e.Account)
	}
	heard := collect.Unknown
	for _, r := range runners {
		heard = min(heard, r.Hear(e))
	}
	return heard
}
