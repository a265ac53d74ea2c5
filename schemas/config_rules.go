package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// ConfigRule is one rule of AWS Config with its compliance and its last evaluation, as seen
// in one account and region. Columns come from DescribeConfigRules (ConfigRule),
// DescribeComplianceByConfigRule and DescribeConfigRuleEvaluationStatus. A rule that is made
// while they are read lacks what the latter two say until the next run.
type ConfigRule struct {
	// Name of the rule (ConfigRuleName).
	RuleName string `col:"rule_name,key"`
	// ARN of the rule (ConfigRuleArn).
	RuleARN *string `col:"rule_arn"`
	// Identifier of the rule (ConfigRuleId).
	RuleID *string `col:"rule_id"`
	// Description of the rule (Description). Null: it has none.
	Description *string `col:"description,personal=text"`
	// State: ACTIVE, DELETING, DELETING_RESULTS or EVALUATING (ConfigRuleState).
	State *string `col:"state"`
	// Service that made the rule, such as securityhub.amazonaws.com (CreatedBy). Null: the account did.
	CreatedBy *string `col:"created_by"`
	// Who wrote the rule: AWS, CUSTOM_LAMBDA or CUSTOM_POLICY (Source.Owner).
	SourceOwner *string `col:"source_owner"`
	// Identifier of the managed rule, or ARN of the Lambda function (Source.SourceIdentifier). Null: the rule is a policy.
	SourceIdentifier *string `col:"source_identifier"`
	// JSON object of the parameters of the rule (InputParameters). Null: it has none, or they are no JSON object. A value
	// that may be a secret is [redacted] by the spoke.
	InputParameters schema.JSON `col:"input_parameters,object"`
	// How often the rule is evaluated, such as TwentyFour_Hours (MaximumExecutionFrequency). Null: when something changes.
	MaximumFrequency *string `col:"maximum_frequency"`
	// JSON array of the types of resources that the rule is about (Scope.ComplianceResourceTypes). Null: it does not say.
	ScopeResourceTypes schema.JSON `col:"scope_resource_types,array"`
	// JSON array of the modes in which the rule is evaluated: Mode is DETECTIVE or PROACTIVE (EvaluationModes). Null: AWS
	// does not report it.
	EvaluationModes schema.JSON `col:"evaluation_modes,array"`
	// Compliance: COMPLIANT, NON_COMPLIANT, or INSUFFICIENT_DATA and NOT_APPLICABLE, which belong into no score
	// (Compliance.ComplianceType). Null: not known yet.
	ComplianceType *string `col:"compliance_type"`
	// Resources that are not compliant, cut off by AWS, so that config_noncompliant_resources has the exact number
	// (ComplianceContributorCount.CappedCount). Null: AWS does not report it.
	NoncompliantCapped *int64 `col:"noncompliant_capped"`
	// Whether there are more of them than noncompliant_capped says (ComplianceContributorCount.CapExceeded). Null: AWS
	// does not report it.
	NoncompliantCapExceeded *bool `col:"noncompliant_cap_exceeded"`
	// When the rule was activated first (ConfigRuleEvaluationStatus.FirstActivatedTime).
	FirstActivatedAt *time.Time `col:"first_activated_at"`
	// Last evaluation that succeeded (LastSuccessfulEvaluationTime). Null: none did.
	LastEvaluatedAt *time.Time `col:"last_evaluated_at"`
	// Last time that Config called the rule and it answered (LastSuccessfulInvocationTime). Null: never.
	LastInvokedAt *time.Time `col:"last_invoked_at"`
	// Last evaluation that failed (LastFailedEvaluationTime). Null: none did.
	LastFailedAt *time.Time `col:"last_failed_at"`
	// Error code of the last evaluation that failed (LastErrorCode). Null: none did.
	LastErrorCode *string `col:"last_error_code"`
	// What was wrong with it (LastErrorMessage). Null: nothing.
	LastErrorMessage *string `col:"last_error_message"`
}

// ConfigRules is the category "config_rules": every run lists all rules of one account and
// region.
var ConfigRules = schema.Of[ConfigRule](schema.Spec{Name: "config_rules", Mode: schema.Snapshot})
