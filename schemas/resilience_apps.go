package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// ResilienceApp is one application in AWS Resilience Hub with its policy, its score and its
// last assessment that went well. Columns come from ListApps (AppSummary), DescribeApp (App),
// DescribeResiliencyPolicy and ListAppAssessments. A detail may be denied: denied_actions then
// names the action, and its columns are null.
type ResilienceApp struct {
	// ARN of the application (AppArn).
	AppARN string `col:"app_arn,key"`
	// Name of the application (Name).
	Name *string `col:"name"`
	// Description of the application (Description). Null: none.
	Description *string `col:"description,personal=text"`
	// Status: Active or Deleting (Status).
	Status *string `col:"status"`
	// Whether the policy is met: PolicyMet, PolicyBreached, NotAssessed, ChangesDetected, NotApplicable or MissingPolicy
	// (ComplianceStatus).
	ComplianceStatus *string `col:"compliance_status"`
	// Whether the application changed for the worse since: Detected, NotDetected or NotChecked (DriftStatus).
	DriftStatus *string `col:"drift_status"`
	// Score from 0 to 1 (ResiliencyScore). 0: it was never assessed.
	ResiliencyScore *float64 `col:"resiliency_score"`
	// When the application was described to Resilience Hub (CreationTime).
	AppCreatedAt *time.Time `col:"app_created_at"`
	// When compliance was last evaluated (LastAppComplianceEvaluationTime). Null: never.
	LastComplianceEvaluationAt *time.Time `col:"last_compliance_evaluation_at"`
	// Whether it is assessed every day: Daily or Disabled (AssessmentSchedule).
	AssessmentSchedule *string `col:"assessment_schedule"`
	// ARN of the application in AppRegistry (AwsApplicationArn). Null: none.
	AWSApplicationARN *string `col:"aws_application_arn"`
	// Data that may be lost now, in seconds (RpoInSecs). Null: it was never assessed.
	CurrentRPOSeconds *int64 `col:"current_rpo_seconds"`
	// Time to recover now, in seconds (RtoInSecs). Null: it was never assessed.
	CurrentRTOSeconds *int64 `col:"current_rto_seconds"`
	// ARN of the policy (DescribeApp, PolicyArn). Null: none.
	PolicyARN *string `col:"policy_arn"`
	// Name of the policy (DescribeResiliencyPolicy, PolicyName).
	PolicyName *string `col:"policy_name"`
	// Tier of the policy, such as MissionCritical or NonCritical (DescribeResiliencyPolicy, Tier).
	PolicyTier *string `col:"policy_tier"`
	// Data that may be lost when a zone fails, in seconds (DescribeResiliencyPolicy, Policy.AZ.RpoInSecs).
	PolicyAZRPOSeconds *int64 `col:"policy_az_rpo_seconds"`
	// Time to recover when a zone fails, in seconds (DescribeResiliencyPolicy, Policy.AZ.RtoInSecs).
	PolicyAZRTOSeconds *int64 `col:"policy_az_rto_seconds"`
	// JSON object of RpoInSecs and RtoInSecs by what fails: Software, Hardware, AZ and Region (DescribeResiliencyPolicy,
	// Policy).
	Policy schema.JSON `col:"policy,object"`
	// ARN of the last assessment that went well (ListAppAssessments, AssessmentArn). Null: there is none.
	AssessmentARN *string `col:"assessment_arn"`
	// Status of this assessment (ListAppAssessments, AssessmentStatus).
	AssessmentStatus *string `col:"assessment_status"`
	// Whether it found the policy met (ListAppAssessments, ComplianceStatus).
	AssessmentCompliance *string `col:"assessment_compliance"`
	// When the assessment began (ListAppAssessments, StartTime).
	AssessmentStartedAt *time.Time `col:"assessment_started_at"`
	// When the assessment ended (ListAppAssessments, EndTime).
	AssessmentEndedAt *time.Time `col:"assessment_ended_at"`
	// What Resilience Hub says about the assessment (ListAppAssessments, Message). Null: nothing.
	AssessmentMessage *string `col:"assessment_message"`
	// Estimated cost of the application (ListAppAssessments, Cost.Amount). Null: not estimated.
	CostAmount *schema.Decimal `col:"cost_amount"`
	// Currency of cost_amount, such as USD (ListAppAssessments, Cost.Currency).
	CostCurrency *string `col:"cost_currency"`
	// Period of cost_amount: Hourly, Daily, Monthly or Yearly (ListAppAssessments, Cost.Frequency).
	CostFrequency *string `col:"cost_frequency"`
	// JSON object of the tags of the application (DescribeApp, Tags). Null: none, or the request was denied. A value that
	// may be a secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
	// JSON array of the IAM actions that were denied for the application. Null: none was.
	DeniedActions schema.JSON `col:"denied_actions,array"`
}

// ResilienceApps is the category "resilience_apps": every run lists all applications of one
// account and region.
var ResilienceApps = schema.Of[ResilienceApp](schema.Spec{Name: "resilience_apps", Mode: schema.Snapshot})
