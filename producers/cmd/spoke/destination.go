package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/lib/stream/kinesis"
)

// destinationFlags say where rows go.
type destinationFlags struct {
	Stream        string             `aliases:"stream-arn" placeholder:"ARN" help:"Kinesis data stream of the hub: its ARN, or its name if it is in this account and the home region."`
	StreamRoleARN string             `name:"stream-role-arn" placeholder:"ARN" help:"Role to assume for writing into the stream. Defaults to none: the stream's resource policy must allow this account."`
	ExternalID    string             `name:"external-id" secret:"" help:"External id that the trust policy of --stream-role-arn asks for."`
	Bucket        program.BucketName `placeholder:"NAME" help:"S3 bucket that keeps all rows as Parquet."`
	BucketPrefix  string             `placeholder:"PREFIX" help:"Prefix of all keys in the bucket, with a slash at its end. Defaults to data/."`
	BucketRegion  string             `placeholder:"REGION" help:"Region of the bucket. Defaults to the region of the stream's ARN, then the home region."`
	KMSKeyID      string             `name:"kms-key-id" placeholder:"ARN" help:"KMS key that encrypts the objects. Defaults to what the bucket does by itself."`
}

// destination is where rows go; what is nil is not given.
type destination struct {
	publisher stream.Publisher
	archive   *archive.Bucket
	packer    *envelope.Packer
}

func (d destination) none() bool { return d.publisher == nil && d.archive == nil }

// validate checks the flags without asking AWS, and returns the stream's ARN if
// it was given as one.
func (f destinationFlags) validate() (*arn.ARN, error) {
	if f.Stream == "" && f.StreamRoleARN != "" {
		return nil, program.Usagef("--stream-role-arn without --stream")
	}
	if f.Bucket == "" && (f.BucketPrefix != "" || f.KMSKeyID != "" || f.BucketRegion != "") {
		return nil, program.Usagef("--bucket-prefix, --bucket-region and --kms-key-id need --bucket")
	}
	if err := f.role().Validate(); err != nil {
		return nil, program.Usagef("--stream-role-arn, --external-id: %w", err)
	}
	if !strings.Contains(f.Stream, ":") {
		return nil, nil
	}
	parsed, err := arn.Parse(f.Stream)
	if err != nil || parsed.Service != "kinesis" || parsed.Region == "" || !strings.HasPrefix(parsed.Resource, "stream/") {
		return nil, program.Usagef("--stream %q is not the ARN of a stream, such as "+
			"arn:aws:kinesis:eu-central-1:444455556666:stream/observability", f.Stream)
	}
	return &parsed, nil
}

// validateFor is validate, and checks that the accounts that are collected can all reach
// the destinations.
func (f destinationFlags) validateFor(from sourceFlags) error {
	streamARN, err := f.validate()
	if err == nil && from.pulls() && f.Stream != "" && streamARN == nil {
		err = program.Usagef("--stream %s is a name, and each account looks for it in itself: give the stream's ARN",
			f.Stream)
	}
	return err
}

func (f destinationFlags) role() awsconfig.Role {
	return awsconfig.Role{ARN: f.StreamRoleARN, ExternalID: f.ExternalID, SessionName: "spoke"}
}

// configure returns the AWS configuration of a region, with the role if one is given.
type configure func(ctx context.Context, region string, role awsconfig.Role) (aws.Config, error)

// ownConfiguration is that of the process itself.
func ownConfiguration(profile string, log *slog.Logger) configure {
	return func(ctx context.Context, region string, role awsconfig.Role) (aws.Config, error) {
		return awsconfig.Load(ctx, awsconfig.Config{Profile: profile, Region: region, Role: role, Logger: log})
	}
}

// opener opens destinations, for one account or each of many.
type opener struct {
	destinationFlags
	packer *envelope.Packer // of all
	hooks  kinesis.Hooks
	log    *slog.Logger
	// patience is how long a stream that refuses everything is tried; 0 is kinesis's default.
	patience time.Duration
}

func (f destinationFlags) opener(log *slog.Logger, hooks kinesis.Hooks) (opener, error) {
	packer, err := envelope.NewPacker(envelope.Config{})
	return opener{destinationFlags: f, packer: packer, hooks: hooks, log: log}, err
}

// forAccount opens the destinations with the credentials of an account.
func (o opener) forAccount(ctx context.Context, s source) (destination, error) {
	return o.open(ctx, s.home, func(ctx context.Context, region string, role awsconfig.Role) (aws.Config, error) {
		cfg := s.aws(region)
		if role.ARN == "" {
			return cfg, nil
		}
		cfg = awsconfig.Assume(cfg, role)
		if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
			return cfg, fmt.Errorf("assume role %s: %w", role.ARN, err)
		}
		return cfg, nil
	})
}

// open opens the destinations. home is the region of what names none itself.
func (o opener) open(ctx context.Context, home string, configure configure) (destination, error) {
	f := o.destinationFlags
	d := destination{packer: o.packer}
	streamARN, err := f.validate()
	if err != nil || f.Stream == "" && f.Bucket == "" {
		return d, err
	}
	region := home
	if streamARN != nil {
		region = streamARN.Region
	}
	if f.Stream != "" {
		cfg, err := configure(ctx, region, f.role())
		if err != nil {
			return destination{}, startError(err)
		}
		d.publisher, err = kinesis.New(kinesis.Config{Client: awskinesis.NewFromConfig(cfg), Stream: f.Stream, Logger: o.log,
			Hooks: o.hooks, MaxElapsed: o.patience})
		if err != nil {
			return destination{}, err
		}
	}
	if f.Bucket != "" {
		cfg, err := configure(ctx, cmp.Or(f.BucketRegion, region), awsconfig.Role{})
		if err != nil {
			return destination{}, startError(err)
		}
		d.archive, err = archive.New(archive.Config{Client: awsconfig.S3(cfg), Name: string(f.Bucket), Prefix: f.BucketPrefix,
			KMSKeyID: f.KMSKeyID})
		if err != nil {
			return destination{}, program.Usagef("--bucket: %w", err)
		}
	}
	return d, nil
}
