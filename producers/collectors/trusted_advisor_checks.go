package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Checks are listed, those that found nothing included, and their newest results are read 50
// at a time: about ten requests, for which AWS charges nothing. Checks are not run anew: a
// result is as old as refreshed_at says.
//
// The API belongs to the Business, Enterprise On-Ramp and Enterprise plans: an account
// without one ends with the outcome disabled.
var TrustedAdvisorChecks = collect.Collector[schemas.TrustedAdvisorCheck]{
	Category: schemas.TrustedAdvisorChecks,
	Reach:    collect.Global,
	Every:    6 * time.Hour,
	Calls:    []string{"support:DescribeTrustedAdvisorChecks", "support:DescribeTrustedAdvisorCheckSummaries"},
	Hints: []collect.Hint{
		{Source: "aws.trustedadvisor", Types: []string{
			"Trusted Advisor Check Item Refresh Notification",
		}, Only: "us-east-1"},
	},
	Collect: collectTrustedAdvisorChecks,
}

func collectTrustedAdvisorChecks(ctx context.Context, env *collect.Env,
	emit func(schemas.TrustedAdvisorCheck) error) error {
	checks, newest, err := trustedAdvisor(ctx, env)
	if err != nil {
		return err
	}
	for _, check := range checks {
		if err := emit(trustedAdvisorCheckRow(env, &check, newest[aws.ToString(check.ID)])); err != nil {
			return err
		}
	}
	return nil
}

// trustedAdvisorCheckRow returns the row of a check; result is nil if there is none.
func trustedAdvisorCheckRow(env *collect.Env, c *trustedAdvisorCheck,
	result *trustedAdvisorSummary) schemas.TrustedAdvisorCheck {
	row := schemas.TrustedAdvisorCheck{
		CheckID:       aws.ToString(c.ID),
		Name:          text(c.Name),
		Description:   freeText(c.Description),
		Category:      text(c.Category),
		MetadataNames: jsonOf(c.Metadata),
	}
	if result == nil {
		return row
	}
	row.Status = text(result.Status)
	row.HasFlaggedResources = result.HasFlaggedResources
	row.ResourcesProcessed = result.ResourcesSummary.Processed
	row.ResourcesFlagged = result.ResourcesSummary.Flagged
	row.ResourcesIgnored = result.ResourcesSummary.Ignored
	row.ResourcesSuppressed = result.ResourcesSummary.Suppressed
	costs := result.CategorySpecificSummary.CostOptimizing
	row.EstimatedMonthlySavings = floatDecimal(costs.EstimatedMonthlySavings)
	row.EstimatedSavingsPercent = costs.EstimatedPercentMonthlySavings
	row.RefreshedAt = parseTime(env, row.CheckID, "timestamp", result.Timestamp)
	return row
}
