package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// backlog is how many rows BenchmarkBacklog lets wait:
//
//	go test ./consumers/cmd/hub -run '^$' -bench Backlog -benchtime 1x -backlog 2000000
var backlog = flag.Int("backlog", 50_000, "rows that wait in BenchmarkBacklog")

// BenchmarkBacklog starts `hub consume` as a process when many rows wait, and
// reports how fast they are applied and how much memory the process takes.
func BenchmarkBacklog(b *testing.B) {
	const rowsOfRun = 5_000
	for range b.N {
		b.StopTimer()
		w := newWorld(b, 4)
		runs := max(*backlog/rowsOfRun, 1)
		for run := range runs {
			many := make([]schemas.SecurityFinding, rowsOfRun)
			for n := range many {
				many[n] = finding(n)
			}
			w.send(fmt.Sprintf("%012d", run), collector(schemas.SecurityFindings, nil, many...))
		}
		b.StartTimer()
		start := time.Now()
		p := w.start()
		for w.count("SELECT count(*) FROM hub.run WHERE completed_at IS NOT NULL") < int64(runs) {
			time.Sleep(100 * time.Millisecond)
		}
		took := time.Since(start)
		b.StopTimer()
		memory := peakMemory(b, p.Process.Pid)
		p.Process.Signal(syscall.SIGTERM)
		if err := p.Wait(); err != nil {
			b.Fatalf("%v\n%s", err, p.stderr)
		}
		b.ReportMetric(float64(runs*rowsOfRun)/took.Seconds(), "rows/s")
		b.ReportMetric(memory, "MiB-RSS")
	}
}

// peakMemory returns the most memory that a process has had, in MiB. (What
// getrusage says is at least what its parent had when it started it.)
func peakMemory(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0 // not Linux
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscanf(line, "%g kB", &kib); err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}

// finding returns a row of about 1,100 bytes as JSON.
func finding(n int) schemas.SecurityFinding {
	control := fmt.Sprintf("EC2.%d", n%300)
	id := fmt.Sprintf("arn:aws:securityhub:eu-central-1:111122223333:security-control/%s/finding/%032x", control, n)
	resource := fmt.Sprintf("arn:aws:ec2:eu-central-1:111122223333:volume/vol-%017x", n)
	at := time.Date(2026, 8, 1, 0, 0, n, 0, time.UTC)
	text := "This control checks whether " + strings.Repeat("the resource is configured as it should be, ", 6) +
		"and fails if it is not."
	return schemas.SecurityFinding{
		FindingID: id, ProductARN: "arn:aws:securityhub:eu-central-1::product/aws/securityhub",
		ProductName: aws.String("Security Hub"),
		GeneratorID: "security-control/" + control, FindingAccountID: "111122223333", FindingRegion: aws.String(region),
		Title: "Resources of " + control + " should be configured as they should be", Description: &text,
		FindingTypes:  schema.JSON(`["Software and Configuration Checks/Industry and Regulatory Standards"]`),
		SeverityLabel: aws.String("MEDIUM"), SeverityNormalized: aws.Int64(40), WorkflowStatus: aws.String("NEW"),
		RecordState:      aws.String("ACTIVE"),
		ComplianceStatus: aws.String("FAILED"), SecurityControlID: &control,
		AssociatedStandards: schema.JSON(`["standards/aws-foundational-security-best-practices/v/1.0.0"]`),
		ResourceType:        aws.String("AwsEc2Volume"), ResourceID: &resource, ResourceCount: 1,
		Resources:       schema.JSON(fmt.Sprintf(`[{"id":%q,"type":"AwsEc2Volume","region":"eu-central-1"}]`, resource)),
		FirstObservedAt: &at, LastObservedAt: &at, FindingCreatedAt: &at, FindingUpdatedAt: &at,
	}
}
