package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/collect"
)

const queueURL = "https://sqs.eu-central-1.amazonaws.com/111122223333/spoke-events"

// hinted is a collector that is collected after events.
func hinted(c collect.Any, hints ...collect.Hint) collect.Any {
	typed := c.(collect.Collector[thing])
	typed.Hints = hints
	return typed
}

var changed = collect.Hint{Source: "aws.x", Types: []string{"Thing Changed"}}

// event is an event as EventBridge puts it into a queue.
func event(source, kind, account, region string) string {
	return fmt.Sprintf(`{"version":"0","id":"5a1b","detail-type":%q,"source":%q,"account":%q,"time":%q,"region":%q,`+
		`"resources":[],"detail":{}}`, kind, source, account, time.Now().UTC().Format(time.RFC3339), region)
}

// eventQueue makes the queue in the spoke's account.
func eventQueue(t *testing.T, server *awsfake.Server) *sqs.Client {
	t.Helper()
	client := sqs.NewFromConfig(server.AWSConfig(account, region))
	makeQueue(t, client)
	return client
}

func makeQueue(t *testing.T, client *sqs.Client) {
	t.Helper()
	if _, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("spoke-events"),
		Attributes: map[string]string{"VisibilityTimeout": "300"}}); err != nil {
		t.Fatal(err)
	}
}

func sendAll(t *testing.T, client *sqs.Client, messages ...string) {
	t.Helper()
	for _, m := range messages {
		if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(queueURL),
			MessageBody: &m}); err != nil {
			t.Fatal(err)
		}
	}
}

// messagesIn returns how many messages a queue has, hidden ones included.
func messagesIn(t *testing.T, client *sqs.Client) string {
	t.Helper()
	out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: aws.String(queueURL),
		AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"] + "+" +
		out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

func TestQueueURL(t *testing.T) {
	for text, want := range map[string]string{
		queueURL: "arn:aws:sqs:eu-central-1:111122223333:spoke-events",
		"https://sqs-fips.us-gov-west-1.amazonaws.com/111122223333/q": "arn:aws-us-gov:sqs:us-gov-west-1:" +
			"111122223333:q",
		"https://sqs.eu-west-1.api.aws/111122223333/q":                        "arn:aws:sqs:eu-west-1:111122223333:q",
		"https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q":              "arn:aws-cn:sqs:cn-north-1:111122223333:q",
		"https://vpce-0a-1b.sqs.eu-west-1.vpce.amazonaws.com/111122223333/q":  "arn:aws:sqs:eu-west-1:111122223333:q",
		"http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/q": "arn:aws:sqs:us-east-1:000000000000:q",
		"spoke-events": "is not the URL of a queue",
		"arn:aws:sqs:eu-central-1:111122223333:spoke-events":         "is not the URL of a queue",
		"https://sqs.eu-central-1.amazonaws.com/q":                   "does not end with an account and a name",
		"https://sqs.eu-central-1.amazonaws.com/111122223333/q.fifo": "is a FIFO queue",
		"https://queue.amazonaws.com/111122223333/q":                 "does not name its region",
		"https://sqs.Frankfurt_1.amazonaws.com/111122223333/q":       "does not name a region",
		"https://sqs/111122223333/q":                                 "does not name its region",
	} {
		q, err := parseQueueURL("--events", text)
		if err != nil && (program.ExitCode(err) != program.ExitUsage || !strings.Contains(err.Error(), want)) ||
			err == nil && q.arn() != want {
			t.Errorf("%s: %q, %v, want %s", text, q.arn(), err, want)
		}
	}
}

func TestEventsMakeScopesDueSooner(t *testing.T) {
	server := fake(t)
	queue := eventQueue(t, server)
	sendAll(t, queue, event(changed.Source, changed.Types[0], account, region)) // of before the start
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr programtest.Buffer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, &stdout, &stderr, fixed(hinted(collector(things, nil, thing{ID: "a"}), changed,
			collect.Hint{Source: "aws.y", Types: []string{"Elsewhere"}, Only: "eu-west-1"})), []string{
			"run", "--metrics-addr", "127.0.0.1:0", "--bucket", "hub-archive", "--events", queueURL, "--jitter", "1h"})
	}()
	programtest.Eventually(t, "the address", func() bool { return addressRE.MatchString(stderr.String()) })
	url := "http://" + addressRE.FindStringSubmatch(stderr.String())[1] + "/metrics"
	shows := func(want string) func() bool {
		return func() bool { _, text := get(t, url); return strings.Contains(text, want) }
	}
	programtest.Eventually(t, "the runners", func() bool { return strings.Contains(stderr.String(), "msg=collecting") })
	if text := messagesIn(t, queue); text != "0+0" {
		t.Errorf("%s messages of before the start are left", text)
	}

	sendAll(t, queue, event(changed.Source, changed.Types[0], account, region),
		event(changed.Source, changed.Types[0], hub, region), event("aws.y", "Elsewhere", account, region),
		event(changed.Source, "Thing Seen", account, region), "the secret of somebody")
	for _, result := range []string{"taken", "other_account", "other_region", "unknown", "malformed"} {
		programtest.Eventually(t, result, shows(`spoke_events_total{result="`+result+`"} 1`))
	}
	programtest.Eventually(t, "an empty queue", func() bool { return messagesIn(t, queue) == "0+0" })
	log := stderr.String()
	if !strings.Contains(log, "no event; it is deleted") || !strings.Contains(log, "bytes=22") ||
		strings.Contains(log, "secret") {
		t.Errorf("the log is\n%s", log)
	}
	programtest.Eventually(t, "the run", shows(`spoke_hinted_runs_total{category="things",region="eu-central-1"} 1`))
	if !shows(`spoke_hint_seconds_count{category="things"} 1`)() {
		t.Error("the time from the event to its run is not measured")
	}

	// The queue goes and comes back; nothing else stops.
	if _, err := queue.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: aws.String(queueURL)}); err != nil {
		t.Fatal(err)
	}
	programtest.Eventually(t, "the fault", shows("spoke_events_up 0"))
	if status, _ := get(t, strings.Replace(url, "/metrics", "/readyz", 1)); status != 200 {
		t.Errorf("not ready without a queue: %d", status)
	}
	makeQueue(t, queue)
	programtest.Eventually(t, "the queue", shows("spoke_events_up 1"))
	sendAll(t, queue, event(changed.Source, "Thing Seen", account, region))
	programtest.Eventually(t, "an event", shows(`spoke_events_total{result="unknown"} 2`))
	log = stderr.String()
	if strings.Count(log, "no events; everything is still collected at its interval") != 1 ||
		!strings.Contains(log, "aws sqs get-queue-url --region eu-central-1 --queue-name spoke-events") ||
		!strings.Contains(log, "events come again") {
		t.Errorf("the log is\n%s", log)
	}
	cancel()
	if got := <-code; got != program.ExitDone {
		t.Errorf("exit code %d\n%s", got, stderr.String())
	}
}

func TestQueueThatCannotBeReadIsNamedAtTheStart(t *testing.T) {
	start := func(url string) result {
		return spoke(t.Context(), fixed(collector(things, nil)), "run", "--bucket", "hub-archive", "--duration", "10ms",
			"--events", url)
	}
	server := fake(t)
	start(queueURL).want(t, program.ExitUsage, "", "does not exist: look for it with `aws sqs get-queue-url")
	start("spoke-events").want(t, program.ExitUsage, "", "is not the URL of a queue")
	start(strings.Replace(queueURL, account, hub, 1)).want(t, program.ExitUsage, "",
		"allow sqs:ReceiveMessage and sqs:DeleteMessage on arn:aws:sqs:eu-central-1:444455556666:spoke-events")
	queue := eventQueue(t, server)
	denied := server.Inject(awsfake.Fault{Operation: "sqs:ReceiveMessage", Effect: awsfake.Deny})
	start(queueURL).want(t, program.ExitUsage, "", "allow sqs:ReceiveMessage and sqs:DeleteMessage on arn:aws:sqs")
	denied.Remove()

	// One that does not answer may do so later.
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	server.Inject(awsfake.Fault{Operation: "sqs:ReceiveMessage", Effect: awsfake.ServerError})
	start(queueURL).want(t, program.ExitDone, "", "no events; everything is still collected at its interval")

	// What may be received and not deleted is covered when it comes again.
	server.Inject(awsfake.Fault{Operation: "sqs:DeleteMessageBatch", Effect: awsfake.PartialFailure, Times: 1})
	server.Inject(awsfake.Fault{Operation: "sqs:DeleteMessageBatch", Effect: awsfake.Deny})
	e := newEvents(t, server, new(programtest.Buffer))
	sendAll(t, queue, "{}")
	for _, want := range []string{"not deleted, the first because of InternalError", "allow sqs:ReceiveMessage"} {
		log := new(programtest.Buffer)
		e.log, e.warned = slog.New(slog.NewTextHandler(log, nil)), time.Time{}
		e.delete(t.Context(), []types.Message{{ReceiptHandle: aws.String("x")}})
		if !strings.Contains(log.String(), want) {
			t.Errorf("want %s, got %s", want, log)
		}
	}
}

func newEvents(t *testing.T, server *awsfake.Server, log *programtest.Buffer) *events {
	t.Helper()
	q, err := parseQueueURL("--events", queueURL)
	if err != nil {
		t.Fatal(err)
	}
	return &events{queue: queue{q, sqs.NewFromConfig(server.AWSConfig(account, region))}, metrics: newMetrics("v1"),
		log: slog.New(slog.NewTextHandler(log, nil))}
}

func TestFaultOfTheQueueIsSaidOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(programtest.Buffer)
		e := &events{metrics: newMetrics("v1"), log: slog.New(slog.NewTextHandler(log, nil))}
		for range 150 {
			e.fault(errors.New("gone"))
			time.Sleep(time.Second)
		}
		if n := strings.Count(log.String(), "error=gone"); n != 3 {
			t.Errorf("said %d times in 150 seconds", n)
		}
	})
}

func TestRegionThatIsSwitchedOnIsLookedAt(t *testing.T) {
	m := &member{again: make(chan struct{}, 1)}
	f := &fleet{members: map[string]*member{account: m}}
	for range 2 { // AWS tells it twice
		f.hear(collect.Event{Source: regionSource, Type: regionType, Account: account, Region: "us-east-1"})
	}
	if len(m.again) != 1 {
		t.Error("the regions are not listed again")
	}
	if heard := f.hear(collect.Event{Source: regionSource, Type: regionType,
		Account: hub}); heard != collect.OtherAccount {
		t.Errorf("heard %v", heard)
	}
}
