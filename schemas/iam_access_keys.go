package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// IAMAccessKey is one access key of an IAM user, without its secret, which AWS does not
// keep. Columns come from ListAccessKeys and GetAccessKeyLastUsed. Keys of the root user
// are in no list: iam_account_settings has how many there are.
type IAMAccessKey struct {
	// Identifier of the key, which is no secret (AccessKeyId).
	AccessKeyID string `col:"access_key_id,key"`
	// User that the key belongs to (UserName).
	UserName *string `col:"user_name,personal=identity"`
	// Whether the key can be used: Active, Inactive or Expired (Status).
	Status *string `col:"status"`
	// When the key was created (CreateDate).
	KeyCreatedAt *time.Time `col:"key_created_at"`
	// When the key was used last (GetAccessKeyLastUsed, LastUsedDate). Null: never since AWS remembers (22 April 2015).
	LastUsedAt *time.Time `col:"last_used_at"`
	// Service that the key was used for last, such as s3 (GetAccessKeyLastUsed, ServiceName). Null: N/A, never.
	LastUsedService *string `col:"last_used_service"`
	// Region in which the key was used last (GetAccessKeyLastUsed, Region). Null: N/A, never or without a region.
	LastUsedRegion *string `col:"last_used_region"`
}

// IAMAccessKeys is the category "iam_access_keys": every run lists the keys of all users
// of an account.
var IAMAccessKeys = schema.Of[IAMAccessKey](schema.Spec{Name: "iam_access_keys", Mode: schema.Snapshot})
