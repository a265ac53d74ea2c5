package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/collect"
)

// newFunction returns a function that sends to the bucket, and its output.
func newFunction(t *testing.T, find findSources) (*function, *programtest.Buffer) {
	t.Helper()
	out := new(programtest.Buffer)
	c := lambdaCommand{Events: queueURL}
	c.Bucket, c.MaxPaidRequests = "hub-archive", 200
	f, err := c.function(t.Context(), program.Program{Name: "spoke", Version: "v1", Stdout: out}, find,
		slog.New(slog.NewTextHandler(out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return f, out
}

// invoke invokes the function and returns its answer as JSON.
func invoke(ctx context.Context, f *function, input string) (string, error) {
	answer, err := f.invoke(ctx, json.RawMessage(input))
	text, _ := json.Marshal(answer)
	return string(text), err
}

// batch is a batch of messages as Lambda makes it of a queue; their ids are 0, 1 and so on.
func batch(bodies ...string) string {
	records := []map[string]string{}
	for i, body := range bodies {
		records = append(records, map[string]string{"messageId": fmt.Sprint(i), "body": body})
	}
	text, _ := json.Marshal(map[string]any{"Records": records})
	return string(text)
}

func TestLambdaCollectsWhatAScheduleSays(t *testing.T) {
	server := fake(t)
	eventQueue(t, server)
	f, out := newFunction(t, fixed(collector(things, nil, thing{ID: "a"})))
	every := short(collector(things, nil).Declaration().Every)
	for _, input := range []string{
		`{"spoke":1,"every":"` + every + `","scheduled":"2026-03-01T10:00:00Z"}`, `{"spoke":1,"category":["things"]}`,
	} {
		before := server.Calls("s3:PutObject")
		if answer, err := invoke(t.Context(), f, input); err != nil || answer != "null" {
			t.Errorf("%s: %s, %v", input, answer, err)
		}
		if server.Calls("s3:PutObject") == before {
			t.Errorf("%s: nothing is archived", input)
		}
	}
	if text := out.String(); strings.Count(text, `"spoke_runs":1`) != 2 || !strings.Contains(text, `"_aws"`) {
		t.Errorf("the metrics are not in\n%s", text)
	}
	for input, want := range map[string]string{
		`{"spoke":2,"every":"1h"}`: `version 2 in "spoke"`,
		`{"spoke":1}`:              `none of "every", "category" and "full"`,
		`{"spoke":1,"every":"1h","category":["things"]}`:   `both "every" and "category"`,
		`{"spoke":1,"every":"7m"}`:                         "has the interval \"7m\": there are [" + every + "]",
		`{"spoke":1,"every":"soon"}`:                       "no interval such as 1h",
		`{"spoke":1,"category":["nothing"]}`:               `unknown category "nothing"`,
		`{"spoke":1,"full":true}`:                          "no category",
		`{"spoke":1,"every":"1h","categories":["things"]}`: "unknown field",
		`{"interval":"1h"}`:                                "neither a schedule's",
		`[]`:                                               "neither a schedule's",
	} {
		if _, err := invoke(t.Context(), f, input); err == nil || program.ExitCode(err) != program.ExitUsage ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", input, err, want)
		}
	}
}

func TestLambdaCollectsWhatEventsAreAbout(t *testing.T) {
	server := fake(t)
	eventQueue(t, server)
	f, out := newFunction(t, fixed(hinted(collector(things, nil, thing{ID: "a"}), changed)))
	about := event(changed.Source, changed.Types[0], account, region)
	const done = `{"batchItemFailures":[]}`
	// The event may be of this very second, which no run shows for sure.
	past := strings.Replace(about, time.Now().UTC().Format("2006-"), fmt.Sprint(time.Now().Year()-1)+"-", 1)
	for range 2 {
		if answer, err := invoke(t.Context(), f, batch(past, past, "nonsense",
			`{"spoke":1,"category":["things"]}`)); err != nil ||
			answer != done {
			t.Errorf("%s, %v", answer, err)
		}
	}
	// The scope once for two events, and what was put back each time.
	if text := out.String(); !strings.Contains(text, `"spoke_runs":2`) || !strings.Contains(text, `"spoke_runs":1`) ||
		!strings.Contains(text, `"spoke_hint_seconds":[`) || !strings.Contains(text, "is no event") {
		t.Errorf("the metrics are not in\n%s", text)
	}

	// A run that failed may do better: its messages come again, the others do not.
	clear(f.covered)
	server.Inject(awsfake.Fault{Operation: "s3:PutObject", Effect: awsfake.Deny})
	elsewhere := event("aws.y", "Elsewhere", account, region)
	if answer, err := invoke(t.Context(), f, batch(elsewhere, about)); err != nil ||
		answer != `{"batchItemFailures":[{"itemIdentifier":"1"}]}` {
		t.Errorf("%s, %v", answer, err)
	}
}

func TestWhatDoesNotFitIntoAnInvocationComesAgain(t *testing.T) {
	server := fake(t)
	queue := eventQueue(t, server)
	slow := collector(things, nil).(collect.Collector[thing])
	slow.Collect = func(ctx context.Context, _ *collect.Env, emit func(thing) error) error {
		if err := emit(thing{ID: "a"}); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}
	f, out := newFunction(t, fixed(slow))
	next := `{"spoke":1,"category":["things"]}`
	for try := 1; try <= lambdaTries; try++ {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if _, err := invoke(ctx, f, next); err != nil {
			t.Errorf("try %d: %v", try, err)
		}
		cancel()
		if try == lambdaTries {
			break
		}
		got, err := queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(queueURL)})
		if err != nil || len(got.Messages) != 1 {
			t.Fatalf("try %d: the queue has %v, %v\n%s", try, got, err, out)
		}
		next = *got.Messages[0].Body
		if want := fmt.Sprintf(`"tries":%d`, try); !strings.Contains(next, want) || !strings.Contains(next, `"things"`) {
			t.Errorf("try %d: the queue has %s", try, next)
		}
	}
	if !strings.Contains(out.String(), "does not fit into an invocation: run this category as a task") {
		t.Errorf("the log is\n%s", out)
	}
	f.queue = nil
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := invoke(ctx, f, `{"spoke":1,"category":["things"]}`); err == nil ||
		!strings.Contains(err.Error(), "SPOKE_EVENTS") {
		t.Errorf("without a queue: %v", err)
	}
}

func TestLambdaThatCannotStart(t *testing.T) {
	fake(t)
	spoke(t.Context(), fixed(collector(things, nil)), "lambda", "--bucket", "hub-archive").want(t, program.ExitUsage, "",
		"this is not the Lambda runtime")
	t.Setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
	spoke(t.Context(), fixed(collector(things, nil)), "lambda").want(t, program.ExitUsage, "",
		"set SPOKE_STREAM or SPOKE_BUCKET")
	t.Setenv("_HANDLER", "lambda") // Lambda gives no arguments
	spoke(t.Context(), fixed(collector(things, nil))).want(t, program.ExitUsage, "", "set SPOKE_STREAM or SPOKE_BUCKET")
}
