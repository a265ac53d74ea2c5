package collectors

import (
	"context"
	"time"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// One paged request to Cost Explorer reads the days from the first of the previous
// month to yesterday: 28 to 61 days, so that a month is read once more after its
// end, when charges for the whole of it (support, for example) and late
// corrections are in. Each day is a run of its own, which replaces the day.
//
// AWS charges for each page of the answer, and not for each day: most accounts have one
// page, busy ones several. Every start of the spoke, every spoke once, an early retry after
// a failure and a shorter --interval add requests.
//
// An account for which Cost Explorer has no data ends with the outcome disabled, and so
// do accounts in AWS GovCloud (US): their costs are in the standard account that pays.
// An account that never enabled Cost Explorer gets the same answer as one with a role
// that lacks the permission (AccessDeniedException), and so ends with denied.
var ServiceCosts = collect.Collector[schemas.ServiceCost]{
	Category: schemas.ServiceCosts,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls:    []string{"ce:GetCostAndUsage"},
	Slices:   func(now time.Time) []string { return serviceCostQuery(now).days() },
	Collect:  collectServiceCosts,

	PaidRequests: 1,
}

// No quota is published; a run is a handful of requests, and each one costs money.
var ceService = collect.Service{
	ID:         "Cost Explorer",
	Name:       "ce",
	Rate:       collect.Rate{PerSecond: 1, Burst: 1},
	PerAccount: true,
	Price:      0.01,
	Quota:      "https://docs.aws.amazon.com/cost-management/latest/userguide/ce-api-best-practices.html",
}

// serviceCostQuery returns what a run at now reads.
func serviceCostQuery(now time.Time) costQuery {
	now = now.UTC()
	return costQuery{
		from:   schema.DateOf(time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC)),
		to:     schema.DateOf(now), // exclusive: yesterday is the last day that can be complete
		groups: []string{"SERVICE", "REGION"},
	}
}

func collectServiceCosts(ctx context.Context, env *collect.Env, emit func(schemas.ServiceCost) error) error {
	return collectCosts(ctx, env, serviceCostQuery(env.Now), serviceCost, emit)
}

func serviceCost(l *costLine) schemas.ServiceCost {
	return schemas.ServiceCost{
		UsageDate:        l.Day,
		Service:          l.key(0),
		UsageRegion:      l.key(1),
		UnblendedCost:    l.mustCost("UnblendedCost"),
		NetUnblendedCost: l.cost("NetUnblendedCost"),
		AmortizedCost:    l.cost("AmortizedCost"),
		NetAmortizedCost: l.cost("NetAmortizedCost"),
		BlendedCost:      l.cost("BlendedCost"),
		Currency:         l.unit("UnblendedCost"),
		UsageQuantity:    l.usage("UsageQuantity"),
		UsageUnit:        l.unit("UsageQuantity"),
		NormalizedUsage:  l.usage("NormalizedUsageAmount"),
		Estimated:        l.Estimated,
	}
}
