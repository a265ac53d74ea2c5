package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// One paged request to Cost Explorer reads the last 35 days, once a week. Each day is a
// run of its own, which replaces the day.
//
// AWS charges for each page of the answer, and there is one. Accounts without Cost
// Explorer end as in service_costs, which has these costs, too: the two are never added up.
var MarketplaceCosts = collect.Collector[schemas.MarketplaceCost]{
	Category: schemas.MarketplaceCosts,
	Reach:    collect.Global,
	Every:    7 * 24 * time.Hour,
	Calls:    []string{"ce:GetCostAndUsage"},
	Slices:   func(now time.Time) []string { return marketplaceCostQuery(now).days() },
	Collect:  collectMarketplaceCosts,

	PaidRequests: 1,
}

// marketplaceCostQuery returns what a run at now reads. What the Marketplace bills has
// the title of the product as its service.
func marketplaceCostQuery(now time.Time) costQuery {
	query := lastDays(now, 35)
	query.groups = []string{"SERVICE", "USAGE_TYPE"}
	query.filter = &types.Expression{Dimensions: &types.DimensionValues{
		Key: types.DimensionBillingEntity, Values: []string{"AWS Marketplace"},
	}}
	return query
}

func collectMarketplaceCosts(ctx context.Context, env *collect.Env, emit func(schemas.MarketplaceCost) error) error {
	return collectCosts(ctx, env, marketplaceCostQuery(env.Now), marketplaceCost, emit)
}

func marketplaceCost(l *costLine) schemas.MarketplaceCost {
	return schemas.MarketplaceCost{
		UsageDate:     l.Day,
		ProductName:   l.key(0),
		UsageType:     l.key(1),
		UnblendedCost: l.mustCost("UnblendedCost"),
		AmortizedCost: l.cost("AmortizedCost"),
		Currency:      l.unit("UnblendedCost"),
		UsageQuantity: l.usage("UsageQuantity"),
		UsageUnit:     l.unit("UsageQuantity"),
		Estimated:     l.Estimated,
	}
}
