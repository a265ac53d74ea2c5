package main

import (
	"context"
	"fmt"
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

// measureHub has hub consume a backlog that waits in the stream.
func measureHub(ctx context.Context, program string, s size) (usage, error) {
	total := s.accounts * s.rowsPerAccount
	u := usage{what: fmt.Sprintf("hub consume, backlog of %d rows", total), limit: 512 << 20, count: total, unit: "rows"}
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
	if err := fill(ctx, server, s); err != nil {
		return u, fmt.Errorf("fill the stream: %w", err)
	}
	postgres, err := pgserver.Start(ctx, pgserver.Config{})
	if err != nil {
		return u, err
	}
	defer postgres.Stop()
	env := append(server.Environment(hubAccount), "DATABASE_URL="+postgres.URL())
	migrate, err := command(ctx, env, program, "migrate")
	if err != nil {
		return u, err
	}
	if err := migrate.Run(); err != nil {
		return u, err
	}
	cmd, err := command(ctx, env, program, "consume", "--stream", streamName, "--lease-table", leaseTable)
	if err != nil {
		return u, err
	}
	began := time.Now()
	hub, err := start(cmd)
	if err != nil {
		return u, err
	}
	err = awaitRuns(ctx, hub, postgres.URL(), s.accounts)
	u.elapsed = time.Since(began)
	if stopErr := hub.stop(); err == nil {
		err = stopErr
	}
	u.memory = hub.memory.Load()
	return u, err
}

// fill puts one run of each account into the stream.
func fill(ctx context.Context, server *awsfake.Server, s size) error {
	publisher, err := kinesis.New(kinesis.Config{Client: kinesisapi.NewFromConfig(server.AWSConfig(hubAccount, region)),
		Stream: streamName})
	if err != nil {
		return err
	}
	packer, err := envelope.NewPacker(envelope.Config{})
	if err != nil {
		return err
	}
	lines, err := findingLines(s.rowsPerAccount)
	if err != nil {
		return err
	}
	for i := range s.accounts {
		scope := schema.Scope{Category: schemas.SecurityFindings.Name(), Account: fmt.Sprintf("%012d", i), Region: region}
		run, err := packer.Run(scope, schema.NewRunID(time.Now()))
		if err != nil {
			return err
		}
		for _, line := range lines {
			if err := run.Add(line); err != nil {
				return err
			}
		}
		var messages []stream.Message
		for _, part := range run.Flush() {
			messages = append(messages, stream.Message{PartitionKey: envelope.PartitionKey(scope), Data: part.Record})
		}
		end, err := run.End(schema.OK, "")
		if err != nil {
			return err
		}
		messages = append(messages, stream.Message{PartitionKey: envelope.PartitionKey(scope), Data: end})
		if err := publisher.Publish(ctx, messages); err != nil {
			return err
		}
	}
	return nil
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
