package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/schemas"
)

// runtimeAPI is the Lambda runtime API, as far as a function needs it.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type runtimeAPI struct {
	*httptest.Server
	events  chan []byte
	answers chan string
	timeout time.Duration // of an invocation
}

func newRuntimeAPI(t *testing.T) *runtimeAPI {
	api := &runtimeAPI{events: make(chan []byte), answers: make(chan string, 1), timeout: 5 * time.Minute}
	mux := http.NewServeMux()
	invocation := 0
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case event := <-api.events:
			invocation++
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprint(invocation))
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(api.timeout).UnixMilli()))
			w.Write(event)
		case <-r.Context().Done():
		}
	})
	answer := func(w http.ResponseWriter, r *http.Request) {
		api.answers <- r.PathValue("kind") + " " + string(must(io.ReadAll(r.Body)))
		w.WriteHeader(http.StatusAccepted)
	}
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{kind}", answer)
	api.Server = httptest.NewServer(mux)
	t.Cleanup(api.Close)
	return api
}

// lambdaFunction is the program as the runtime starts it.
type lambdaFunction struct {
	*testing.T
	api    *runtimeAPI
	stderr *programtest.Buffer
}

// start starts the program with a handler and further settings.
func (api *runtimeAPI) start(t *testing.T, handler string, settings ...string) lambdaFunction {
	t.Helper()
	function := exec.Command(must(os.Executable()))
	function.Env = append(os.Environ(), asProgram+"=1", "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"),
		"_HANDLER="+handler, "HUB_LOG_FORMAT=json")
	function.Env = append(function.Env, settings...)
	f := lambdaFunction{t, api, new(programtest.Buffer)}
	function.Stderr = f.stderr
	if err := function.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		function.Process.Kill()
		function.Wait()
	})
	return f
}

// invoke invokes the function and returns how it answers.
func (f lambdaFunction) invoke(event []byte) string {
	f.Helper()
	select {
	case f.api.events <- event:
	case <-time.After(5 * time.Minute):
		f.Fatalf("the function does not ask for events:\n%s", f.stderr)
	}
	return <-f.api.answers
}

// event makes the event that Lambda makes of what a shard holds.
func (w *world) event(shard string) []byte {
	w.Helper()
	var e events.KinesisEvent
	for _, r := range must(w.aws.Records(streamARN)) {
		if r.Shard != shard {
			continue
		}
		e.Records = append(e.Records, events.KinesisEventRecord{
			EventID: r.Shard + ":" + r.SequenceNumber, EventSource: "aws:kinesis", EventSourceArn: streamARN,
			Kinesis: events.KinesisRecord{
				Data: r.Data, PartitionKey: r.PartitionKey, SequenceNumber: r.SequenceNumber,
				ApproximateArrivalTimestamp: events.SecondsEpochTime{Time: r.Arrived},
			},
		})
	}
	return must(json.Marshal(e))
}

func TestLambda(t *testing.T) {
	w := newWorld(t, 1)
	api := newRuntimeAPI(t)
	f := api.start(t, "lambda", "HUB_BATCH_AGE=10ms")
	invoke, stderr := f.invoke, f.stderr

	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED"), certificate(2, "ISSUED")))
	const done = `response {"batchItemFailures":[]}`
	early := w.event("shardId-000000000000")
	if answer := invoke(early); answer != done && answer != `response {"batchItemFailures":null}` {
		t.Errorf("answer %s\n%s", answer, stderr)
	}
	w.completed(1)
	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "EXPIRED")),
		collector(schemas.ServiceCosts, nil, cost("Amazon S3", "1.25")))
	for range 2 { // Lambda delivers at least once, and what is old once more
		invoke(w.event("shardId-000000000000"))
	}
	invoke(early)
	w.completed(3)
	hub(t.Context(), "verify").want(t, program.ExitDone,
		"│ certificates      │    2 │    0 │            3 │         1 │           0 │")

	// What cannot be applied is named, so that Lambda delivers it again.
	answer := invoke([]byte(strings.ReplaceAll(string(early), "stream/observability", "stream/nothing")))
	if !strings.HasPrefix(answer, "error ") || !strings.Contains(answer, "does not exist") {
		t.Errorf("answer %s", answer)
	}
	// It goes on after connections were cut.
	w.count(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'observability-hub'`)
	w.send(spoke, collector(schemas.Certificates, nil, certificate(3, "ISSUED")))
	invoke(w.event("shardId-000000000000"))
	w.completed(4)
}
