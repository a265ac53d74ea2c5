package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
)

// lambdaFunction is a function under test.
type lambdaFunction struct {
	*testing.T
	*function
	stdout, stderr *programtest.Buffer
}

func newFunction(t *testing.T, c lambdaCommand, all ...collect.Any) lambdaFunction {
	t.Helper()
	out := lambdaFunction{T: t, stdout: new(programtest.Buffer), stderr: new(programtest.Buffer)}
	c.Bucket = "hub-archive"
	var err error
	out.function, err = c.function(t.Context(), program.Program{Name: "spoke", Stdout: out.stdout}, fixed(all...),
		slog.New(slog.NewJSONHandler(out.stderr, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// call invokes the function and returns its answer as JSON.
func (f lambdaFunction) call(ctx context.Context, input string) (string, error) {
	f.Helper()
	answer, err := f.invoke(ctx, json.RawMessage(input))
	text, fault := json.Marshal(answer)
	if fault != nil {
		f.Fatal(fault)
	}
	return string(text), err
}

// batch is what Lambda makes of messages, which it names 0, 1 and so on.
func batch(bodies ...string) string {
	var e lambdaevents.SQSEvent
	for i, body := range bodies {
		e.Records = append(e.Records, lambdaevents.SQSMessage{MessageId: fmt.Sprint(i), Body: body,
			EventSource: "aws:sqs"})
	}
	text, _ := json.Marshal(e)
	return string(text)
}

// old is an event of a change that services show.
func old(source string) string {
	return fmt.Sprintf(`{"detail-type":"Thing Changed","source":%q,"account":%q,"region":%q,"time":%q,"detail":{}}`, source,
		account, region, time.Now().Add(-time.Minute).UTC().Format(time.RFC3339))
}

// counting returns a collector that counts its collections.
func counting(n *int, err error) collect.Any {
	c := hinted(collector(things, nil), changed).(collect.Collector[thing])
	c.Collect = func(context.Context, *collect.Env, func(thing) error) error { *n++; return err }
	return c
}

func TestLambdaNamesWhatIsWrongWithItsInput(t *testing.T) {
	fake(t)
	f := newFunction(t, lambdaCommand{}, collector(things, nil), collector(others, nil))
	for input, want := range map[string]string{
		`{"spoke":2,"every":"1h"}`:                         `version 2 in "spoke"`,
		`{"spoke":"1","every":"1h"}`:                       `version "1" in "spoke"`,
		`{"spoke":1,"category":["cats"]}`:                  `unknown category "cats": choose from things, others`,
		`{"spoke":1,"every":"2h"}`:                         "has the interval 2h: choose from 1h",
		`{"spoke":1,"every":"soon"}`:                       `"soon" is not a duration`,
		`{"spoke":1,"every":"1h","category":["things"]}`:   `both "every" and "category"`,
		`{"spoke":1}`:                                      "says nothing to collect",
		`{"spoke":1,"evry":"1h"}`:                          `unknown field "evry"`,
		`{"spoke":1,"every":"1h","region":["Frankfurt"]}`:  `"Frankfurt" is not the name of a region`,
		`{"spoke":1,"every":"1h","region":["global"]}`:     `"global" is not the name of a region`,
		`{"every":"1h"}`:                                   "neither that of a schedule",
		`{"Records":null}`:                                 "neither that of a schedule",
		`"hello"`:                                          "neither that of a schedule",
		`{"spoke":1,"every":"1h","scheduled":"yesterday"}`: "cannot be read",
		`{"spoke":1,"every":"1h","tries":-1}`:              `negative "tries"`,
	} {
		_, err := f.call(t.Context(), input)
		if program.ExitCode(err) != program.ExitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", input, err, want)
		}
	}
}

// TestLambdaMayLeaveOutAnInterval: the schedule of categories that are left out is no fault.
func TestLambdaMayLeaveOutAnInterval(t *testing.T) {
	fake(t)
	f := newFunction(t, lambdaCommand{}, collector(things, nil))
	if _, err := f.call(t.Context(), `{"spoke":1,"every":"6h"}`); err != nil {
		t.Error(err)
	}
}

func TestLambdaNeedsWhatItNames(t *testing.T) {
	fake(t)
	find := fixed(collector(things, nil))
	spoke(t.Context(), find, "lambda", "--bucket", "hub-archive").want(t, program.ExitUsage, "", "use: spoke run")
	t.Setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
	spoke(t.Context(), find, "lambda").want(t, program.ExitUsage, "", "set SPOKE_STREAM or SPOKE_BUCKET")
	spoke(t.Context(), find, "lambda", "--bucket", "hub-archive", "--events", "queue").want(t, program.ExitUsage, "",
		"is not the URL of a queue")
	spoke(t.Context(), find, "lambda", "--bucket", "hub-archive", "--account", hub, "--role", "x").want(t,
		program.ExitUsage, "", "")
	t.Setenv("_HANDLER", "lambda")
	spoke(t.Context(), find).want(t, program.ExitUsage, "", "set SPOKE_STREAM or SPOKE_BUCKET")
}

func TestLambdaCollectsWhatAScheduleNames(t *testing.T) {
	server := fake(t)
	daily := collector(others, nil, other{ID: "b"}).(collect.Collector[other])
	daily.Every = 24 * time.Hour
	f := newFunction(t, lambdaCommand{destinationFlags: destinationFlags{Stream: streamARN, StreamRoleARN: roleARN,
		ExternalID: "secret"}},
		collector(things, nil, thing{ID: "a"}), daily)
	for _, input := range []string{`{"spoke":1,"every":"1h"}`, `{"spoke":1,"every":"1d"}`,
		`{"spoke":1,"category":["others"],"region":["eu-west-1"]}`} {
		if answer, err := f.call(t.Context(), input); err != nil || answer != "null" {
			t.Errorf("%s: %s, %v", input, answer, err)
		}
	}
	ends, _ := stored(t, server)
	var got []string
	for _, e := range ends {
		got = append(got, fmt.Sprint(e.Scope.Category, " ", e.Scope.Region, " ", e.Outcome, " ", e.Every))
	}
	slices.Sort(got)
	want := "[others eu-central-1 ok 24h0m0s others eu-west-1 ok 24h0m0s things eu-central-1 ok 1h0m0s]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	line := struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace string
				Metrics   []struct{ Name string }
			}
		} `json:"_aws"`
		Runs   *int `json:"spoke_runs"`
		Unsent *int `json:"spoke_unsent_runs"`
	}{}
	first, _, _ := strings.Cut(f.stdout.String(), "\n")
	if err := json.Unmarshal([]byte(first), &line); err != nil || line.Runs == nil || *line.Runs != 1 ||
		line.Unsent == nil || *line.Unsent != 0 || len(line.AWS.CloudWatchMetrics[0].Metrics) != 2 {
		t.Errorf("%v: the metrics are %s", err, first)
	}
}

func TestLambdaFailsOnlyIfNothingWasDone(t *testing.T) {
	fake(t)
	broken := collector(others, errors.New("no answer"))
	f := newFunction(t, lambdaCommand{}, collector(things, nil, thing{ID: "a"}), broken)
	if _, err := f.call(t.Context(), `{"spoke":1,"every":"1h"}`); err != nil {
		t.Errorf("one of two is done: %v", err)
	}
	if _, err := f.call(t.Context(), `{"spoke":1,"category":["others"]}`); err == nil {
		t.Error("nothing is done, and the invocation does not fail")
	}
}

func TestLambdaAnswersWhichMessagesFailed(t *testing.T) {
	fake(t)
	asked := 0
	for name, of := range map[string]struct {
		fault error
		want  string
	}{
		"done":   {nil, `{"batchItemFailures":[]}`},
		"denied": {&smithy.GenericAPIError{Code: "AccessDeniedException"}, `{"batchItemFailures":[]}`},
		"failed": {errors.New("no answer"), `{"batchItemFailures":[{"itemIdentifier":"0"},{"itemIdentifier":"2"},` +
			`{"itemIdentifier":"4"}]}`},
	} {
		asked = 0
		f := newFunction(t, lambdaCommand{}, counting(&asked, of.fault), collector(others, nil))
		answer, err := f.call(t.Context(), batch(old(changed.Source), "the secret of somebody", old(changed.Source),
			`{"spoke":1,"category":["others"],"region":["eu-central-1"],"tries":1}`,
			`{"spoke":1,"category":["things"],"region":["eu-central-1"],"tries":1}`, `{"spoke":9}`, old("aws.nothing")))
		if err != nil || answer != of.want || asked != 1 {
			t.Errorf("%s: %s, %v after %d collections", name, answer, err, asked)
		}
		if log := f.stderr.String(); strings.Contains(log, "secret") || !strings.Contains(log, `"message":"1"`) ||
			!strings.Contains(log, `"message":"5"`) {
			t.Errorf("the log is\n%s", log)
		}
		if timed := strings.Contains(f.stdout.String(), "spoke_hint_seconds"); timed != (name == "done") {
			t.Errorf("%s: the metrics are %s", name, f.stdout)
		}
		// What a run has shown is no reason for another one.
		if f.call(t.Context(), batch(old(changed.Source))); (asked == 1) != (name == "done") {
			t.Errorf("%s: %d collections after an event of before", name, asked)
		}
	}
}

// slow returns a collector that does not end before its context.
func slow(category string) collect.Any {
	return collect.Collector[thing]{
		Category: schema.Of[thing](schema.Spec{Name: category, Mode: schema.Snapshot}), Reach: collect.PerRegionAndGlobal,
		Every: time.Hour, Calls: []string{"x:ListThings"},
		Collect: func(ctx context.Context, _ *collect.Env, emit func(thing) error) error {
			if err := emit(thing{ID: "a"}); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		},
	}
}

func TestLambdaSendsBackWhatDidNotFit(t *testing.T) {
	server := fake(t)
	queue := eventQueue(t, server)
	one := lambdaCommand{Events: queueURL}
	one.Concurrent = 1
	f := newFunction(t, one, slow("slow"), collector(others, nil, other{ID: "b"}))
	invoke := func(input string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		answer, err := f.call(ctx, input)
		if err != nil || ctx.Err() != nil {
			t.Errorf("%v, %v", err, ctx.Err())
		}
		return answer
	}
	waiting := func() (bodies []string) {
		t.Helper()
		out, err := queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(queueURL),
			MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			bodies = append(bodies, aws.ToString(m.Body))
		}
		slices.Sort(bodies)
		return bodies
	}
	const due = `"scheduled":"2026-01-02T03:04:05Z"`
	back := func(region string, tries int) string {
		return fmt.Sprintf(`{"spoke":1,"category":["slow"],"region":[%q],%s,"tries":%d}`, region, due, tries)
	}
	invoke(`{"spoke":1,"every":"1h",` + due + `}`)
	// others comes first, one of the two slow ones is cut, and the other one not started.
	if got, want := fmt.Sprint(waiting()), fmt.Sprint([]string{back(region, 1), back("global", 1)}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if answer := invoke(batch(back("global", 1))); answer != `{"batchItemFailures":[]}` {
		t.Errorf("answer %s", answer)
	}
	if got, want := fmt.Sprint(waiting()), fmt.Sprint([]string{back("global", 2)}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	invoke(batch(back(region, 1))) // what has no region is not a part of it, also in the home region
	if got, want := fmt.Sprint(waiting()), fmt.Sprint([]string{back(region, 2)}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if strings.Contains(f.stderr.String(), "as a task") {
		t.Error("it is given up too soon")
	}
	if answer := invoke(batch(back("global", 2))); answer != `{"batchItemFailures":[]}` || len(waiting()) > 0 {
		t.Errorf("answer %s", answer)
	}
	if !strings.Contains(f.stderr.String(), "as a task") {
		t.Errorf("the log does not say what to do:\n%s", f.stderr)
	}

	// Where it cannot go back, Lambda and SQS repeat it.
	if _, err := queue.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: aws.String(queueURL)}); err != nil {
		t.Fatal(err)
	}
	if answer := invoke(batch(back("global", 1))); answer != `{"batchItemFailures":[{"itemIdentifier":"0"}]}` {
		t.Errorf("answer %s", answer)
	}
	without := newFunction(t, lambdaCommand{}, slow("slow"))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := without.call(ctx, `{"spoke":1,"every":"1h"}`); err == nil ||
		!strings.Contains(err.Error(), "set SPOKE_EVENTS") {
		t.Errorf("got %v", err)
	}
}

func TestLambdaCollectsTheShortestFirst(t *testing.T) {
	fake(t)
	f := newFunction(t, lambdaCommand{}, collector(things, nil))
	scope := func(category string) schema.Scope {
		return schema.Scope{Category: category, Account: account, Region: region}
	}
	for name, took := range map[string]time.Duration{"c": 1, "a": 5, "e": 9} {
		f.took[scope(name)] = took
	}
	var got string
	for _, s := range f.inOrder(map[schema.Scope]bool{scope("a"): true, scope("b"): true, scope("c"): true,
		scope("d"): true, scope("e"): true}) {
		got += s.Category
	}
	if got != "cabde" {
		t.Errorf("got %s", got)
	}
}

// Two intervals reach back over one invocation that did not take place.
func TestLambdaAsksForTwoIntervals(t *testing.T) {
	fake(t)
	var since []time.Time
	c := collector(schema.Of[thing](schema.Spec{Name: "things", Mode: schema.Snapshot, Incremental: true}),
		nil).(collect.Collector[thing])
	c.Incremental = &collect.Incremental{FullEvery: 24 * time.Hour, Overlap: 5 * time.Minute}
	c.Collect = func(_ context.Context, env *collect.Env, _ func(thing) error) error {
		since = append(since, env.Since)
		return nil
	}
	f := newFunction(t, lambdaCommand{}, c)
	due := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for _, input := range []string{
		fmt.Sprintf(`{"spoke":1,"every":"1h","scheduled":%q}`, due.Format(time.RFC3339)),
		fmt.Sprintf(`{"spoke":1,"every":"1h","scheduled":%q}`, due.Add(2*time.Hour).Format(time.RFC3339)),
		`{"spoke":1,"full":true}`,
	} {
		if _, err := f.call(t.Context(), input); err != nil {
			t.Fatal(err)
		}
	}
	if len(since) != 3 || !since[0].Equal(due.Add(-125*time.Minute)) || !since[2].IsZero() {
		t.Fatalf("asked since %v", since)
	}
	if since[1].After(due) {
		t.Errorf("after a missed invocation, changes before %v are not asked for", since[1])
	}
}

// Schedules, one for each interval and one that reads everything, take all categories.
func TestSchedulesTakeEachCategoryOnce(t *testing.T) {
	all := collectors.All()
	taken, intervals := map[string]int{}, map[time.Duration]bool{}
	for _, c := range all {
		intervals[c.Declaration().Every] = true
	}
	for every := range intervals {
		chosen, err := task{Every: short(every)}.choose(all)
		if err != nil {
			t.Errorf("%v: %v", every, err)
		}
		for name := range chosen {
			taken[name]++
		}
	}
	full, err := task{Full: true}.choose(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		d := c.Declaration()
		if taken[d.Category] != 1 || full[d.Category] != (d.Incremental != nil) {
			t.Errorf("%s is in %d schedules; read as a whole: %v", d.Category, taken[d.Category], full[d.Category])
		}
	}
}

// testAsFunction runs the program as the runtime of Lambda does.
func testAsFunction(t *testing.T, binary string) {
	t.Helper()
	f := programtest.StartFunction(t, binary, "lambda", "SPOKE_REGION="+region, "SPOKE_BUCKET=hub-archive")
	for input, want := range map[string]string{
		`{"spoke":3}`:    "version 3",
		batch("nothing"): `response {"batchItemFailures":[]}`,
	} {
		if answer := f.Invoke([]byte(input)); !strings.Contains(answer, want) {
			t.Errorf("answer %s, want %s\n%s", answer, want, f.Log())
		}
	}
}
