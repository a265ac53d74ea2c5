package simulate

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// An account uses the same things every day, on weekends less. The usage of a service adds up
// to what it costs in service_costs, but for days that are not final.
var usageCosts = kind[schemas.UsageCost]{
	of:      collectors.UsageCosts,
	make:    newUsageCost,
	initial: initialUsageCosts,
	change:  changeUsageCost,
	slices:  func(start time.Time) []string { return daysBefore(start, usageCostDays) },
}

// usageCostDays is how many days before its start a world has usage for.
const usageCostDays = 14

// newUsageCost returns usage of one of the last days that is known late.
func newUsageCost(g *gen) schemas.UsageCost {
	line := pick(g, g.costLines()...)
	day := schema.DateOf(g.start) - 1 - schema.Date(g.IntN(3))
	return usageCost(g, day, line.service, "EUC1-Other-"+g.hex(4), "", g.ExpFloat64())
}

func usageCost(g *gen, day schema.Date, service, usage, unit string, amount float64) schemas.UsageCost {
	c := schemas.UsageCost{
		UsageDate:        day,
		Service:          service,
		UsageType:        usage,
		UnblendedCost:    decimal(amount),
		NetUnblendedCost: new(decimal(amount * 0.93)),
		AmortizedCost:    new(decimal(amount * 1.02)),
		NetAmortizedCost: new(decimal(amount * 0.95)),
		Currency:         new("USD"),
		UsageQuantity:    new(decimal(amount * 11.5)),
		Estimated:        isServiceCostOpen(g, day),
	}
	if unit != "" {
		c.UsageUnit = &unit
	}
	return c
}

func initialUsageCosts(g *gen) []schemas.UsageCost {
	var costs []schemas.UsageCost
	for _, line := range g.costLines() {
		for back := range schema.Date(usageCostDays) {
			day := schema.DateOf(g.start) - 1 - back
			for i, cost := range line.usageOn(g, day) {
				use := line.usages[i]
				costs = append(costs, usageCost(g, day, line.service, use.name, use.unit, cost.float()))
			}
		}
	}
	return costs
}

// changeUsageCost restates one of the last days.
func changeUsageCost(g *gen, c *schemas.UsageCost) fate {
	switch {
	case !c.Estimated || !g.chance(0.004):
		return same
	case g.chance(0.3):
		return gone
	}
	*c = usageCost(g, c.UsageDate, c.Service, c.UsageType, "Hrs", g.ExpFloat64()*5)
	return changed
}
