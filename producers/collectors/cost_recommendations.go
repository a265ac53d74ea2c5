package collectors

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costoptimizationhub"
	"github.com/aws/aws-sdk-go-v2/service/costoptimizationhub/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// The best recommendation for each resource of the account is listed, and in a management
// account none of its members: savings are then counted once. One request reads 100 of
// them, and AWS charges nothing for it.
//
// An account that is not enrolled in the Cost Optimization Hub ends with the outcome
// disabled.
var CostRecommendations = collect.Collector[schemas.CostRecommendation]{
	Category: schemas.CostRecommendations,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls:    []string{"cost-optimization-hub:ListEnrollmentStatuses", "cost-optimization-hub:ListRecommendations"},
	Collect:  collectCostRecommendations,
}

// AWS publishes no quota of requests for the Cost Optimization Hub.
var costOptimizationHubService = collect.Service{
	ID:         "Cost Optimization Hub",
	Name:       "cost-optimization-hub",
	Rate:       collect.Rate{PerSecond: 2, Burst: 2},
	PerAccount: true,
	Quota:      "https://docs.aws.amazon.com/cost-management/latest/userguide/management-limits.html",
}

func collectCostRecommendations(
	ctx context.Context, env *collect.Env, emit func(schemas.CostRecommendation) error,
) error {
	region, err := endpointRegion(env.Partition, costOptimizationHubService.Name)
	if err != nil {
		return err
	}
	client := costoptimizationhub.NewFromConfig(inRegion(env, region))
	if err := checkCostRecommendations(ctx, env, client); err != nil {
		return err
	}
	pages := costoptimizationhub.NewListRecommendationsPaginator(client, &costoptimizationhub.ListRecommendationsInput{
		Filter:     &types.Filter{AccountIds: []string{env.Account}},
		MaxResults: aws.Int32(100),
	})
	list := each(ctx, pages, func(p *costoptimizationhub.ListRecommendationsOutput) ([]types.Recommendation, *string) {
		return p.Items, p.NextToken
	})
	return emitEach(list, costRecommendation, emit)
}

// checkCostRecommendations returns an error that says so if the account is not enrolled.
func checkCostRecommendations(ctx context.Context, env *collect.Env, client *costoptimizationhub.Client) error {
	pages := costoptimizationhub.NewListEnrollmentStatusesPaginator(client,
		&costoptimizationhub.ListEnrollmentStatusesInput{})
	list := each(ctx, pages,
		func(p *costoptimizationhub.ListEnrollmentStatusesOutput) ([]types.AccountEnrollmentStatus, *string) {
			return p.Items, p.NextToken
		})
	for status, err := range list {
		if err != nil {
			return err
		}
		if aws.ToString(status.AccountId) == env.Account && status.Status == types.EnrollmentStatusActive {
			return nil
		}
	}
	return collect.Disabled(errors.New("the account is not enrolled in the Cost Optimization Hub"))
}

func costRecommendation(r *types.Recommendation) schemas.CostRecommendation {
	return schemas.CostRecommendation{
		RecommendationID:           aws.ToString(r.RecommendationId),
		ResourceARN:                text(r.ResourceArn),
		ResourceID:                 text(r.ResourceId),
		ResourceRegion:             text(r.Region),
		CurrentResourceType:        text(r.CurrentResourceType),
		CurrentResourceSummary:     text(r.CurrentResourceSummary),
		RecommendedResourceType:    text(r.RecommendedResourceType),
		RecommendedResourceSummary: text(r.RecommendedResourceSummary),
		ActionType:                 text(r.ActionType),
		ImplementationEffort:       text(r.ImplementationEffort),
		RestartNeeded:              r.RestartNeeded,
		RollbackPossible:           r.RollbackPossible,
		EstimatedMonthlyCost:       floatDecimal(r.EstimatedMonthlyCost),
		EstimatedMonthlySavings:    floatDecimal(r.EstimatedMonthlySavings),
		EstimatedSavingsPercentage: r.EstimatedSavingsPercentage,
		Currency:                   text(r.CurrencyCode),
		LookbackDays:               integer(r.RecommendationLookbackPeriodInDays),
		Source:                     enum(r.Source),
		LastRefreshedAt:            r.LastRefreshTimestamp,
		Tags:                       jsonOf(tagMap(r.Tags)),
	}
}
