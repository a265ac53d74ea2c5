package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
)

// pageSize is ten times what Security Hub gives, so that the collector's rate
// limit does not make the measurement last for a quarter of an hour.
const pageSize = 1000

// measureSpoke has spoke collect findings and send them to a stream and a bucket,
// and ends it after its first run.
func measureSpoke(ctx context.Context, program string, s size) (usage, error) {
	u := usage{what: fmt.Sprintf("spoke run, %d findings", s.findings), limit: 160 << 20, count: s.findings, unit: "rows"}
	server, err := awsfake.New(awsfake.Config{Region: region})
	if err != nil {
		return u, err
	}
	defer server.Close()
	if err := createStream(ctx, server, account, 4); err != nil {
		return u, err
	}
	if _, err := awsconfig.S3(server.AWSConfig(account, region)).CreateBucket(ctx,
		&s3.CreateBucketInput{Bucket: aws.String(bucketName)}); err != nil {
		return u, err
	}
	url, findings, err := serveFindings(s.findings)
	if err != nil {
		return u, err
	}
	defer findings.Close()
	env := append(server.Environment(account), "AWS_ENDPOINT_URL_SECURITYHUB="+url)
	cmd, err := command(ctx, env, program, "run", "--category", "security_findings", "--region", region, "--jitter", "1s",
		"--stream", streamName, "--bucket", bucketName, "--log-format", "json")
	if err != nil {
		return u, err
	}
	spoke, err := start(cmd)
	if err != nil {
		return u, err
	}
	u.elapsed, err = awaitRun(ctx, spoke, cmd.Stderr.(*os.File).Name(), s.findings)
	if stopErr := spoke.stop(); err == nil {
		err = stopErr
	}
	u.memory = spoke.memory.Load()
	return u, err
}

// awaitRun waits until a spoke's log says that a run has ended, which must be that
// of n rows, and returns how long it took.
func awaitRun(ctx context.Context, spoke *process, log string, n int) (took time.Duration, err error) {
	err = spoke.await(ctx, func() (bool, error) {
		text, err := os.ReadFile(log)
		if err != nil {
			return false, err
		}
		for text := range bytes.Lines(text) {
			var line struct {
				Outcome, Error string
				Rows           int
				Duration       time.Duration
			}
			if err := json.Unmarshal(text, &line); err != nil || line.Outcome == "" {
				continue // it says something else, or not all of it yet
			}
			if line.Outcome != "ok" || line.Error != "" || line.Rows != n {
				return false, fmt.Errorf("the run was not right: %s", text)
			}
			took = line.Duration
			return true, nil
		}
		return false, nil
	})
	return took, err
}

func createStream(ctx context.Context, server *awsfake.Server, account string, shards int32) error {
	_, err := kinesis.NewFromConfig(server.AWSConfig(account, region)).CreateStream(ctx,
		&kinesis.CreateStreamInput{StreamName: aws.String(streamName), ShardCount: aws.Int32(shards)})
	return err
}

// serveFindings starts a server that answers GetFindings of Security Hub
// (https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_GetFindings.html).
func serveFindings(n int) (url string, s *http.Server, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /findings", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ NextToken string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		from, _ := strconv.Atoi(in.NextToken) // empty is the first page
		w.Header().Set("Content-Type", "application/json")
		w.Write(findingsPage(from, min(from+pageSize, n), n))
	})
	s = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go s.Serve(listener) //nolint:errcheck // it ends with Close
	return "http://" + listener.Addr().String(), s, nil
}

func findingsPage(from, to, n int) []byte {
	b := []byte(`{"Findings":[`)
	for i := from; i < to; i++ {
		if i > from {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, finding, i, i%300, account, region, i)
	}
	b = append(b, ']')
	if to < n {
		b = fmt.Appendf(b, `,"NextToken":"%d"`, to)
	}
	return append(b, '}')
}

// finding is a finding as Security Hub sends it, about 2 kB; 1.1 kB of it become the
// row.
const finding = `{"SchemaVersion":"2018-10-08",
"Id":"arn:aws:securityhub:%[4]s:%[3]s:security-control/S3.%[2]d/finding/%08[1]x-3c5e-4d58-9f0f-4f1bba0d2c11",
"ProductArn":"arn:aws:securityhub:%[4]s::product/aws/securityhub","ProductName":"Security Hub","CompanyName":"AWS","Region":"%[4]s",
"GeneratorId":"security-control/S3.%[2]d","AwsAccountId":"%[3]s","Types":["Software and Configuration Checks/Industry and Regulatory Standards"],
"FirstObservedAt":"2026-03-02T08:15:30.123Z","LastObservedAt":"2026-10-19T20:11:04.880Z","CreatedAt":"2026-03-02T08:15:30.123Z","UpdatedAt":"2026-10-19T20:11:01.002Z",
"Severity":{"Label":"MEDIUM","Normalized":40,"Original":"MEDIUM"},"Title":"S3 general purpose buckets should require requests to use SSL",
"Description":"This control checks whether Amazon S3 general purpose buckets have policies that require requests to use SSL.",
"Remediation":{"Recommendation":{"Text":"For information on how to correct this issue, consult the AWS Security Hub controls documentation.","Url":"https://docs.aws.amazon.com/console/securityhub/S3.%[2]d/remediation"}},
"ProductFields":{"RelatedAWSResources:0/name":"securityhub-s3-bucket-ssl-requests-only-%08[5]x","RelatedAWSResources:0/type":"AWS::Config::ConfigRule","Resources:0/Id":"arn:aws:s3:::bucket-%08[5]x"},
"Resources":[{"Type":"AwsS3Bucket","Id":"arn:aws:s3:::bucket-%08[5]x","Partition":"aws","Region":"%[4]s","Tags":{"team":"orders"},"Details":{"AwsS3Bucket":{"OwnerId":"0123456789abcdef","Name":"bucket-%08[5]x","CreatedAt":"2025-01-01T00:00:00.000Z"}}}],
"Compliance":{"Status":"FAILED","SecurityControlId":"S3.%[2]d","RelatedRequirements":["NIST.800-53.r5 AC-17(2)"],"AssociatedStandards":[{"StandardsId":"standards/aws-foundational-security-best-practices/v/1.0.0"}]},
"WorkflowState":"NEW","Workflow":{"Status":"NEW"},"RecordState":"ACTIVE"}`
