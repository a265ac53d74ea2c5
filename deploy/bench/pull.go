package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
)

// pullSize is an organization, and how much each region of its accounts has.
type pullSize struct {
	accounts int
	region   accountSize
}

var pullRegions = []string{"eu-central-1", "eu-west-1", "us-east-1"}

// measurePull has one spoke collect all categories of many accounts, each in three regions,
// by a role in each. Most categories are denied: their runs have an end and no rows.
func measurePull(ctx context.Context, program string, s size) (usage, error) {
	size := s.pull
	u := usage{what: fmt.Sprintf("spoke run, %d accounts × %d regions", size.accounts, len(pullRegions)), limit: 256 << 20,
		count: size.accounts * len(pullRegions) * size.region.rows(), unit: "rows"}
	var accounts []string
	var roles []awsfake.Role
	for i := range size.accounts {
		id := fmt.Sprintf("9%011d", i)
		accounts, roles = append(accounts, id), append(roles, awsfake.Role{ARN: "arn:aws:iam::" + id + ":role/spoke"})
	}
	server, err := awsfake.New(awsfake.Config{Region: region, Roles: roles})
	if err != nil {
		return u, err
	}
	defer server.Close()
	streamARN, err := makeDestinations(ctx, server)
	if err != nil {
		return u, err
	}
	served, err := serveAccount(size.region, deny)
	if err != nil {
		return u, err
	}
	defer served.Close()
	runs, err := runsOf(ctx, program, size.accounts)
	if err != nil {
		return u, err
	}
	env := append(server.Environment(account), "AWS_ENDPOINT_URL="+served.url)
	for _, service := range []string{"STS", "S3", "KINESIS"} {
		env = append(env, "AWS_ENDPOINT_URL_"+service+"="+server.URL())
	}
	cmd, err := command(ctx, env, program, "run", "--account", strings.Join(accounts, ","), "--region",
		strings.Join(pullRegions, ","), "--jitter", "10s", "--stream", streamARN, "--bucket", bucketName,
		"--log-format", "json")
	if err != nil {
		return u, err
	}
	began := time.Now()
	spoke, err := start(cmd)
	if err != nil {
		return u, err
	}
	err = awaitCollections(ctx, spoke, cmd.Stderr.(*os.File).Name(), runs, u.count)
	u.elapsed = time.Since(began)
	if stopErr := spoke.stop(); err == nil {
		err = stopErr
	}
	u.memory = spoke.memory.Load()
	return u, err
}

// makeDestinations makes a stream that every account may write to, and a bucket.
func makeDestinations(ctx context.Context, server *awsfake.Server) (streamARN string, err error) {
	if err := createStream(ctx, server, hubAccount, 4); err != nil {
		return "", err
	}
	streamARN = fmt.Sprintf("arn:aws:kinesis:%s:%s:stream/%s", region, hubAccount, streamName)
	cfg := server.AWSConfig(hubAccount, region)
	if _, err := kinesis.NewFromConfig(cfg).PutResourcePolicy(ctx, &kinesis.PutResourcePolicyInput{
		ResourceARN: aws.String(streamARN),
		Policy: aws.String(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
			"Action": "kinesis:PutRecords", "Resource": "` + streamARN + `"}]}`),
	}); err != nil {
		return "", err
	}
	_, err = awsconfig.S3(cfg).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucketName)})
	return streamARN, err
}

// runsOf asks the program how many collections there are in so many accounts.
func runsOf(ctx context.Context, program string, accounts int) (int, error) {
	out, err := exec.CommandContext(ctx, program, "categories", "--output", "json").Output()
	if err != nil {
		return 0, err
	}
	var categories []struct{ Reach string }
	if err := json.Unmarshal(out, &categories); err != nil {
		return 0, err
	}
	runs := 0
	for _, c := range categories {
		if c.Reach != "global" {
			runs += len(pullRegions)
		}
		if c.Reach != "per region" {
			runs++
		}
	}
	return runs * accounts, nil
}

// awaitCollections waits until a spoke's log says that so many collections have ended, with so
// many rows.
func awaitCollections(ctx context.Context, spoke *process, log string, runs, rows int) error {
	file, err := os.Open(log)
	if err != nil {
		return err
	}
	defer file.Close()
	var rest []byte
	ended, sent := 0, 0
	faults := map[string]int{}
	err = spoke.await(ctx, func() (bool, error) {
		more, err := io.ReadAll(file)
		if err != nil {
			return false, err
		}
		rest = append(rest, more...)
		for {
			line, after, whole := bytes.Cut(rest, []byte{'\n'})
			if !whole {
				return ended >= runs, nil
			}
			rest = after
			var run struct {
				Outcome, Category, Error string
				Rows                     int
			}
			if err := json.Unmarshal(line, &run); err != nil || run.Outcome == "" {
				continue // it says something else
			}
			ended++
			sent += run.Rows
			if run.Error != "" && run.Outcome != "denied" {
				faults[run.Category+" "+run.Outcome]++
			}
		}
	})
	if err != nil {
		return fmt.Errorf("%d of %d runs ended: %w", ended, runs, err)
	}
	if sent < rows {
		return fmt.Errorf("%d rows were sent, of %d that there are", sent, rows)
	}
	for _, what := range slices.Sorted(maps.Keys(faults)) {
		fmt.Fprintf(os.Stderr, "  %d runs: %s\n", faults[what], what)
	}
	return nil
}

// deny answers as a service does that denies a request, in the form that it was asked in.
func deny(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	query := bytes.Contains(body, []byte("Action="))
	w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
	switch {
	case query && bytes.Contains(body, []byte("Version=2016-11-15")): // EC2
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors>`+
			`<RequestID>x</RequestID></Response>`)
	case query || r.Header.Get("Content-Type") == "application/xml":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
	default:
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"no"}`)
	}
}
