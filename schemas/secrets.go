package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// Secret is the name and the rotation state of one secret in AWS Secrets Manager,
// as seen in one account and region, secrets that wait for their deletion
// included. Values of secrets are never read. Columns come from ListSecrets
// (SecretListEntry).
type Secret struct {
	// ARN of the secret (ARN).
	SecretARN string `col:"secret_arn,key"`
	// Name of the secret (Name).
	Name string `col:"name"`
	// Description that the owner gave the secret (Description).
	Description *string `col:"description,personal=text"`
	// KMS key that encrypts the secret: an ARN, id or alias (KmsKeyId). Null: the AWS managed key aws/secretsmanager.
	KMSKeyID *string `col:"kms_key_id"`
	// AWS service that created the secret, such as rds (OwningService). Null: none did.
	OwningService *string `col:"owning_service"`
	// Partner that holds a managed external secret (Type). Null for other secrets.
	ExternalType *string `col:"external_type"`
	// Region that a replicated secret comes from (PrimaryRegion). Null: the secret is not replicated.
	PrimaryRegion *string `col:"primary_region"`
	// Whether the secret is rotated on schedule (RotationEnabled). Null: rotation was never set up.
	RotationEnabled *bool `col:"rotation_enabled"`
	// Lambda function that rotates the secret (RotationLambdaARN). Null: none, or rotation is managed by the owning
	// service.
	RotationLambdaARN *string `col:"rotation_lambda_arn"`
	// Days between two rotations (RotationRules.AutomaticallyAfterDays), also where a schedule is set: in ListSecrets
	// "this value is calculated from the rotation schedule after every successful rotation". Null: AWS reports none.
	RotationIntervalDays *int64 `col:"rotation_interval_days"`
	// Schedule of the rotation: a cron() or rate() expression (RotationRules.ScheduleExpression). Null: none.
	RotationSchedule *string `col:"rotation_schedule"`
	// Length of the rotation window, such as 3h (RotationRules.Duration). Null: not set.
	RotationWindow *string `col:"rotation_window"`
	// When the secret was rotated last (LastRotatedDate). Null: never.
	LastRotatedAt *time.Time `col:"last_rotated_at"`
	// Before when the secret is rotated next (NextRotationDate). Null: no rotation is planned.
	NextRotationAt *time.Time `col:"next_rotation_at"`
	// When the secret was changed last, in any way (LastChangedDate).
	LastChangedAt *time.Time `col:"last_changed_at"`
	// Day on which the secret was read last in this region, as midnight UTC (LastAccessedDate). Null: never.
	LastAccessedAt *time.Time `col:"last_accessed_at"`
	// When the secret was created (CreatedDate).
	SecretCreatedAt *time.Time `col:"secret_created_at"`
	// When the deletion of the secret was requested (DeletedDate). Null: the secret is active.
	DeletionRequestedAt *time.Time `col:"deletion_requested_at"`
	// JSON object of the versions of the secret: version id to array of staging labels (SecretVersionsToStages). It holds
	// no values.
	VersionStages schema.JSON `col:"version_stages,object"`
	// JSON object of the tags of the secret (Tags). Null: it has none. A value that may be a secret is [redacted] by the
	// spoke.
	Tags schema.JSON `col:"tags,object"`
}

// Secrets is the category "secrets": every run lists all secrets of one account
// and region.
var Secrets = schema.Of[Secret](schema.Spec{Name: "secrets", Mode: schema.Snapshot})
