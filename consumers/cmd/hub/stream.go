package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/stream/kcl"
)

// awsFlags say which AWS account.
type awsFlags struct {
	Profile string `help:"Profile of the AWS configuration files."`
	Region  string `placeholder:"REGION" help:"AWS region. Defaults to that of the ARN or database given, then that of the AWS configuration."`
}

func (f awsFlags) load(ctx context.Context, otherwise string, log *slog.Logger) (aws.Config, error) {
	region := f.Region
	if region == "" {
		region = otherwise
	}
	cfg, err := awsconfig.Load(ctx, awsconfig.Config{Profile: f.Profile, Region: region, Logger: log})
	switch {
	case err == nil, awsconfig.Transient(err), ctx.Err() != nil: // ctx: somebody stopped it
		return cfg, err
	}
	return cfg, &program.UsageError{Err: err}
}

// streamIdentity names the stream as progress is kept under it.
type streamIdentity struct {
	ARN string
	// Created is when the stream was created: one that is made again under the same
	// name starts from its beginning.
	Created   time.Time
	Retention time.Duration
}

// parseStreamARN returns the ARN, nil if stream is a name.
func parseStreamARN(stream string) (*arn.ARN, error) {
	if !arn.IsARN(stream) {
		return nil, nil
	}
	parsed, err := arn.Parse(stream)
	if err != nil || parsed.Service != "kinesis" || parsed.Region == "" || len(parsed.Resource) < 8 ||
		parsed.Resource[:7] != "stream/" {
		return nil, program.Usagef("--stream %q is not the ARN of a stream, such as "+
			"arn:aws:kinesis:eu-central-1:444455556666:stream/observability", stream)
	}
	return &parsed, nil
}

// identifyStream asks Kinesis which stream it is (DescribeStreamSummary). An error is
// one that the caller can mend, unless AWS is away.
func identifyStream(ctx context.Context, client *kinesis.Client, stream string) (id streamIdentity, err error) {
	in := &kinesis.DescribeStreamSummaryInput{StreamName: &stream}
	if arn.IsARN(stream) {
		in = &kinesis.DescribeStreamSummaryInput{StreamARN: &stream}
	}
	answer, err := client.DescribeStreamSummary(ctx, in)
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return id, program.Usagef("stream %s does not exist in %s: check name and region, or make it with aws kinesis "+
			"create-stream: %w", stream, client.Options().Region, err)
	}
	if away(err) {
		return id, fmt.Errorf("describe stream %s in %s: %s: %w", stream, client.Options().Region, awsconfig.NoAnswer, err)
	}
	if err != nil {
		return id, program.Usagef("describe stream %s in %s: %w; check credentials, region and whether "+
			"kinesis:DescribeStreamSummary is allowed", stream, client.Options().Region, err)
	}
	d := answer.StreamDescriptionSummary
	return streamIdentity{
		ARN: aws.ToString(d.StreamARN), Created: aws.ToTime(d.StreamCreationTimestamp).UTC(),
		Retention: time.Duration(aws.ToInt32(d.RetentionPeriodHours)) * time.Hour,
	}, nil
}

// away reports whether err is of a request to AWS that can succeed later. A host that
// does not exist is mostly a region with a wrong name.
func away(err error) bool {
	var request *smithy.OperationError
	var dns *net.DNSError
	missing := errors.As(err, &dns) && dns.IsNotFound
	return errors.As(err, &request) && !missing && awsconfig.Transient(err)
}

// prerequisite turns errors of AWS and of the lease table about what is missing or not allowed into
// ones that the caller can mend.
func prerequisite(err error) error {
	var other *kcl.OtherStreamError
	if errors.As(err, &other) {
		return program.Usagef("lease table %s belongs to stream %s; give --lease-table another name", other.Table,
			other.Stream)
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		if next, known := nextSteps[api.ErrorCode()]; known {
			return program.Usagef("%w%s", err, next)
		}
	}
	if away(err) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", awsconfig.NoAnswer, err)
	}
	return err
}

const (
	checkCredentials = "; check the AWS credentials: aws sts get-caller-identity"
	checkClock       = "; set the clock of this machine"
	checkRegion      = "; check --region: it must be that of the bucket"
)

// nextSteps are what to do about errors of AWS, by their codes. What is not allowed
// is in the text of the error. Each service has codes of its own.
var nextSteps = map[string]string{
	"ResourceNotFoundException": "",
	"AccessDeniedException":     "",
	"AccessDenied":              "",
	"NoSuchBucket":              "; check --bucket, --region and the credentials",

	"UnrecognizedClientException": checkCredentials, // Kinesis, DynamoDB
	"InvalidSignatureException":   checkCredentials + ", and the clock of this machine",
	"InvalidClientTokenId":        checkCredentials, // STS
	"SignatureDoesNotMatch":       checkCredentials, // STS, S3
	"InvalidAccessKeyId":          checkCredentials, // S3
	"InvalidToken":                checkCredentials,

	"ExpiredTokenException": "", // awsconfig says what to do
	"ExpiredToken":          "",
	"RequestExpired":        "",
	"RequestTimeTooSkewed":  checkClock,

	"AuthorizationHeaderMalformed": checkRegion,
	"PermanentRedirect":            checkRegion,
}

// pipelineFlags size the batches. The defaults keep the process below 512 MiB.
type pipelineFlags struct {
	Committers int           `default:"2" max:"100" help:"How many transactions are open side by side."`
	BatchRows  int           `default:"10000" max:"100000" help:"Rows after which a batch is applied: 5,000 to 20,000 are fastest."`
	BatchAge   time.Duration `default:"1s" help:"Time after which a batch is applied that is not full."`
	BudgetMiB  int64         `name:"budget-mib" default:"64" max:"65536" help:"MiB of records and their rows that may wait; nothing more is taken meanwhile. Memory is several times that."`
}

// connections is how many connections the pipeline needs besides others.
func (f pipelineFlags) connections() int32 { return int32(f.Committers) + 2 }

func (f pipelineFlags) config(id streamIdentity) ingest.Config {
	return ingest.Config{
		StreamID: id.ARN, Created: id.Created,
		Committers: f.Committers, BatchRows: f.BatchRows, BatchAge: f.BatchAge, Budget: f.BudgetMiB << 20,
	}
}

// newPipeline returns a pipeline, or what is wrong with the flags.
func newPipeline(loader *load.Loader, config ingest.Config) (*ingest.Pipeline, error) {
	p, err := ingest.New(loader, config)
	if err != nil {
		return nil, program.Usagef("--committers, --batch-rows, --batch-age, --budget-mib: %w", err)
	}
	return p, nil
}

// explainParkedFull adds the next step to the error that ends consuming.
func explainParkedFull(err error) error {
	if errors.Is(err, load.ErrParkedFull) {
		return fmt.Errorf("%w; `hub rejects list --state parked` shows them", err)
	}
	return err
}
