package simulate

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Some accounts pay for products of the Marketplace, and one product is new.
var marketplaceCosts = kind[schemas.MarketplaceCost]{
	of:     collectors.MarketplaceCosts,
	size:   40,
	make:   newMarketplaceCost,
	slices: func(start time.Time) []string { return daysBefore(start, marketplaceCostDays) },
}

// marketplaceCostDays is how many days before its start a world has costs for.
const marketplaceCostDays = 35

func newMarketplaceCost(g *gen) schemas.MarketplaceCost {
	product, days := pick(g, "Example Firewall (PAYG)", "Example Backup", "Example Scanner"), marketplaceCostDays
	if product == "Example Scanner" {
		days = 7
	}
	day := schema.DateOf(g.start) - 1 - schema.Date(g.IntN(days))
	amount := 5 + g.ExpFloat64()*5
	return schemas.MarketplaceCost{
		UsageDate:     day,
		ProductName:   product,
		UsageType:     pick(g, "EUC1-SoftwareUsage:m5.large", "EUC1-SoftwareUsage:m5.xlarge"),
		UnblendedCost: decimal(amount),
		AmortizedCost: new(decimal(amount)),
		Currency:      new("USD"),
		UsageQuantity: new(decimal(24)),
		UsageUnit:     new("Hrs"),
		Estimated:     isServiceCostOpen(g, day),
	}
}
