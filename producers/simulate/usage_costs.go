package simulate

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// An account uses the same things every day, on weekends half as much; the last days are
// restated.
var usageCosts = kind[schemas.UsageCost]{
	of:      collectors.UsageCosts,
	make:    newUsageCost,
	initial: initialUsageCosts,
	slices:  func(start time.Time) []string { return daysBefore(start, usageCostDays) },
}

// usageCostDays is how many days before its start a world has costs for.
const usageCostDays = 14

var usageCostTypes = []struct{ service, usage, unit string }{
	{"Amazon Elastic Compute Cloud - Compute", "EUC1-BoxUsage:m7g.large", "Hrs"},
	{"Amazon Elastic Compute Cloud - Compute", "EUC1-DataTransfer-Out-Bytes", "GB"},
	{"EC2 - Other", "EUC1-EBS:VolumeUsage.gp3", "GB-Mo"},
	{"Amazon Simple Storage Service", "EUC1-TimedStorage-ByteHrs", "GB-Mo"},
	{"Amazon Relational Database Service", "EUC1-InstanceUsage:db.r7g.large", "Hrs"},
	{"AWS Lambda", "EUC1-Lambda-GB-Second", "Lambda-GB-Second"},
	{"AmazonCloudWatch", "EUC1-DataProcessing-Bytes", "GB"},
	{"Tax", "(empty)", ""},
}

func newUsageCost(g *gen) schemas.UsageCost {
	use := pick(g, usageCostTypes...)
	day := schema.DateOf(g.start) - 1 - schema.Date(g.IntN(usageCostDays))
	return usageCost(g, day, use.service, use.usage, use.unit, g.ExpFloat64()*20*g.factor)
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
	for _, use := range usageCostTypes {
		if g.chance(0.2) {
			continue
		}
		usual := g.ExpFloat64() * 20 * g.factor
		for back := range usageCostDays {
			day := schema.DateOf(g.start) - 1 - schema.Date(back)
			amount := usual * (0.9 + 0.2*g.Float64())
			if weekday := g.start.AddDate(0, 0, -1-back).Weekday(); weekday == time.Saturday || weekday == time.Sunday {
				amount /= 2
			}
			costs = append(costs, usageCost(g, day, use.service, use.usage, use.unit, amount))
		}
	}
	return costs
}
