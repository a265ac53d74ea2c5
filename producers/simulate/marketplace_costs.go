package simulate

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Some accounts pay for products of the Marketplace. Their costs are in service_costs,
// too.
var marketplaceCosts = kind[schemas.MarketplaceCost]{
	of:      collectors.MarketplaceCosts,
	make:    newMarketplaceCost,
	initial: initialMarketplaceCosts,
	births:  0.002,
	change:  changeMarketplaceCost,
	slices:  func(start time.Time) []string { return daysBefore(start, marketplaceCostDays) },
}

// marketplaceCostDays is how many days before its start a world has costs of the Marketplace for.
const marketplaceCostDays = 35

// newMarketplaceCost returns what a product costs that is tried out.
func newMarketplaceCost(g *gen) schemas.MarketplaceCost {
	day := schema.DateOf(g.start) - 1 - schema.Date(g.IntN(3))
	return marketplaceCost(g, day, "Example Scanner", "EUC1-SoftwareUsage:"+g.hex(4), g.ExpFloat64()*5)
}

func initialMarketplaceCosts(g *gen) []schemas.MarketplaceCost {
	costs := []schemas.MarketplaceCost{newMarketplaceCost(g)}
	for _, line := range g.costLines() {
		if !line.marketplace {
			continue
		}
		for back := range schema.Date(marketplaceCostDays) {
			day := schema.DateOf(g.start) - 1 - back
			for i, cost := range line.usageOn(g, day) {
				costs = append(costs, marketplaceCost(g, day, line.service, line.usages[i].name, cost.float()))
			}
		}
	}
	return costs
}

func marketplaceCost(g *gen, day schema.Date, product, usage string, amount float64) schemas.MarketplaceCost {
	return schemas.MarketplaceCost{
		UsageDate:     day,
		ProductName:   product,
		UsageType:     usage,
		UnblendedCost: decimal(amount),
		AmortizedCost: new(decimal(amount)),
		Currency:      new("USD"),
		UsageQuantity: new(decimal(24)),
		UsageUnit:     new("Hrs"),
		Estimated:     isServiceCostOpen(g, day),
	}
}

// changeMarketplaceCost restates one of the last days.
func changeMarketplaceCost(g *gen, c *schemas.MarketplaceCost) fate {
	switch {
	case !c.Estimated || !g.chance(0.004):
		return same
	case g.chance(0.3):
		return gone
	}
	*c = marketplaceCost(g, c.UsageDate, c.ProductName, c.UsageType, g.ExpFloat64()*5)
	return changed
}
