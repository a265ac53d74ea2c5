package collectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Buckets of all regions are listed once for the account, 1,000 in a request, but for
// directory buckets. Then each is asked in its own region for eight details: requests of
// about USD 0.0004 for 100 buckets. No object is listed or read, no access control list, and
// no text of a policy.
//
// A detail may be denied by the policy of a single bucket, whatever the role may do: the row
// then says so in denied_actions, and the run is complete. So it is with buckets of a region
// that does not answer, or that the account has not enabled: a run goes on without the
// details of all its buckets, and its log says why.
var S3Buckets = collect.Collector[schemas.S3Bucket]{
	Category: schemas.S3Buckets,
	Reach:    collect.Global,
	Every:    6 * time.Hour,
	Long:     true,
	Calls: []string{
		"s3:ListBuckets",
		"s3:GetPublicAccessBlock",
		"s3:GetBucketPolicyStatus",
		"s3:GetBucketEncryption",
		"s3:GetBucketVersioning",
		"s3:GetBucketLogging",
		"s3:GetBucketOwnershipControls",
		"s3:GetBucketLifecycleConfiguration",
		"s3:GetBucketTagging",
	},
	Hints: []collect.Hint{
		{Source: "aws.s3", Calls: []string{"CreateBucket", "DeleteBucket*", "PutBucket*"}},
	},
	Collect: collectS3Buckets,
}

// S3 names quotas for objects alone.
var s3Service = collect.Service{
	ID:    "S3",
	Name:  "s3",
	Rate:  collect.Rate{PerSecond: 20, Burst: 20},
	Quota: "https://docs.aws.amazon.com/general/latest/gr/s3.html",
}

func collectS3Buckets(ctx context.Context, env *collect.Env, emit func(schemas.S3Bucket) error) error {
	clients := map[string]*s3.Client{env.AWS.Region: s3.NewFromConfig(env.AWS)}
	// Without MaxBuckets, S3 reports no regions.
	pages := s3.NewListBucketsPaginator(clients[env.AWS.Region], &s3.ListBucketsInput{MaxBuckets: aws.Int32(1000)})
	list := each(ctx, pages, func(p *s3.ListBucketsOutput) ([]types.Bucket, *string) {
		return p.Buckets, p.ContinuationToken
	})
	away := map[string]bool{} // regions that do not answer
	return emitDetailed(list, func(item *types.Bucket) (schemas.S3Bucket, error) {
		region := cmp.Or(aws.ToString(item.BucketRegion), env.AWS.Region)
		if clients[region] == nil {
			clients[region] = s3.NewFromConfig(inRegion(env, region))
		}
		bucket := s3Bucket{client: clients[region], name: item.Name, away: away[region]}
		err := bucket.read(ctx, item)
		if region == env.AWS.Region || ctx.Err() != nil || !isS3BucketsRegionAway(err) {
			return bucket.row, err
		}
		env.Logger.Warn("buckets of a region are without details: it does not answer, or is not enabled in the account",
			"bucket_region", region, "error", err)
		away[region], bucket.away = true, true
		err = bucket.read(ctx, item)
		return bucket.row, err
	}, emit, "NoSuchBucket")
}

// isS3BucketsRegionAway reports whether err is about the whole region of a bucket: no connection, or
// credentials refused that the home region has accepted.
func isS3BucketsRegionAway(err error) bool {
	_, unsent := errors.AsType[*smithyhttp.RequestSendError](err)
	return unsent || hasCode(err, "InvalidAccessKeyId", "InvalidToken")
}

// s3Bucket gathers what is known about one bucket.
type s3Bucket struct {
	client  *s3.Client
	name    *string
	away    bool // its region answers nothing, and is not asked
	row     schemas.S3Bucket
	details details
}

// read fills the row, anew if it is called again. A denied detail stays null and is named in denied_actions.
func (b *s3Bucket) read(ctx context.Context, item *types.Bucket) error {
	b.details = details{}
	b.row = schemas.S3Bucket{
		BucketName:      aws.ToString(item.Name),
		BucketARN:       text(item.BucketArn),
		BucketRegion:    text(item.BucketRegion),
		BucketCreatedAt: item.CreationDate,
	}
	for _, detail := range []struct {
		call   string
		ask    func(context.Context) error
		absent string // error code of a bucket that has none
	}{
		{"s3:GetPublicAccessBlock", b.readPublicAccessBlock, "NoSuchPublicAccessBlockConfiguration"},
		{"s3:GetBucketPolicyStatus", b.readPolicyStatus, "NoSuchBucketPolicy"},
		{"s3:GetBucketEncryption", b.readEncryption, "ServerSideEncryptionConfigurationNotFoundError"},
		{"s3:GetBucketVersioning", b.readVersioning, ""},
		{"s3:GetBucketLogging", b.readLogging, ""},
		{"s3:GetBucketOwnershipControls", b.readOwnership, "OwnershipControlsNotFoundError"},
		{"s3:GetBucketLifecycleConfiguration", b.readLifecycle, ""},
		{"s3:GetBucketTagging", b.readTags, ""},
	} {
		if b.away {
			b.details.deny(detail.call)
		} else if _, err := b.details.read(detail.call, func() error { return detail.ask(ctx) }, detail.absent); err != nil {
			return fmt.Errorf("bucket %s: %w", b.row.BucketName, err)
		}
	}
	b.row.DeniedActions = b.details.column()
	return nil
}

func (b *s3Bucket) readPublicAccessBlock(ctx context.Context) error {
	answer, err := b.client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: b.name})
	if err != nil {
		return err
	}
	if c := answer.PublicAccessBlockConfiguration; c != nil {
		b.row.BlockPublicACLs, b.row.BlockPublicPolicy = c.BlockPublicAcls, c.BlockPublicPolicy
		b.row.IgnorePublicACLs, b.row.RestrictPublicBuckets = c.IgnorePublicAcls, c.RestrictPublicBuckets
	}
	return nil
}

func (b *s3Bucket) readPolicyStatus(ctx context.Context) error {
	answer, err := b.client.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: b.name})
	if err != nil {
		return err
	}
	if answer.PolicyStatus != nil {
		b.row.PolicyIsPublic = answer.PolicyStatus.IsPublic
	}
	return nil
}

// readEncryption reads the first rule: S3 takes no more than one.
func (b *s3Bucket) readEncryption(ctx context.Context) error {
	answer, err := b.client.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: b.name})
	if err != nil {
		return err
	}
	c := answer.ServerSideEncryptionConfiguration
	if c == nil || len(c.Rules) == 0 {
		return without(answer, "a rule")
	}
	b.row.BucketKeyEnabled = c.Rules[0].BucketKeyEnabled
	if d := c.Rules[0].ApplyServerSideEncryptionByDefault; d != nil {
		b.row.EncryptionAlgorithm, b.row.KMSKeyID = enum(d.SSEAlgorithm), text(d.KMSMasterKeyID)
	}
	return nil
}

func (b *s3Bucket) readVersioning(ctx context.Context) error {
	answer, err := b.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: b.name})
	if err != nil {
		return err
	}
	b.row.Versioning, b.row.MFADelete = enum(answer.Status), enum(answer.MFADelete)
	return nil
}

func (b *s3Bucket) readLogging(ctx context.Context) error {
	answer, err := b.client.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: b.name})
	if err != nil {
		return err
	}
	if answer.LoggingEnabled != nil {
		b.row.LogBucket = text(answer.LoggingEnabled.TargetBucket)
	}
	return nil
}

// readOwnership reads the first rule: S3 takes no more than one.
func (b *s3Bucket) readOwnership(ctx context.Context) error {
	answer, err := b.client.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: b.name})
	if err != nil {
		return err
	}
	if answer.OwnershipControls == nil || len(answer.OwnershipControls.Rules) == 0 {
		return without(answer, "a rule")
	}
	b.row.ObjectOwnership = enum(answer.OwnershipControls.Rules[0].ObjectOwnership)
	return nil
}

func (b *s3Bucket) readLifecycle(ctx context.Context) error {
	var rules []types.LifecycleRule
	answer, err := b.client.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: b.name})
	switch {
	case hasCode(err, "NoSuchLifecycleConfiguration"):
	case err != nil:
		return err
	case len(answer.Rules) == 0:
		return without(answer, "a rule")
	default:
		rules = answer.Rules
	}
	for _, rule := range rules {
		redactS3BucketRule(rule)
	}
	b.row.LifecycleRuleCount, b.row.LifecycleRules = new(int64(len(rules))), jsonArray(rules)
	return nil
}

// redactS3BucketRule redacts the values of the tags that objects must have for the rule.
func redactS3BucketRule(rule types.LifecycleRule) {
	if rule.Filter == nil {
		return
	}
	if rule.Filter.Tag != nil {
		redactS3BucketTag(rule.Filter.Tag)
	}
	if rule.Filter.And != nil {
		for i := range rule.Filter.And.Tags {
			redactS3BucketTag(&rule.Filter.And.Tags[i])
		}
	}
}

func redactS3BucketTag(t *types.Tag) {
	t.Value = new(redact(aws.ToString(t.Key), aws.ToString(t.Value)))
}

func (b *s3Bucket) readTags(ctx context.Context) error {
	var tags []types.Tag
	answer, err := b.client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: b.name})
	switch {
	case hasCode(err, "NoSuchTagSet"):
	case err != nil:
		return err
	case answer.TagSet == nil:
		return without(answer, "the tags")
	default:
		tags = answer.TagSet
	}
	b.row.Tags = jsonObject(tagMap(tags))
	return nil
}
