package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/schemas"
)

// startFunction starts the program as the runtime of Lambda does, with further settings.
func startFunction(t *testing.T, handler string, settings ...string) *programtest.Function {
	t.Helper()
	return programtest.StartFunction(t, must(os.Executable()), handler,
		append(settings, asProgram+"=1", "HUB_LOG_FORMAT=json")...)
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
	f := startFunction(t, "lambda", "HUB_BATCH_AGE=10ms")
	invoke := f.Invoke

	w.send(spoke, collector(schemas.Certificates, nil, certificate(1, "ISSUED"), certificate(2, "ISSUED")))
	const done = `response {"batchItemFailures":[]}`
	early := w.event("shardId-000000000000")
	if answer := invoke(early); answer != done && answer != `response {"batchItemFailures":null}` {
		t.Errorf("answer %s\n%s", answer, f.Log())
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
