package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// ConformancePack is one conformance pack of AWS Config with its score, its state and the
// compliance of each of its rules, as seen in one account and region. Packs of the
// organization are named OrgConformsPack-…. Columns come from DescribeConformancePacks
// (ConformancePackDetail), DescribeConformancePackStatus,
// GetConformancePackComplianceSummary, ListConformancePackComplianceScores and
// DescribeConformancePackCompliance.
type ConformancePack struct {
	// Name of the pack (ConformancePackName).
	PackName string `col:"pack_name,key"`
	// ARN of the pack (ConformancePackArn).
	PackARN *string `col:"pack_arn"`
	// Identifier of the pack (ConformancePackId).
	PackID *string `col:"pack_id"`
	// Service that made the pack (CreatedBy). Null: the account did.
	CreatedBy *string `col:"created_by"`
	// State: CREATE_COMPLETE, CREATE_FAILED, DELETE_IN_PROGRESS and so on
	// (ConformancePackStatusDetail.ConformancePackState). Null: the pack was made while the packs were read.
	State *string `col:"state"`
	// Why the state failed (ConformancePackStatusReason). Null: it did not.
	StateReason *string `col:"state_reason"`
	// Compliance: COMPLIANT, NON_COMPLIANT or INSUFFICIENT_DATA (ConformancePackComplianceStatus). Null: the pack was
	// made while the packs were read.
	ComplianceStatus *string `col:"compliance_status"`
	// Share of compliant pairs of rule and resource in percent (ConformancePackComplianceScore.Score). Null: AWS has not
	// enough data.
	ScorePercentage *schema.Decimal `col:"score_percentage"`
	// When the score changed (ConformancePackComplianceScore.LastUpdatedTime). Null: there is none.
	ScoreUpdatedAt *time.Time `col:"score_updated_at"`
	// Number of rules (rules).
	RuleCount int64 `col:"rule_count"`
	// Number of rules that are COMPLIANT (rules).
	CompliantRuleCount int64 `col:"compliant_rule_count"`
	// Number of rules that are NON_COMPLIANT (rules); those that are neither have not enough data.
	NoncompliantRuleCount int64 `col:"noncompliant_rule_count"`
	// JSON array of the rules, by name: ConfigRuleName, ComplianceType and Controls, which the rule checks
	// (ConformancePackRuleCompliance). An empty array: none.
	Rules schema.JSON `col:"rules,array"`
	// JSON object of the parameters of the pack (ConformancePackInputParameters). Null: none. A value that may be a
	// secret is [redacted] by the spoke.
	InputParameters schema.JSON `col:"input_parameters,object"`
	// When a change of the pack was asked for last (LastUpdateRequestedTime).
	LastUpdateRequestedAt *time.Time `col:"last_update_requested_at"`
	// When the last change was done (LastUpdateCompletedTime). Null: it goes on.
	LastUpdateCompletedAt *time.Time `col:"last_update_completed_at"`
}

// ConformancePacks is the category "conformance_packs": every run lists all packs of one
// account and region.
var ConformancePacks = schema.Of[ConformancePack](schema.Spec{Name: "conformance_packs", Mode: schema.Snapshot})
