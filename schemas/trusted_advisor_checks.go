package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// TrustedAdvisorCheck is one check of Trusted Advisor with its newest result, also where it
// found nothing. Columns come from DescribeTrustedAdvisorChecks and
// DescribeTrustedAdvisorCheckSummaries. A check without a result, which was never run or is not
// available to the account, is a row with null results.
type TrustedAdvisorCheck struct {
	// Identifier of the check (id). Names change, and two checks may share one.
	CheckID string `col:"check_id,key"`
	// Name of the check in English (name).
	Name *string `col:"name"`
	// Description of the check, as HTML (description).
	Description *string `col:"description"`
	// Category: cost_optimizing, security, fault_tolerance, performance, service_limits or operational_excellence
	// (category).
	Category *string `col:"category"`
	// Result: ok (green), warning (yellow), error (red) or not_available (status). Null: there is none.
	Status *string `col:"status"`
	// Whether resources are flagged (hasFlaggedResources).
	HasFlaggedResources *bool `col:"has_flagged_resources"`
	// Number of resources that were looked at (resourcesSummary.resourcesProcessed).
	ResourcesProcessed *int64 `col:"resources_processed"`
	// Number of resources that are flagged (resourcesSummary.resourcesFlagged).
	ResourcesFlagged *int64 `col:"resources_flagged"`
	// Number of resources that Trusted Advisor could not look at (resourcesSummary.resourcesIgnored).
	ResourcesIgnored *int64 `col:"resources_ignored"`
	// Number of resources that somebody excluded (resourcesSummary.resourcesSuppressed).
	ResourcesSuppressed *int64 `col:"resources_suppressed"`
	// Estimated savings in USD a month (categorySpecificSummary.costOptimizing.estimatedMonthlySavings). Null: the check
	// is not about costs.
	EstimatedMonthlySavings *schema.Decimal `col:"estimated_monthly_savings"`
	// Estimated savings as a percentage of the costs
	// (categorySpecificSummary.costOptimizing.estimatedPercentMonthlySavings). Null: the check is not about costs.
	EstimatedSavingsPercent *float64 `col:"estimated_savings_percent"`
	// When the check was last run (timestamp).
	RefreshedAt *time.Time `col:"refreshed_at"`
	// JSON array of the names of what the check says about a resource (metadata).
	MetadataNames schema.JSON `col:"metadata_names,array"`
}

// TrustedAdvisorChecks is the category "trusted_advisor_checks": every run lists all checks
// of one account.
var TrustedAdvisorChecks = schema.Of[TrustedAdvisorCheck](schema.Spec{Name: "trusted_advisor_checks",
	Mode: schema.Snapshot})
