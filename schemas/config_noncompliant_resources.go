package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// ConfigNoncompliantResource is one resource that one rule of AWS Config finds not
// compliant, as seen in one account and region. A resource that is mended is gone:
// deleted_at is when that was noticed. Columns come from GetComplianceDetailsByConfigRule
// (EvaluationResult).
type ConfigNoncompliantResource struct {
	// Name of the rule, as in config_rules (EvaluationResultQualifier.ConfigRuleName).
	RuleName string `col:"rule_name,key"`
	// Type of the resource, such as AWS::S3::Bucket (EvaluationResultQualifier.ResourceType).
	ResourceType string `col:"resource_type,key"`
	// Identifier of the resource, as in config_resources (EvaluationResultQualifier.ResourceId).
	ResourceID string `col:"resource_id,key"`
	// What was evaluated: DETECTIVE, a resource that exists, or PROACTIVE, one that was about to be made
	// (EvaluationResultQualifier.EvaluationMode). DETECTIVE where AWS reports none.
	EvaluationMode string `col:"evaluation_mode,key"`
	// NON_COMPLIANT (ComplianceType): others are not asked for.
	ComplianceType string `col:"compliance_type"`
	// What the rule says about the resource (Annotation). Null: nothing.
	Annotation *string `col:"annotation"`
	// When Config recorded the result (ResultRecordedTime).
	ResultRecordedAt *time.Time `col:"result_recorded_at"`
	// When the rule was called (ConfigRuleInvokedTime).
	RuleInvokedAt *time.Time `col:"rule_invoked_at"`
	// Time of the event or of the schedule that the result is about (EvaluationResultIdentifier.OrderingTimestamp).
	OrderedAt *time.Time `col:"ordered_at"`
}

// ConfigNoncompliantResources is the category "config_noncompliant_resources": every run
// lists all results of one account and region that are not compliant.
var ConfigNoncompliantResources = schema.Of[ConfigNoncompliantResource](schema.Spec{
	Name: "config_noncompliant_resources", Mode: schema.Snapshot,
})
