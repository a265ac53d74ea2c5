package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// KMSKey is one KMS key as seen in one account and region, customer managed or
// AWS managed. The list comes from ListKeys; what is known about a key comes from
// DescribeKey, GetKeyRotationStatus, ListAliases and ListResourceTags. The key's policy
// may deny each of these on its own: denied_actions then names the action, and the
// columns that it would have filled are null. If the description of a key is denied,
// only its ARN, id and aliases are known.
type KMSKey struct {
	// ARN of the key (KeyArn).
	KeyARN string `col:"key_arn,key"`
	// Identifier of the key (KeyId). Multi-Region keys (mrk-…) have the same one in every region.
	KeyID string `col:"key_id"`
	// JSON array of the alias names of the key, such as alias/aws/s3 (ListAliases, AliasName). An empty array: it has
	// none. Null: ListAliases was denied.
	Aliases schema.JSON `col:"aliases,array"`
	// Description that the owner gave the key (Description).
	Description *string `col:"description,personal=text"`
	// Who manages the key: CUSTOMER or AWS (KeyManager).
	KeyManager *string `col:"key_manager"`
	// State of the key: Enabled, Disabled, PendingDeletion, PendingImport and so on (KeyState).
	KeyState *string `col:"key_state"`
	// Whether the key can be used now: key_state is Enabled (Enabled).
	Enabled *bool `col:"enabled"`
	// Type of key material, such as SYMMETRIC_DEFAULT or RSA_2048 (KeySpec).
	KeySpec *string `col:"key_spec"`
	// What the key may be used for: ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC and so on (KeyUsage).
	KeyUsage *string `col:"key_usage"`
	// Source of the key material: AWS_KMS, EXTERNAL, AWS_CLOUDHSM or EXTERNAL_KEY_STORE (Origin).
	Origin *string `col:"origin"`
	// Custom key store that holds the key (CustomKeyStoreId). Null: none does.
	CustomKeyStoreID *string `col:"custom_key_store_id"`
	// Whether this is a multi-Region key (MultiRegion).
	MultiRegion *bool `col:"multi_region"`
	// Role of a multi-Region key: PRIMARY or REPLICA (MultiRegionConfiguration). Null for other keys.
	MultiRegionKeyType *string `col:"multi_region_key_type"`
	// ARN of the primary key of a multi-Region key (MultiRegionConfiguration). Null for other keys.
	PrimaryKeyARN *string `col:"primary_key_arn"`
	// JSON array of the ARNs of the replicas of a multi-Region key (MultiRegionConfiguration). Null for other keys.
	ReplicaKeyARNs schema.JSON `col:"replica_key_arns,array"`
	// When the key was created (CreationDate).
	KeyCreatedAt *time.Time `col:"key_created_at"`
	// After when KMS deletes the key (DeletionDate). Null unless key_state is PendingDeletion.
	DeletionAt *time.Time `col:"deletion_at"`
	// Waiting period in days before a multi-Region primary key is deleted, once its replicas are gone
	// (PendingDeletionWindowInDays). Null for other keys.
	PendingDeletionWindowDays *int64 `col:"pending_deletion_window_days"`
	// Whether imported key material expires: KEY_MATERIAL_EXPIRES or KEY_MATERIAL_DOES_NOT_EXPIRE (ExpirationModel). Null
	// unless origin is EXTERNAL.
	ExpirationModel *string `col:"expiration_model"`
	// When the imported key material expires (ValidTo). Null: it does not.
	MaterialExpiresAt *time.Time `col:"material_expires_at"`
	// Whether KMS rotates the key material on schedule (GetKeyRotationStatus, KeyRotationEnabled). Always true for AWS
	// managed keys; always false for imported material (origin EXTERNAL), which cannot be rotated on schedule, and while
	// the key waits for its deletion; of a multi-Region key, the primary is asked to change it. Null: the key cannot be
	// rotated (asymmetric, HMAC, custom key store), its state does not tell, or the question was denied, which
	// denied_actions says.
	RotationEnabled *bool `col:"rotation_enabled"`
	// Days between two rotations (RotationPeriodInDays). Null unless KMS reports one.
	RotationPeriodDays *int64 `col:"rotation_period_days"`
	// When KMS rotates the key material next (NextRotationDate). Null unless KMS reports it.
	NextRotationAt *time.Time `col:"next_rotation_at"`
	// Start of an on-demand rotation that is in progress (OnDemandRotationStartDate). Null: none is.
	OnDemandRotationStartedAt *time.Time `col:"on_demand_rotation_started_at"`
	// JSON object of the tags of a customer managed key (ListResourceTags). An empty object: it has none. Null: AWS
	// managed, or denied. A value that may be a secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
	// JSON array of the IAM actions that were denied for this key, such as kms:GetKeyRotationStatus. Null: none was.
	DeniedActions schema.JSON `col:"denied_actions,array"`
}

// KMSKeys is the category "kms_keys": every run lists all keys of one account and
// region.
var KMSKeys = schema.Of[KMSKey](schema.Spec{Name: "kms_keys", Mode: schema.Snapshot})
