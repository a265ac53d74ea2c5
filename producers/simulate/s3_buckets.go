package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// A few buckets are public, a few are not protected from it, and a few deny what they have.
var s3Buckets = kind[schemas.S3Bucket]{
	of:   collectors.S3Buckets,
	size: 30,
	make: newS3Bucket,
}

func newS3Bucket(g *gen) schemas.S3Bucket {
	name := g.account.Name + "-" + g.app() + "-" + g.hex(6)
	blocked := g.chance(0.85)
	b := schemas.S3Bucket{
		BucketName:            name,
		BucketARN:             new("arn:aws:s3:::" + name),
		BucketRegion:          new(pick(g, g.regions...)),
		BucketCreatedAt:       new(g.created(4 * year)),
		BlockPublicACLs:       &blocked,
		BlockPublicPolicy:     &blocked,
		IgnorePublicACLs:      &blocked,
		RestrictPublicBuckets: &blocked,
		EncryptionAlgorithm:   new("AES256"),
		BucketKeyEnabled:      new(false),
		ObjectOwnership:       new("BucketOwnerEnforced"),
		LifecycleRuleCount:    new(int64(0)),
		LifecycleRules:        jsonOf([]string{}),
		Tags:                  g.tags(),
	}
	if g.chance(0.4) {
		b.PolicyIsPublic = new(!blocked && g.chance(0.2))
	}
	if g.chance(0.4) {
		b.EncryptionAlgorithm, b.BucketKeyEnabled = new("aws:kms"), new(true)
		b.KMSKeyID = new("arn:aws:kms:" + *b.BucketRegion + ":" + g.account.ID + ":key/" + g.uuid())
	}
	if g.chance(0.6) {
		b.Versioning, b.MFADelete = new("Enabled"), new("Disabled")
	}
	if g.chance(0.3) {
		b.LogBucket = new(g.account.Name + "-access-logs")
	}
	if g.chance(0.5) {
		b.LifecycleRuleCount = new(int64(1))
		b.LifecycleRules = jsonOf([]map[string]any{{
			"ID": "expire", "Status": "Enabled", "Expiration": map[string]int{"Days": 400},
		}})
	}
	if g.chance(0.04) {
		b.Tags, b.PolicyIsPublic = nil, nil
		b.DeniedActions = jsonOf([]string{"s3:GetBucketPolicyStatus", "s3:GetBucketTagging"})
	}
	return b
}
