package simulate

import (
	"fmt"
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// costDays is how many days before its start a world has costs for. They stay the
// same days however long the world goes on.
const costDays = 14

// Costs of the last days are restated: amounts change, lines come late, and some
// move to another region. Days older than a week are final.
var serviceCosts = &kind[schemas.ServiceCost]{
	category: schemas.ServiceCosts,
	initial:  initialCosts,
	births:   0.001,
	born:     lateCost,
	change:   changeCost,
	slices: func(start time.Time) []string {
		last := schema.DateOf(start) - 1
		var days []string
		for day := last - costDays + 1; day <= last; day++ {
			days = append(days, day.String())
		}
		return days
	},
}

// unknownRegion is how Cost Explorer names the region of usage that it could not
// assign yet.
const unknownRegion = "NoRegion"

var costServices = []string{
	"Amazon Elastic Compute Cloud - Compute", "EC2 - Other", "Amazon Simple Storage Service",
	"Amazon Relational Database Service", "AWS Key Management Service", "AWS Secrets Manager",
	"Amazon DynamoDB", "AWS Lambda", "AmazonCloudWatch", "AWS Security Hub", "Amazon GuardDuty",
	"Amazon Kinesis", "Amazon Elastic Load Balancing", "Amazon Virtual Private Cloud", "Tax",
}

func initialCosts(g *gen) []schemas.ServiceCost {
	// An account uses some services, and from each of them about the same every day.
	type line struct {
		service, region string
		amount          float64
	}
	var lines []line
	regions := append([]string{"global", unknownRegion}, g.regions...)
	for _, service := range costServices {
		for _, region := range regions {
			if region != unknownRegion && g.chance(0.7) || g.chance(0.1) {
				lines = append(lines, line{service, region, g.ExpFloat64() * 40 * g.factor})
			}
		}
	}
	var costs []schemas.ServiceCost
	last := schema.DateOf(g.now) - 1
	for day := last - costDays + 1; day <= last; day++ {
		for _, l := range lines {
			costs = append(costs, newCost(g, day, l.service, l.region, l.amount*(0.8+0.4*g.Float64())))
		}
	}
	return costs
}

func newCost(g *gen, day schema.Date, service, region string, amount float64) schemas.ServiceCost {
	c := schemas.ServiceCost{
		UsageDate:     day,
		Service:       service,
		UsageRegion:   region,
		Currency:      new("USD"),
		UsageQuantity: new(decimal(amount * 11.5)),
		Estimated:     open(g, day),
	}
	if service == "Amazon Simple Storage Service" {
		c.UsageUnit = new("GB-Mo")
	}
	c.NormalizedUsage = new(schema.Decimal{})
	if service == costServices[0] {
		c.NormalizedUsage = new(decimal(amount * 4))
	}
	setCost(&c, amount)
	return c
}

func setCost(c *schemas.ServiceCost, amount float64) {
	c.UnblendedCost = decimal(amount)
	c.NetUnblendedCost = new(decimal(amount * 0.93))
	c.AmortizedCost = new(decimal(amount * 1.02))
	c.NetAmortizedCost = new(decimal(amount * 0.95))
	c.BlendedCost = new(decimal(amount))
}

// decimal returns an amount with ten digits behind the point, as Cost Explorer
// reports them.
func decimal(v float64) schema.Decimal {
	d, err := schema.ParseDecimal(fmt.Sprintf("%.10f", v))
	if err != nil {
		panic(err) // no amount of this package is that large
	}
	return d
}

// open reports whether AWS may still restate a day.
func open(g *gen, day schema.Date) bool { return schema.DateOf(g.now)-day <= 7 }

// lateCost returns a line of one of the last days that was not there before.
func lateCost(g *gen, there []*schemas.ServiceCost) (schemas.ServiceCost, bool) {
	day := schema.DateOf(g.start) - 1 - schema.Date(g.IntN(3))
	service, region := pick(g, costServices...), pick(g, append([]string{"global", unknownRegion}, g.regions...)...)
	for _, c := range there {
		if c.UsageDate == day && c.Service == service && c.UsageRegion == region {
			return schemas.ServiceCost{}, false
		}
	}
	return newCost(g, day, service, region, g.ExpFloat64()*5), true
}

func changeCost(g *gen, c *schemas.ServiceCost) fate {
	if !c.Estimated {
		return same
	}
	if c.UsageRegion == unknownRegion && g.chance(0.01) {
		return gone // it was moved to the region that it belongs to
	}
	if !g.chance(0.003) {
		return same
	}
	setCost(c, g.ExpFloat64()*40*g.factor)
	return changed
}
