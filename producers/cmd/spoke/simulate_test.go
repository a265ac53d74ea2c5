package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/simulate"
)

const simulateArguments = "run --simulate --accounts 2 --region eu-central-1 --rate 5000 --seed 7 --stream " +
	"arn:aws:kinesis:eu-central-1:444455556666:stream/observability --bucket hub-archive"

// simulated runs a simulation as the hub's own account: the stream then needs no
// policy. It is stopped as soon as the stream has something, or has a duration.
func simulated(t *testing.T, stop bool, more string) (simulationJSON, []envelope.Record) {
	t.Helper()
	server := fake(t)
	isolate(t, server.Environment(hub)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if stop {
		go func() {
			for ctx.Err() == nil && server.Calls("kinesis:PutRecords") == 0 {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
	}
	r := spoke(ctx, fixed(), strings.Fields(simulateArguments+" -o json "+more)...)
	var summary simulationJSON
	if err := json.Unmarshal([]byte(r.stdout), &summary); err != nil || r.code != program.ExitDone {
		t.Fatalf("exit code %d, %v\n%s\n%s", r.code, err, r.stdout, r.stderr)
	}
	records, err := server.Records(streamARN)
	if err != nil {
		t.Fatal(err)
	}
	var sent []envelope.Record
	for _, record := range records {
		r, err := envelope.Parse(record.Data)
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, r)
	}
	list, err := awsconfig.S3(server.AWSConfig(hub, region)).ListObjectsV2(t.Context(),
		&s3.ListObjectsV2Input{Bucket: aws.String("hub-archive")})
	if err != nil || len(list.Contents) == 0 {
		t.Errorf("the archive has %d objects: %v", len(list.Contents), err)
	}
	return summary, sent
}

// The summary tells what was sent, and which world the last complete run of every
// scope describes.
func TestSimulationEndsWithTheWholeWorld(t *testing.T) {
	summary, records := simulated(t, false, "--duration 2s")
	world, err := simulate.At(summary.World, summary.Steps)
	if err != nil {
		t.Fatal(err)
	}
	if summary.Steps == 0 || summary.World.Accounts != 2 || summary.World.Seed != 7 || summary.Rows == 0 {
		t.Errorf("summary %+v", summary)
	}
	ends, rows := 0, int64(0)
	newest := map[schema.Scope]*envelope.EndHeader{}
	for _, r := range records {
		if r.End == nil {
			continue
		}
		ends++
		rows += r.End.Rows
		if last := newest[r.Scope]; last == nil || last.Run.Compare(r.Run) < 0 {
			newest[r.Scope] = r.End
		}
	}
	if ends != summary.Runs || rows != summary.Rows {
		t.Errorf("%d runs with %d rows have ended, the summary says %d with %d", ends, rows, summary.Runs, summary.Rows)
	}
	sent := map[schema.Scope]int64{}
	for scope, h := range newest {
		if !h.Outcome.Complete() && h.Outcome != schema.Disabled {
			t.Errorf("the last run of %v is %s", scope, h.Outcome)
		}
		scope.Slice = ""
		sent[scope] += h.Rows
	}
	for _, scope := range world.Scopes() {
		_, rec, err := world.Record(scope)
		if err != nil {
			t.Fatal(err)
		}
		if sent[scope] != rec.NumRows() {
			t.Errorf("%v has %d rows, its last runs have %d", scope, rec.NumRows(), sent[scope])
		}
		rec.Release()
	}
}

// A person who stops the simulation gets the same as at the end of its time.
func TestASimulationThatIsStoppedIsWhole(t *testing.T) {
	summary, records := simulated(t, true, "")
	if len(records) == 0 || summary.Outcomes[schema.OK] == 0 {
		t.Errorf("%d records, summary %+v", len(records), summary)
	}
}

func TestUsageErrorsOfSimulations(t *testing.T) {
	isolate(t)
	for args, want := range map[string]string{
		"run --stream x --accounts 3":                  "--accounts, --rate and --seed need --simulate",
		"run --stream x --simulate --accounts=-1":      "must not be negative",
		"run --stream x --simulate --region global":    "is not the name of a region",
		"run --stream x --simulate --category nothing": "unknown category",
		"run --stream x --simulate --accounts 100001":  "--accounts must be at most 100000",
		"run --simulate": "nowhere to send rows to",
		"run --stream x --simulate --region eu-west-1,eu-west-1": "is given twice",
		"run --stream x --simulate --region all":                 "--simulate makes up accounts and regions",
		"once --simulate --account 111122223333":                 "--simulate makes up accounts and regions",
	} {
		spoke(t.Context(), fixed(), strings.Fields(args)...).want(t, program.ExitUsage, "", want)
	}
}

func TestOutcomesForPeople(t *testing.T) {
	if got := outcomesText(map[schema.Outcome]int{schema.Partial: 1, schema.OK: 75,
		schema.Denied: 0}); got != "75 ok, 1 partial" {
		t.Errorf("got %q", got)
	}
}

// People without an AWS account see what is collected and how it looks.
func TestOnceSimulated(t *testing.T) {
	isolate(t)
	arguments := strings.Fields("once --simulate --accounts 1 --region eu-central-1 --category secrets --category " +
		"certificates")
	table := spoke(t.Context(), fixed(), arguments...)
	if table.code != program.ExitDone || !strings.Contains(table.stdout, "arn:aws:acm:eu-central-1:") ||
		!strings.Contains(table.stderr, "certificates") {
		t.Errorf("exit code %d\n%s\n%s", table.code, table.stdout, table.stderr)
	}
	lines := spoke(t.Context(), fixed(), append(arguments, "-o", "json")...)
	rows := 0
	for line := range strings.Lines(lines.stdout) {
		var row struct {
			Category string
			Row      map[string]any
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil || len(row.Row) == 0 {
			t.Errorf("%v: %s", err, line)
		}
		rows++
	}
	if rows == 0 || lines.code != program.ExitDone {
		t.Errorf("exit code %d, %d rows\n%s", lines.code, rows, lines.stderr)
	}
	for _, wrong := range []string{"once --accounts 1", "once --seed 1", "once --simulate --accounts -1",
		"run --rate 1 --stream s"} {
		if r := spoke(t.Context(), fixed(), strings.Fields(wrong)...); r.code != program.ExitUsage {
			t.Errorf("%s: exit code %d", wrong, r.code)
		}
	}
}

// TestSimulatedDenial: the role of one account may not read a category, which is a story of
// the world and no fault.
func TestSimulatedDenial(t *testing.T) {
	summary, _ := simulated(t, true, "--accounts 8 --category inspector_findings")
	if summary.Outcomes[schema.Denied] == 0 || summary.Faults > 0 {
		t.Errorf("outcomes %v, %d faults", summary.Outcomes, summary.Faults)
	}
}

// Changes of the world are events in the queue, and runs answer them before they are due.
func TestSimulatedChangesAreEvents(t *testing.T) {
	server := fake(t)
	eventQueue(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		// Each scope has a file and a manifest of its first run, and no other is due for an hour.
		for ctx.Err() == nil && server.Calls("s3:PutObject") <= 2*2 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	r := spoke(ctx, fixed(), strings.Fields("run --simulate --accounts 1 --region eu-central-1 --rate 100000 --category "+
		"security_findings,ec2_instances --interval 1h --jitter 1ms -o json --bucket hub-archive --events "+queueURL)...)
	var summary simulationJSON
	if err := json.Unmarshal([]byte(r.stdout), &summary); err != nil || r.code != program.ExitDone {
		t.Fatalf("exit code %d, %v\n%s\n%s", r.code, err, r.stdout, r.stderr)
	}
	if len(summary.Hinted) == 0 {
		t.Errorf("no run answers an event\n%s", r.stderr)
	}
	for _, hinted := range summary.Hinted {
		if hinted.Event.IsZero() || hinted.Run.Time().Before(hinted.Event) {
			t.Errorf("run %v answers an event of %v", hinted.Run, hinted.Event)
		}
	}
}
