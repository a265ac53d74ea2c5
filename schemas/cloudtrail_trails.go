package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// CloudTrailTrail is one trail as seen in one account, in its home region: a trail of
// several regions is one row. A trail of the organization is a row in each of its accounts,
// too: who counts trails takes the rows with owner_account_id = account_id. Columns come
// from DescribeTrails (Trail), GetTrailStatus and GetEventSelectors. A member account may be
// denied the details of a trail of the organization: denied_actions then names the action.
type CloudTrailTrail struct {
	// ARN of the trail (TrailARN).
	TrailARN string `col:"trail_arn,key"`
	// Name of the trail (Name).
	Name *string `col:"name"`
	// Account that owns the trail, of a trail of the organization its management account (TrailARN).
	OwnerAccountID *string `col:"owner_account_id"`
	// Region in which the trail was created (HomeRegion).
	HomeRegion *string `col:"home_region"`
	// Whether the trail logs all accounts of the organization (IsOrganizationTrail).
	IsOrganizationTrail *bool `col:"is_organization_trail"`
	// Whether the trail logs all regions (IsMultiRegionTrail).
	IsMultiRegion *bool `col:"is_multi_region"`
	// Whether the trail logs now (GetTrailStatus, IsLogging). Null: AWS did not say.
	IsLogging *bool `col:"is_logging"`
	// Whether the trail logs events of services without regions, such as IAM (IncludeGlobalServiceEvents).
	IncludesGlobalEvents *bool `col:"includes_global_events"`
	// Whether digests are written, by which changes of the logs are noticed (LogFileValidationEnabled).
	LogFileValidation *bool `col:"log_file_validation"`
	// Whether the trail has selectors other than those of a new one (HasCustomEventSelectors).
	HasCustomEventSelectors *bool `col:"has_custom_event_selectors"`
	// Whether the trail looks for unusual activity (HasInsightSelectors).
	HasInsightSelectors *bool `col:"has_insight_selectors"`
	// Bucket that the logs go to (S3BucketName).
	S3Bucket *string `col:"s3_bucket"`
	// Prefix of the logs in the bucket (S3KeyPrefix). Null: none.
	S3KeyPrefix *string `col:"s3_key_prefix"`
	// ARN of the topic that is told of new logs (SnsTopicARN). Null: none is.
	SNSTopicARN *string `col:"sns_topic_arn"`
	// ARN of the KMS key that encrypts the logs (KmsKeyId). Null: S3 encrypts them with a key of its own.
	KMSKeyID *string `col:"kms_key_id"`
	// ARN of the log group in CloudWatch Logs that gets the events (CloudWatchLogsLogGroupArn). Null: none does.
	LogGroupARN *string `col:"log_group_arn"`
	// ARN of the role that writes into the log group (CloudWatchLogsRoleArn). Null: none does.
	LogRoleARN *string `col:"log_role_arn"`
	// JSON array of the events that are logged: ReadWriteType, IncludeManagementEvents, DataResources and so on
	// (GetEventSelectors, EventSelectors). Null: the trail has advanced ones.
	EventSelectors schema.JSON `col:"event_selectors,array"`
	// JSON array of the events that are logged, by fields: Name and FieldSelectors (GetEventSelectors,
	// AdvancedEventSelectors). Null: the trail has basic ones.
	AdvancedEventSelectors schema.JSON `col:"advanced_event_selectors,array"`
	// When logging was last started (GetTrailStatus, StartLoggingTime). Null: never.
	LoggingStartedAt *time.Time `col:"logging_started_at"`
	// When logging was last stopped (GetTrailStatus, StopLoggingTime). Null: never.
	LoggingStoppedAt *time.Time `col:"logging_stopped_at"`
	// When logs were last delivered to the bucket (GetTrailStatus, LatestDeliveryTime). Null: never.
	LatestDeliveryAt *time.Time `col:"latest_delivery_at"`
	// Error of S3 in the last delivery (GetTrailStatus, LatestDeliveryError). Null: none.
	LatestDeliveryError *string `col:"latest_delivery_error"`
	// When a digest was last delivered (GetTrailStatus, LatestDigestDeliveryTime). Null: never.
	LatestDigestAt *time.Time `col:"latest_digest_at"`
	// Error of S3 in the last delivery of a digest (GetTrailStatus, LatestDigestDeliveryError). Null: none.
	LatestDigestError *string `col:"latest_digest_error"`
	// When events last went to CloudWatch Logs (GetTrailStatus, LatestCloudWatchLogsDeliveryTime). Null: never.
	LatestLogsDeliveryAt *time.Time `col:"latest_logs_delivery_at"`
	// Error of CloudWatch Logs in the last delivery (GetTrailStatus, LatestCloudWatchLogsDeliveryError). Null: none.
	LatestLogsDeliveryError *string `col:"latest_logs_delivery_error"`
	// JSON array of the IAM actions that were denied for the trail. Null: none was.
	DeniedActions schema.JSON `col:"denied_actions,array"`
}

// CloudTrailTrails is the category "cloudtrail_trails": every run lists all trails that one
// account sees in their home region.
var CloudTrailTrails = schema.Of[CloudTrailTrail](schema.Spec{Name: "cloudtrail_trails", Mode: schema.Snapshot})
