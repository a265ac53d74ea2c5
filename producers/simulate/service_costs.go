package simulate

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Costs of the last days are restated: amounts change, lines come late, and some
// move to another region. Days older than a week are final.
var serviceCosts = kind[schemas.ServiceCost]{
	of:      collectors.ServiceCosts,
	make:    lateServiceCost,
	initial: initialServiceCosts,
	change:  changeServiceCost,
	slices:  func(start time.Time) []string { return daysBefore(start, costDays) },
}

// serviceCostUnknownRegion is how Cost Explorer names the region of usage that it could not
// assign yet.
const serviceCostUnknownRegion = "NoRegion"

var serviceCostServices = []string{
	"Amazon Elastic Compute Cloud - Compute", "EC2 - Other", "Amazon Simple Storage Service",
	"Amazon Relational Database Service", "AWS Key Management Service", "AWS Secrets Manager",
	"Amazon DynamoDB", "AWS Lambda", "AmazonCloudWatch", "AWS Security Hub", "Amazon GuardDuty",
	"Amazon Kinesis", "Amazon Elastic Load Balancing", "Amazon Virtual Private Cloud", "Tax",
}

func initialServiceCosts(g *gen) []schemas.ServiceCost {
	var costs []schemas.ServiceCost
	for _, line := range g.costLines() {
		for back := range schema.Date(costDays) {
			day, region := schema.DateOf(g.start)-1-back, line.region
			if back < 7 && g.chance(0.1) {
				region = serviceCostUnknownRegion
			}
			cost, _ := line.on(g, day)
			costs = append(costs, newServiceCost(g, day, line.service, region, cost.float()))
		}
	}
	return costs
}

func newServiceCost(g *gen, day schema.Date, service, region string, amount float64) schemas.ServiceCost {
	c := schemas.ServiceCost{
		UsageDate:     day,
		Service:       service,
		UsageRegion:   region,
		Currency:      new("USD"),
		UsageQuantity: new(decimal(amount * 11.5)),
		Estimated:     isServiceCostOpen(g, day),
	}
	if service == "Amazon Simple Storage Service" {
		c.UsageUnit = new("GB-Mo")
	}
	c.NormalizedUsage = new(schema.Decimal{})
	if service == serviceCostServices[0] {
		c.NormalizedUsage = new(decimal(amount * 4))
	}
	setServiceCost(&c, amount)
	return c
}

func setServiceCost(c *schemas.ServiceCost, amount float64) {
	c.UnblendedCost = decimal(amount)
	c.NetUnblendedCost = new(decimal(amount * 0.93))
	c.AmortizedCost = new(decimal(amount * 1.02))
	c.NetAmortizedCost = new(decimal(amount * 0.95))
	c.BlendedCost = new(decimal(amount))
}

// isServiceCostOpen reports whether AWS may still restate a day.
func isServiceCostOpen(g *gen, day schema.Date) bool { return schema.DateOf(g.now)-day <= 7 }

// lateServiceCost returns a line of one of the last days.
func lateServiceCost(g *gen) schemas.ServiceCost {
	day := schema.DateOf(g.start) - 1 - schema.Date(g.IntN(3))
	service, region := pick(g, serviceCostServices...), pick(g, append([]string{"global"}, g.regions...)...)
	return newServiceCost(g, day, service, region, g.ExpFloat64()*5)
}

func changeServiceCost(g *gen, c *schemas.ServiceCost) fate {
	if !c.Estimated {
		return same
	}
	if c.UsageRegion == serviceCostUnknownRegion && g.chance(0.01) {
		return gone // it was moved to the region that it belongs to
	}
	if !g.chance(0.003) {
		return same
	}
	setServiceCost(c, g.ExpFloat64()*40*g.factor)
	return changed
}
