package awsfake_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hubspoke/observability/lib/awsfake"
)

var queueURL = aws.String(awsfake.QueueURL(spoke, region, "events"))

func sqsAs(s *awsfake.Server, account string) *sqs.Client { return sqs.NewFromConfig(once(s, account)) }

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// createQueue creates the queue "events" in the spoke's account.
func createQueue(t *testing.T, s *awsfake.Server, attributes map[string]string) *sqs.Client {
	t.Helper()
	q := sqsAs(s, spoke)
	out := must(q.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("events"),
		Attributes: attributes}))(t)
	wantText(t, "URL", *out.QueueUrl, *queueURL)
	return q
}

func sendMessage(t *testing.T, q *sqs.Client, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		must(q.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queueURL, MessageBody: aws.String(body)}))(t)
	}
}

// receive receives up to 10 messages that are visible now.
func receive(t *testing.T, q *sqs.Client) []types.Message {
	t.Helper()
	return must(q.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queueURL, MaxNumberOfMessages: 10,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}}))(t).Messages
}

func bodies(messages []types.Message) string {
	var out []string
	for _, m := range messages {
		out = append(out, *m.Body)
	}
	return strings.Join(out, " ")
}

func deleteMessages(t *testing.T, q *sqs.Client, messages ...types.Message) *sqs.DeleteMessageBatchOutput {
	t.Helper()
	in := &sqs.DeleteMessageBatchInput{QueueUrl: queueURL}
	for i, m := range messages {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)),
			ReceiptHandle: m.ReceiptHandle})
	}
	return must(q.DeleteMessageBatch(t.Context(), in))(t)
}

func TestQueues(t *testing.T) {
	s := start(t, awsfake.Config{})
	q := createQueue(t, s, map[string]string{"VisibilityTimeout": "300"})
	createQueue(t, s, nil) // the same once more
	wantText(t, "URL by name", *must(q.GetQueueUrl(t.Context(),
		&sqs.GetQueueUrlInput{QueueName: aws.String("events")}))(t).QueueUrl, *queueURL)
	sendMessage(t, q, "a", "b", "c")
	receive(t, q)
	must(q.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queueURL, MessageBody: aws.String("d"),
		DelaySeconds: 60}))(t)
	sendMessage(t, q, "e")
	attributes := must(q.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: queueURL,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}}))(t).Attributes
	for name, want := range map[string]string{
		"QueueArn": "arn:aws:sqs:eu-central-1:222222222222:events", "VisibilityTimeout": "300",
		"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "3",
		"ApproximateNumberOfMessagesDelayed": "1", "MessageRetentionPeriod": "345600",
	} {
		wantText(t, name, attributes[name], want)
	}
	must(q.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: queueURL}))(t)
	_, err := q.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queueURL, MessageBody: aws.String("f")})
	var missing *types.QueueDoesNotExist
	if !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
}

func TestAMessageIsHiddenUntilItsVisibilityEnds(t *testing.T) {
	clock := newClock()
	s := start(t, awsfake.Config{Now: clock.now})
	q := createQueue(t, s, nil)
	sendMessage(t, q, "a", "b")
	first := receive(t, q)
	wantText(t, "received", bodies(first), "a b")
	wantText(t, "hidden", bodies(receive(t, q)), "")
	deleteMessages(t, q, first[1])
	clock.advance(30 * time.Second)
	again := receive(t, q)
	wantText(t, "received again", bodies(again), "a")
	wantText(t, "receives", again[0].Attributes["ApproximateReceiveCount"], "2")
	deleteMessages(t, q, first[0]) // by the handle of before: it stays
	must(q.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: queueURL,
		ReceiptHandle: again[0].ReceiptHandle, VisibilityTimeout: 0}))(t)
	last := receive(t, q)
	wantText(t, "released", bodies(last), "a")
	deleteMessages(t, q, last[0])
	deleteMessages(t, q, last[0]) // gone already
	clock.advance(time.Hour)
	wantText(t, "deleted", bodies(receive(t, q)), "")
}

func TestMessagesExpire(t *testing.T) {
	clock := newClock()
	s := start(t, awsfake.Config{Now: clock.now})
	q := createQueue(t, s, map[string]string{"MessageRetentionPeriod": "14400"})
	sendMessage(t, q, "old")
	clock.advance(4 * time.Hour)
	sendMessage(t, q, "new")
	clock.advance(time.Second)
	wantText(t, "received", bodies(receive(t, q)), "new")
}

func TestLongPolling(t *testing.T) {
	s := start(t, awsfake.Config{})
	q := createQueue(t, s, nil)
	poll := func(ctx context.Context) (*sqs.ReceiveMessageOutput, error) {
		return q.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queueURL, WaitTimeSeconds: 20})
	}
	type answer struct {
		messages []types.Message
		err      error
	}
	waiting := func(calls int) <-chan answer {
		t.Helper()
		answers := make(chan answer, 1)
		go func() {
			out, err := poll(t.Context())
			if out == nil {
				out = &sqs.ReceiveMessageOutput{}
			}
			answers <- answer{out.Messages, err}
		}()
		for s.Calls("sqs:ReceiveMessage") < calls {
			must(q.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("events")}))(t)
		}
		return answers
	}

	answers := waiting(1)
	sendMessage(t, q, "a")
	if a := <-answers; a.err != nil || bodies(a.messages) != "a" {
		t.Errorf("got %q, %v", bodies(a.messages), a.err)
	}

	// One that comes back, because it was not deleted in time, is a message, too.
	answers = waiting(2)
	must(q.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queueURL, MessageBody: aws.String("b"),
		DelaySeconds: 1}))(t)
	if a := <-answers; a.err != nil || bodies(a.messages) != "b" {
		t.Errorf("got %q, %v", bodies(a.messages), a.err)
	}

	answers = waiting(3)
	must(q.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: queueURL}))(t)
	var missing *types.QueueDoesNotExist
	if a := <-answers; !errors.As(a.err, &missing) {
		t.Errorf("got %v", a.err)
	}

	createQueue(t, s, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := poll(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	answers = waiting(4)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if a := <-answers; a.err == nil {
		t.Errorf("a closed server answered %v", a)
	}
}

func TestBatchesOfMessages(t *testing.T) {
	s := start(t, awsfake.Config{})
	q := createQueue(t, s, nil)
	in := &sqs.SendMessageBatchInput{QueueUrl: queueURL}
	for i := range 10 {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)),
			MessageBody: aws.String(fmt.Sprint("m", i))})
	}
	in.Entries[3].MessageBody = aws.String("\x01")
	out := must(q.SendMessageBatch(t.Context(), in))(t)
	if len(out.Successful) != 9 || len(out.Failed) != 1 || *out.Failed[0].Id != "3" ||
		*out.Failed[0].Code != "InvalidMessageContents" || !out.Failed[0].SenderFault {
		t.Errorf("got %+v", out)
	}
	i := s.Inject(awsfake.Fault{Effect: awsfake.PartialFailure, Operation: "sqs:*", Records: 2, Times: 1})
	messages := receive(t, q)
	if deleted := deleteMessages(t, q, messages...); len(deleted.Successful) != 7 || len(deleted.Failed) != 2 ||
		*deleted.Failed[0].Code != "InternalError" {
		t.Errorf("got %+v", deleted)
	}
	wantCount(t, i, 1)
}

func TestRefusedMessages(t *testing.T) {
	s := start(t, awsfake.Config{})
	q := createQueue(t, s, nil)
	send := func(q *sqs.Client, url, body string) error {
		_, err := q.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
		return err
	}
	receive := func(in sqs.ReceiveMessageInput) error {
		in.QueueUrl = queueURL
		_, err := q.ReceiveMessage(t.Context(), &in)
		return err
	}
	entries := func(ids ...string) error {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: queueURL, Entries: []types.DeleteMessageBatchRequestEntry{}}
		for _, id := range ids {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(id),
				ReceiptHandle: aws.String("x")})
		}
		_, err := q.DeleteMessageBatch(t.Context(), in)
		return err
	}
	_, fifo := q.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("events.fifo"),
		Attributes: map[string]string{"FifoQueue": "true"}})
	_, other := q.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("events"),
		Attributes: map[string]string{"VisibilityTimeout": "31"}})
	_, negative := q.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("new"),
		Attributes: map[string]string{"VisibilityTimeout": "-1"}})
	_, attribute := q.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("new"),
		Attributes: map[string]string{"Policy": "{}"}})
	_, handle := q.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: queueURL, ReceiptHandle: aws.String("x")})
	for name, test := range map[string]struct {
		err        error
		code, text string
	}{
		"another account": {send(sqsAs(s, hub), *queueURL, "x"), "AccessDenied", "sqs:sendmessage on resource"},
		"another region":  {send(q, awsfake.QueueURL(spoke, "eu-west-1", "events"), "x"), "InvalidAddress", ""},
		"no address":      {send(q, "events", "x"), "AWS.SimpleQueueService.NonExistentQueue", ""},
		"no queue": {send(q, awsfake.QueueURL(spoke, region, "other"), "x"), "AWS.SimpleQueueService.NonExistentQueue",
			"does not exist"},
		"empty":   {send(q, *queueURL, ""), "MissingParameter", "MessageBody"},
		"large":   {send(q, *queueURL, strings.Repeat("x", 1<<20+1)), "InvalidParameterValue", "1048576"},
		"control": {send(q, *queueURL, "\x00"), "InvalidMessageContents", ""},
		"many":    {receive(sqs.ReceiveMessageInput{MaxNumberOfMessages: 11}), "InvalidParameterValue", "11"},
		"long":    {receive(sqs.ReceiveMessageInput{WaitTimeSeconds: 21}), "InvalidParameterValue", "21"},
		"hidden":  {receive(sqs.ReceiveMessageInput{VisibilityTimeout: 43201}), "InvalidParameterValue", "43201"},
		"attributes": {receive(sqs.ReceiveMessageInput{MessageAttributeNames: []string{"All"}}), "ValidationException",
			"MessageAttributeNames"},
		"empty batch":  {entries(), "AWS.SimpleQueueService.EmptyBatchRequest", ""},
		"same entries": {entries("a", "a"), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "a"},
		"entry id":     {entries("a b"), "AWS.SimpleQueueService.InvalidBatchEntryId", ""},
		"large batch": {entries(strings.Split("abcdefghijk", "")...), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
			"11"},
		"fifo":      {fifo, "InvalidParameterValue", "hyphens"},
		"exists":    {other, "QueueAlreadyExists", "VisibilityTimeout"},
		"value":     {negative, "InvalidAttributeValue", "VisibilityTimeout"},
		"attribute": {attribute, "InvalidAttributeName", "Policy"},
		"handle":    {handle, "ReceiptHandleIsInvalid", ""},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, test.err, test.code, test.text) })
	}
}
