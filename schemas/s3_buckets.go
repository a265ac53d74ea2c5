package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// S3Bucket is one general purpose bucket of an account, in any region. The list comes from
// ListBuckets; each detail is a request of its own, which the bucket's policy may deny:
// denied_actions then names the action, and the columns that it would have filled are null.
// Objects, access control lists and texts of policies are not read.
type S3Bucket struct {
	// Name of the bucket (Name).
	BucketName string `col:"bucket_name,key"`
	// ARN of the bucket (BucketArn). Null: AWS does not report it.
	BucketARN *string `col:"bucket_arn"`
	// Region of the bucket (BucketRegion).
	BucketRegion *string `col:"bucket_region"`
	// When the bucket was created, or its policy was changed last (CreationDate).
	BucketCreatedAt *time.Time `col:"bucket_created_at"`
	// Whether new public access control lists are refused (GetPublicAccessBlock, BlockPublicAcls). Null: the bucket has
	// no such settings, or denied. Settings of the account are not read.
	BlockPublicACLs *bool `col:"block_public_acls"`
	// Whether new public policies are refused (GetPublicAccessBlock, BlockPublicPolicy). Null: as block_public_acls.
	BlockPublicPolicy *bool `col:"block_public_policy"`
	// Whether public access control lists have no effect (GetPublicAccessBlock, IgnorePublicAcls). Null: as
	// block_public_acls.
	IgnorePublicACLs *bool `col:"ignore_public_acls"`
	// Whether a public policy gives access to the account and AWS services alone (GetPublicAccessBlock,
	// RestrictPublicBuckets). Null: as block_public_acls.
	RestrictPublicBuckets *bool `col:"restrict_public_buckets"`
	// Whether the policy of the bucket is public (GetBucketPolicyStatus, IsPublic). Null: it has no policy, or denied.
	PolicyIsPublic *bool `col:"policy_is_public"`
	// How new objects are encrypted: AES256, aws:kms or aws:kms:dsse (GetBucketEncryption, SSEAlgorithm). Null: not set,
	// or denied.
	EncryptionAlgorithm *string `col:"encryption_algorithm"`
	// KMS key that encrypts new objects: an ARN, id or alias (GetBucketEncryption, KMSMasterKeyID). Null: a key of AWS,
	// or denied.
	KMSKeyID *string `col:"kms_key_id"`
	// Whether a bucket key saves requests to KMS (GetBucketEncryption, BucketKeyEnabled). Null: not set, or denied.
	BucketKeyEnabled *bool `col:"bucket_key_enabled"`
	// Whether versions are kept: Enabled or Suspended (GetBucketVersioning, Status). Null: they never were, or denied.
	Versioning *string `col:"versioning"`
	// Whether versions can be deleted with MFA only: Enabled or Disabled (GetBucketVersioning, MfaDelete). Null: it was
	// never set, or denied.
	MFADelete *string `col:"mfa_delete"`
	// Bucket that takes the access logs (GetBucketLogging, TargetBucket). Null: there are none, or denied.
	LogBucket *string `col:"log_bucket"`
	// Who owns objects: BucketOwnerEnforced, where access control lists are off, BucketOwnerPreferred or ObjectWriter
	// (GetBucketOwnershipControls). Null: not set, or denied.
	ObjectOwnership *string `col:"object_ownership"`
	// How many lifecycle rules the bucket has (GetBucketLifecycleConfiguration, Rules). Null: denied.
	LifecycleRuleCount *int64 `col:"lifecycle_rule_count"`
	// JSON array of lifecycle rules: ID, Status, Filter, Expiration, Transitions and so on
	// (GetBucketLifecycleConfiguration, Rules). An empty array: none. Null: denied. A value of a tag that may be a secret
	// is [redacted] by the spoke.
	LifecycleRules schema.JSON `col:"lifecycle_rules,array"`
	// JSON object of the tags of the bucket (GetBucketTagging). An empty object: it has none. Null: denied. A value that
	// may be a secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
	// JSON array of the IAM actions that were denied for this bucket, such as s3:GetBucketTagging, and of all those of its
	// details if its region does not answer or is not enabled in the account. Null: none was.
	DeniedActions schema.JSON `col:"denied_actions,array"`
}

// S3Buckets is the category "s3_buckets": every run lists all buckets of one account.
var S3Buckets = schema.Of[S3Bucket](schema.Spec{Name: "s3_buckets", Mode: schema.Snapshot})
