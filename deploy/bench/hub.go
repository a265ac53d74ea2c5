package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	kinesisapi "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/kcl"
	"github.com/hubspoke/observability/lib/stream/kinesis"
	"github.com/hubspoke/observability/schemas"
)

const leaseTable = "bench"

// fewCategories is what all categories are compared with.
const fewCategories = 6

// measureHubs has hub consume backlogs of findings, of a few categories, and of all, which
// must not be slower by more than 15 %.
func measureHubs(ctx context.Context, program string, s size) ([]usage, error) {
	findings, err := findingLines(s.rowsPerAccount)
	if err != nil {
		return nil, err
	}
	usages := []usage{}
	add := func(what string, backlog []scopeLines) error {
		u, err := measureHub(ctx, program, what, s.accounts, backlog)
		usages = append(usages, u)
		return err
	}
	if err := add("rows", []scopeLines{{table: schemas.SecurityFindings.Table, lines: findings}}); err != nil {
		return nil, err
	}
	all := schemas.All()
	for _, tables := range [][]*schema.Table{ofMeanWidth(all, fewCategories), all} {
		var backlog []scopeLines
		for _, t := range tables {
			backlog = append(backlog, plainLines(t, max(s.rowsPerAccount/len(tables), 1)))
		}
		if err := add(fmt.Sprintf("rows of %d categories", len(tables)), backlog); err != nil {
			return nil, err
		}
	}
	usages[2].goal = 0.85 * usages[1].rate()
	return usages, nil
}

// ofMeanWidth returns the n tables that are nearest to the mean number of columns, so that
// their rows are as wide as those of all.
func ofMeanWidth(tables []*schema.Table, n int) []*schema.Table {
	sum := 0
	for _, t := range tables {
		sum += len(t.Columns())
	}
	mean := sum / len(tables)
	distance := func(t *schema.Table) int { return max(len(t.Columns())-mean, mean-len(t.Columns())) }
	return slices.SortedStableFunc(slices.Values(tables), func(a, b *schema.Table) int {
		return cmp.Compare(distance(a), distance(b))
	})[:n]
}

// scopeLines are the rows that each account has of a category.
type scopeLines struct {
	table *schema.Table
	slice string
	lines [][]byte
}

// measureHub has hub consume a backlog that waits in the stream.
func measureHub(ctx context.Context, program, what string, accounts int, backlog []scopeLines) (usage, error) {
	total := 0
	for _, of := range backlog {
		total += accounts * len(of.lines)
	}
	what = fmt.Sprintf("hub consume, backlog of %d %s", total, what)
	u := usage{what: what, limit: 512 << 20, count: total, unit: "rows"}
	server, err := awsfake.New(awsfake.Config{Region: region})
	if err != nil {
		return u, err
	}
	defer server.Close()
	if err := createStream(ctx, server, hubAccount, 4); err != nil {
		return u, err
	}
	if err := kcl.CreateLeaseTable(ctx, dynamodb.NewFromConfig(server.AWSConfig(hubAccount, region)),
		leaseTable); err != nil {
		return u, err
	}
	if err := fill(ctx, server, accounts, backlog); err != nil {
		return u, fmt.Errorf("fill the stream: %w", err)
	}
	postgres, err := pgserver.Start(ctx, pgserver.Config{})
	if err != nil {
		return u, err
	}
	defer postgres.Stop()
	hub, err := startHub(ctx, server, postgres.URL(), program)
	if err != nil {
		return u, err
	}
	began := time.Now()
	err = awaitRuns(ctx, hub, postgres.URL(), accounts*len(backlog))
	u.elapsed = time.Since(began)
	if stopErr := hub.stop(); err == nil {
		err = stopErr
	}
	u.memory = hub.memory.Load()
	return u, err
}

// startHub makes the tables of a database, and has a hub consume the stream.
func startHub(ctx context.Context, server *awsfake.Server, database, program string) (*process, error) {
	env := append(server.Environment(hubAccount), "DATABASE_URL="+database)
	migrate, err := command(ctx, env, program, "migrate")
	if err != nil {
		return nil, err
	}
	if err := migrate.Run(); err != nil {
		return nil, err
	}
	cmd, err := command(ctx, env, program, "consume", "--stream", streamName, "--lease-table", leaseTable)
	if err != nil {
		return nil, err
	}
	return start(cmd)
}

// fill puts one run of each account and category into the stream.
func fill(ctx context.Context, server *awsfake.Server, accounts int, backlog []scopeLines) error {
	publisher, err := kinesis.New(kinesis.Config{Client: kinesisapi.NewFromConfig(server.AWSConfig(hubAccount, region)),
		Stream: streamName})
	if err != nil {
		return err
	}
	packer, err := envelope.NewPacker(envelope.Config{})
	if err != nil {
		return err
	}
	for i := range accounts {
		var messages []stream.Message
		for _, of := range backlog {
			scope := schema.Scope{Category: of.table.Name(), Account: fmt.Sprintf("%012d", i), Region: region, Slice: of.slice}
			run, err := packRun(packer, scope, of.lines)
			if err != nil {
				return err
			}
			messages = append(messages, run...)
		}
		if err := publisher.Publish(ctx, messages); err != nil {
			return err
		}
	}
	return nil
}

// packRun returns the records of a complete run.
func packRun(packer *envelope.Packer, scope schema.Scope, lines [][]byte) (messages []stream.Message, err error) {
	run, err := packer.Run(scope, schema.NewRunID(time.Now()))
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		if err := run.Add(line); err != nil {
			return nil, err
		}
	}
	for _, part := range run.Flush() {
		messages = append(messages, stream.Message{PartitionKey: envelope.PartitionKey(scope), Data: part.Record})
	}
	end, err := run.End(schema.OK, "")
	return append(messages, stream.Message{PartitionKey: envelope.PartitionKey(scope), Data: end}), err
}

// plainLines returns n rows of a category that fill every column.
func plainLines(t *schema.Table, n int) scopeLines {
	out := scopeLines{table: t}
	values := map[schema.Kind]string{
		schema.KindText: `"a text of %d"`, schema.KindInt64: "%d", schema.KindFloat64: "%d.5", schema.KindDecimal: `"%d.25"`,
		schema.KindBool: "true", schema.KindTimestamp: `"2026-10-19T20:11:04Z"`, schema.KindDate: `"2026-10-19"`,
	}
	for i := range n {
		line := []byte{'{'}
		for j, c := range t.Columns() {
			if j > 0 {
				line = append(line, ',')
			}
			value := values[c.Kind]
			switch {
			case c.Slice && c.Kind == schema.KindDate:
				out.slice = "2026-10-19"
			case c.Slice:
				out.slice, value = "a", `"a"`
			case c.Kind == schema.KindJSON && c.Shape == schema.Array:
				value = `["a"]`
			case c.Kind == schema.KindJSON:
				value = `{"team":"orders"}`
			}
			line = fmt.Appendf(line, "%q:", c.Name)
			if strings.Contains(value, "%d") {
				line = fmt.Appendf(line, value, i)
			} else {
				line = append(line, value...)
			}
		}
		out.lines = append(out.lines, append(line, '}'))
	}
	return out
}

// findingsRecord returns n findings, which the caller must release.
func findingsRecord(n int) (arrow.Record, error) {
	a := rows.NewAppender(schemas.SecurityFindings, nil)
	defer a.Release()
	text := func(format string, args ...any) *string {
		s := fmt.Sprintf(format, args...)
		return &s
	}
	seen := time.Date(2026, 10, 19, 20, 11, 4, 0, time.UTC)
	for i := range n {
		control := i % 300
		if err := a.Append(&schemas.SecurityFinding{
			FindingID: fmt.Sprintf(
				"arn:aws:securityhub:%s:%s:security-control/S3.%d/finding/%08x-3c5e-4d58-9f0f-4f1bba0d2c11", region, account,
				control, i),
			ProductARN:       "arn:aws:securityhub:" + region + "::product/aws/securityhub",
			GeneratorID:      fmt.Sprintf("security-control/S3.%d", control),
			FindingAccountID: account, FindingRegion: text(region),
			Title: "S3 general purpose buckets should require requests to use SSL",
			Description: text("This control checks whether Amazon S3 general purpose buckets have policies that require " +
				"requests to use SSL."),
			SeverityLabel: text("MEDIUM"), WorkflowStatus: text("NEW"), RecordState: text("ACTIVE"),
			ResourceCount: 1, ResourceType: text("AwsS3Bucket"), ResourceID: text("arn:aws:s3:::bucket-%08x", i),
			Resources: fmt.Appendf(nil,
				`[{"Id":"arn:aws:s3:::bucket-%08x","Partition":"aws","Region":"%s","Tags":{"team":"orders"},"Type":"AwsS3Bucket"}]`,
				i, region),
			RemediationText: text("For information on how to correct this issue, consult the AWS Security Hub controls " +
				"documentation."),
			RemediationURL:  text("https://docs.aws.amazon.com/console/securityhub/S3.%d/remediation", control),
			FirstObservedAt: &seen, LastObservedAt: &seen, FindingCreatedAt: &seen, FindingUpdatedAt: &seen,
		}); err != nil {
			return nil, err
		}
	}
	return a.Record(), nil
}

// findingLines returns n findings as the rows of a part.
func findingLines(n int) ([][]byte, error) {
	rec, err := findingsRecord(n)
	if err != nil {
		return nil, err
	}
	defer rec.Release()
	e, err := rowjson.NewEncoder(schemas.SecurityFindings.Table, rec)
	if err != nil {
		return nil, err
	}
	lines := make([][]byte, n)
	for i := range lines {
		lines[i] = e.AppendRow(nil, i)
	}
	return lines, nil
}

// awaitRuns waits until so many runs are complete.
func awaitRuns(ctx context.Context, hub *process, url string, n int) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var complete int
	err = hub.await(ctx, func() (bool, error) {
		err := conn.QueryRow(ctx, "SELECT count(*) FROM hub.run WHERE completed_at IS NOT NULL").Scan(&complete)
		return complete == n, err
	})
	if err != nil {
		return fmt.Errorf("%d of %d runs complete: %w", complete, n, err)
	}
	return nil
}
