package schemas

import "github.com/hubspoke/observability/lib/schema"

// TrustedAdvisorResource is one resource that a check of Trusted Advisor flags, or that
// somebody excluded from it. Columns come from DescribeTrustedAdvisorCheckResult
// (TrustedAdvisorResourceDetail). Resources with which nothing is wrong are no rows:
// trusted_advisor_checks counts them.
type TrustedAdvisorResource struct {
	// Check that flags the resource (checkId).
	CheckID string `col:"check_id,key"`
	// Identifier of the resource within the check, which says nothing else (resourceId). Its name is in metadata.
	FlaggedResourceID string `col:"flagged_resource_id,key"`
	// Name of the check in English (DescribeTrustedAdvisorChecks, name).
	CheckName *string `col:"check_name"`
	// Category of the check, such as security or cost_optimizing (DescribeTrustedAdvisorChecks, category).
	Category *string `col:"category"`
	// Result for the resource: warning or error, and ok where it is excluded (status).
	Status *string `col:"status"`
	// Region of the resource (region). Null: it has none.
	ResourceRegion *string `col:"resource_region"`
	// Whether somebody excluded the resource from the check (isSuppressed).
	IsSuppressed *bool `col:"is_suppressed"`
	// JSON object of what the check says about the resource, by names in English (metadata). A value that may be a secret
	// is [redacted] by the spoke.
	Metadata schema.JSON `col:"metadata,object"`
}

// TrustedAdvisorResources is the category "trusted_advisor_resources": every run lists all
// flagged resources of one account.
var TrustedAdvisorResources = schema.Of[TrustedAdvisorResource](schema.Spec{Name: "trusted_advisor_resources",
	Mode: schema.Snapshot})
