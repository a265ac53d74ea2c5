package collectors

import (
	"context"
	"time"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// One paged request to Cost Explorer reads the last 14 days, every third day. Each day is
// a run of its own, which replaces the day.
//
// AWS charges for each page of the answer: there are one or two. Accounts without Cost Explorer end as
// in service_costs. The costs are the same as there, divided otherwise: never add the two up.
var UsageCosts = collect.Collector[schemas.UsageCost]{
	Category: schemas.UsageCosts,
	Reach:    collect.Global,
	Every:    72 * time.Hour,
	Calls:    []string{"ce:GetCostAndUsage"},
	Slices:   func(now time.Time) []string { return usageCostQuery(now).days() },
	Collect:  collectUsageCosts,

	PaidRequests: 2,
}

// usageCostQuery returns what a run at now reads.
func usageCostQuery(now time.Time) costQuery {
	query := lastDays(now, 14)
	query.groups = []string{"SERVICE", "USAGE_TYPE"}
	return query
}

func collectUsageCosts(ctx context.Context, env *collect.Env, emit func(schemas.UsageCost) error) error {
	return collectCosts(ctx, env, usageCostQuery(env.Now), usageCost, emit)
}

func usageCost(l *costLine) schemas.UsageCost {
	return schemas.UsageCost{
		UsageDate:        l.Day,
		Service:          l.key(0),
		UsageType:        l.key(1),
		UnblendedCost:    l.mustCost("UnblendedCost"),
		NetUnblendedCost: l.cost("NetUnblendedCost"),
		AmortizedCost:    l.cost("AmortizedCost"),
		NetAmortizedCost: l.cost("NetAmortizedCost"),
		Currency:         l.unit("UnblendedCost"),
		UsageQuantity:    l.usage("UsageQuantity"),
		UsageUnit:        l.unit("UsageQuantity"),
		Estimated:        l.Estimated,
	}
}
