package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// GuardDutyFinding is one GuardDuty finding, archived ones included. Columns come from
// GetFindings (Finding). GuardDuty keeps findings for 90 days.
//
// An administrator account also sees the findings of its member accounts: account_id says
// where the finding was read, finding_account_id where it belongs. The same finding is then
// read twice: count distinct finding_id, or take the rows with finding_account_id =
// account_id.
type GuardDutyFinding struct {
	// Identifier of the finding (Id).
	FindingID string `col:"finding_id,key"`
	// ARN of the finding (Arn).
	FindingARN *string `col:"finding_arn"`
	// Detector that the finding was read from (Service.DetectorId, else the one that was asked).
	DetectorID string `col:"detector_id"`
	// Account that the finding is about; a member account where account_id is its administrator (AccountId).
	FindingAccountID string `col:"finding_account_id"`
	// Region that the finding is about (Region).
	FindingRegion *string `col:"finding_region"`
	// Type of the finding, such as UnauthorizedAccess:EC2/SSHBruteForce (Type).
	FindingType *string `col:"finding_type"`
	// Severity: low from 1, medium from 4, high from 7, critical from 9 to 10 (Severity).
	Severity *float64 `col:"severity"`
	// Confidence of GuardDuty (Confidence). Null: it does not say.
	Confidence *float64 `col:"confidence"`
	// Title of the finding (Title).
	Title *string `col:"title,personal=text"`
	// Description of the finding (Description).
	Description *string `col:"description,personal=text"`
	// Whether somebody, or a suppression rule, archived the finding (Service.Archived).
	Archived *bool `col:"archived"`
	// How often GuardDuty saw the activity (Service.Count).
	Count *int64 `col:"count"`
	// Type of the resource, such as Instance or AccessKey (Resource.ResourceType).
	ResourceType *string `col:"resource_type"`
	// Identifier of the resource: ARN of the bucket, cluster, function or database, identifier of the instance or access
	// key (Resource). Null: the resource is of another kind, which resource has.
	ResourceID *string `col:"resource_id"`
	// JSON object of the resource (Resource). A value that may be a secret is [redacted] by the spoke.
	Resource schema.JSON `col:"resource,object,personal=identity"`
	// Type of the activity, such as NETWORK_CONNECTION or AWS_API_CALL (Service.Action.ActionType).
	ActionType *string `col:"action_type"`
	// JSON object of the activity: who, from where, how often (Service.Action). Parameters of calls to a cluster are left
	// out. A value that may be a secret is [redacted] by the spoke.
	Action schema.JSON `col:"action,object,personal=network"`
	// Feature that made the finding, such as CloudTrail or RuntimeMonitoring (Service.FeatureName).
	FeatureName *string `col:"feature_name"`
	// What people said about the finding: USEFUL or NOT_USEFUL (Service.UserFeedback). Null: nothing.
	UserFeedback *string `col:"user_feedback"`
	// When the activity was first seen (Service.EventFirstSeen).
	EventFirstSeenAt *time.Time `col:"event_first_seen_at"`
	// When the activity was last seen (Service.EventLastSeen).
	EventLastSeenAt *time.Time `col:"event_last_seen_at"`
	// When GuardDuty made the finding (CreatedAt).
	FindingCreatedAt *time.Time `col:"finding_created_at"`
	// When GuardDuty last updated the finding (UpdatedAt).
	FindingUpdatedAt *time.Time `col:"finding_updated_at"`
}

// GuardDutyFindings is the category "guardduty_findings": a full snapshot once a day, and
// what was updated between.
var GuardDutyFindings = schema.Of[GuardDutyFinding](schema.Spec{Name: "guardduty_findings", Mode: schema.Snapshot,
	Incremental: true})
