package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// CostRecommendation is one recommendation of the Cost Optimization Hub to save costs, the
// best one for each resource. Columns come from ListRecommendations (Recommendation).
// Savings are after discounts where the preferences of the account say so. The Compute
// Optimizer, compute_recommendations, says the same per option: the two are never added up.
type CostRecommendation struct {
	// Identifier of the recommendation (RecommendationId).
	RecommendationID string `col:"recommendation_id,key"`
	// ARN of the resource (ResourceArn). Null: a recommendation to buy a commitment is about none.
	ResourceARN *string `col:"resource_arn"`
	// Identifier of the resource (ResourceId). Null: as of resource_arn.
	ResourceID *string `col:"resource_id"`
	// Region of the resource (Region).
	ResourceRegion *string `col:"resource_region"`
	// Type of the resource, such as Ec2Instance or EbsVolume (CurrentResourceType).
	CurrentResourceType *string `col:"current_resource_type"`
	// What the resource is now, such as m5.2xlarge (CurrentResourceSummary).
	CurrentResourceSummary *string `col:"current_resource_summary"`
	// Type of what is recommended instead, such as ComputeSavingsPlans (RecommendedResourceType).
	RecommendedResourceType *string `col:"recommended_resource_type"`
	// What the resource should be, such as m7g.xlarge (RecommendedResourceSummary).
	RecommendedResourceSummary *string `col:"recommended_resource_summary"`
	// What to do: Rightsize, Stop, Upgrade, PurchaseSavingsPlans, PurchaseReservedInstances, MigrateToGraviton, Delete or
	// ScaleIn (ActionType).
	ActionType *string `col:"action_type"`
	// How much work it is: VeryLow, Low, Medium, High or VeryHigh (ImplementationEffort).
	ImplementationEffort *string `col:"implementation_effort"`
	// Whether the resource must be restarted (RestartNeeded).
	RestartNeeded *bool `col:"restart_needed"`
	// Whether it can be undone (RollbackPossible).
	RollbackPossible *bool `col:"rollback_possible"`
	// What the resource costs in a month now (EstimatedMonthlyCost).
	EstimatedMonthlyCost *schema.Decimal `col:"estimated_monthly_cost"`
	// What would be saved in a month (EstimatedMonthlySavings).
	EstimatedMonthlySavings *schema.Decimal `col:"estimated_monthly_savings"`
	// estimated_monthly_savings in percent of estimated_monthly_cost (EstimatedSavingsPercentage).
	EstimatedSavingsPercentage *float64 `col:"estimated_savings_percentage"`
	// Currency of the amounts, such as USD (CurrencyCode).
	Currency *string `col:"currency"`
	// Days of usage that the recommendation is made from (RecommendationLookbackPeriodInDays).
	LookbackDays *int64 `col:"lookback_days"`
	// Who made it: ComputeOptimizer or CostExplorer (Source).
	Source *string `col:"source"`
	// When it was made from newer usage last (LastRefreshTimestamp).
	LastRefreshedAt *time.Time `col:"last_refreshed_at"`
	// JSON object of the tags of the resource (Tags). Null: none. A value that may be a secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
}

// CostRecommendations is the category "cost_recommendations": every run lists all
// recommendations for an account.
var CostRecommendations = schema.Of[CostRecommendation](schema.Spec{Name: "cost_recommendations",
	Mode: schema.Snapshot})
