package awsfake_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/hubspoke/observability/lib/awsfake"
)

const (
	writer = "arn:aws:iam::" + hub + ":role/obs/writer"
	guest  = "arn:aws:iam::" + hub + ":role/guest"
)

func roles() []awsfake.Role {
	return []awsfake.Role{{ARN: writer, ExternalID: "shared-secret"}, {ARN: guest}}
}

func TestAssumeRole(t *testing.T) {
	s := start(t, awsfake.Config{Roles: roles()})
	cfg := once(s, spoke)
	cfg.Credentials = stscreds.NewAssumeRoleProvider(sts.NewFromConfig(once(s, spoke)), writer,
		func(o *stscreds.AssumeRoleOptions) {
			o.ExternalID, o.RoleSessionName = aws.String("shared-secret"), "spoke-1"
		})
	who := must(sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil))(t)
	if *who.Account != hub || *who.Arn != "arn:aws:sts::111111111111:assumed-role/writer/spoke-1" {
		t.Fatalf("got %s in %s", *who.Arn, *who.Account)
	}
	createEvents(t, s, 1)
	must(kinesis.NewFromConfig(cfg).PutRecord(t.Context(),
		&kinesis.PutRecordInput{StreamName: aws.String("events"), PartitionKey: aws.String("k"), Data: []byte("x")}))(t)
}

func TestAssumeRoleDenied(t *testing.T) {
	s := start(t, awsfake.Config{Roles: roles()})
	client := sts.NewFromConfig(once(s, spoke))
	for name, in := range map[string]struct {
		role       string
		externalID *string
		code       string
	}{
		"no external id":    {writer, nil, "AccessDenied"},
		"wrong external id": {writer, aws.String("guess"), "AccessDenied"},
		"no such role":      {"arn:aws:iam::" + hub + ":role/other", aws.String("shared-secret"), "AccessDenied"},
		"no role at all":    {"arn:aws:iam::" + hub + ":user/someone", nil, "ValidationError"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &in.role, RoleSessionName: aws.String("me"),
				ExternalId: in.externalID})
			wantCode(t, err, in.code, in.role)
		})
	}
	_, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(guest),
		RoleSessionName: aws.String("<me>")})
	wantCode(t, err, "ValidationError", "'<me>'")
	_, err = client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(guest),
		RoleSessionName: aws.String("me"), DurationSeconds: aws.Int32(60)})
	wantCode(t, err, "ValidationError", "durationSeconds")
}

func TestSessionsExpire(t *testing.T) {
	c := newClock()
	s := start(t, awsfake.Config{Now: c.now, Roles: roles()})
	out := must(sts.NewFromConfig(once(s, spoke)).AssumeRole(t.Context(),
		&sts.AssumeRoleInput{RoleArn: aws.String(guest), RoleSessionName: aws.String("me"),
			DurationSeconds: aws.Int32(900)}))(t).Credentials
	if !out.Expiration.Equal(c.now().Add(15 * time.Minute)) {
		t.Fatalf("expires %s", out.Expiration)
	}
	as := func(out *types.Credentials, token string) error {
		cfg := once(s, spoke)
		cfg.Credentials = credentials.NewStaticCredentialsProvider(*out.AccessKeyId, *out.SecretAccessKey, token)
		_, err := kinesis.NewFromConfig(cfg).ListStreams(t.Context(), nil)
		return err
	}
	if err := as(out, *out.SessionToken); err != nil {
		t.Fatal(err)
	}
	wantCode(t, as(out, "another"), "UnrecognizedClientException", "")
	c.advance(16 * time.Minute)
	wantCode(t, as(out, *out.SessionToken), "ExpiredTokenException", "")
}

// Services name the same fault differently.
func TestEachServiceHasItsOwnCodesForCredentials(t *testing.T) {
	c := newClock()
	s := start(t, awsfake.Config{Now: c.now, Roles: roles()})
	out := must(sts.NewFromConfig(once(s, spoke)).AssumeRole(t.Context(),
		&sts.AssumeRoleInput{RoleArn: aws.String(guest), RoleSessionName: aws.String("me"),
			DurationSeconds: aws.Int32(900)}))(t).Credentials
	c.advance(16 * time.Minute)
	expired := credentials.NewStaticCredentialsProvider(*out.AccessKeyId, *out.SecretAccessKey, *out.SessionToken)
	unknown := credentials.NewStaticCredentialsProvider("AKIAUNKNOWN", "secret", "")
	for name, service := range map[string]struct {
		call             func(aws.Config) error
		unknown, expired string
		expiredStatus    int
	}{
		"kinesis": {func(cfg aws.Config) error {
			_, err := kinesis.NewFromConfig(cfg).ListStreams(t.Context(), nil)
			return err
		}, "UnrecognizedClientException", "ExpiredTokenException", 400},
		"dynamodb": {func(cfg aws.Config) error {
			_, err := dynamodb.NewFromConfig(cfg).ListTables(t.Context(), nil)
			return err
		}, "UnrecognizedClientException", "ExpiredTokenException", 400},
		"sts": {func(cfg aws.Config) error {
			_, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
			return err
		}, "InvalidClientTokenId", "ExpiredToken", 403},
		"s3": {func(cfg aws.Config) error {
			_, err := s3.NewFromConfig(cfg).ListBuckets(t.Context(), nil)
			return err
		}, "InvalidAccessKeyId", "ExpiredToken", 400},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := once(s, spoke)
			cfg.Credentials = unknown
			wantCode(t, service.call(cfg), service.unknown, "")
			cfg.Credentials = expired
			err := service.call(cfg)
			wantCode(t, err, service.expired, "")
			var answer *awshttp.ResponseError
			if !errors.As(err, &answer) || answer.HTTPStatusCode() != service.expiredStatus {
				t.Errorf("expired: %v, want status %d", err, service.expiredStatus)
			}
		})
	}
}
