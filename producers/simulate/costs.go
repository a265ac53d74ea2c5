package simulate

import (
	"math/rand/v2"
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// What an account costs is a function of the account, so that the categories of costs add up:
// every cost of a service is the sum of its usage, and what a product of the Marketplace
// costs is the cost of a service, too.

// costDays is how many days before its start a world has costs for.
const costDays = 62

// costPlan is a service that an account may use.
type costPlan struct {
	service     string
	usages      []costUsage
	global      bool // it has no regions
	flat        bool // it costs the same on weekends
	marketplace bool
}

type costUsage struct{ name, unit string }

var costPlans = []costPlan{
	{service: serviceCostServices[0], usages: []costUsage{
		{"EUC1-BoxUsage:m7g.large", "Hrs"}, {"EUC1-DataTransfer-Out-Bytes", "GB"},
	}},
	{service: "EC2 - Other", usages: []costUsage{{"EUC1-EBS:VolumeUsage.gp3", "GB-Mo"}, {"EUC1-NatGateway-Hours", "Hrs"}}},
	{service: "Amazon Simple Storage Service", usages: []costUsage{{"EUC1-TimedStorage-ByteHrs", "GB-Mo"}}},
	{service: "Amazon Relational Database Service", usages: []costUsage{{"EUC1-InstanceUsage:db.r7g.large", "Hrs"}}},
	{service: "AWS Key Management Service", usages: []costUsage{{"eu-central-1-KMS-Keys", "Keys"}}, flat: true},
	{service: "AWS Lambda", usages: []costUsage{{"EUC1-Lambda-GB-Second", "Lambda-GB-Second"},
		{"EUC1-Request", "Requests"}}},
	{service: "AmazonCloudWatch", usages: []costUsage{{"EUC1-DataProcessing-Bytes", "GB"}}},
	{service: "AWS Security Hub", usages: []costUsage{{"EUC1-PaidComplianceCheck", "Checks"}}, flat: true},
	{service: "Amazon GuardDuty", usages: []costUsage{{"EUC1-PaidEventsAnalyzed", "Events"}}},
	{service: "Amazon Elastic Load Balancing", usages: []costUsage{{"EUC1-LoadBalancerUsage", "Hrs"}}, flat: true},
	{service: "Tax", usages: []costUsage{{"(empty)", ""}}, global: true, flat: true},
	{service: "Example Firewall (PAYG)", usages: []costUsage{
		{"EUC1-SoftwareUsage:m5.large", "Hrs"}, {"EUC1-SoftwareUsage:m5.xlarge", "Hrs"},
	}, flat: true, marketplace: true},
	{service: "Example Backup", usages: []costUsage{{"EUC1-SoftwareUsage:m5.large", "Hrs"}}, flat: true,
		marketplace: true},
}

// costLine is a service that an account uses.
type costLine struct {
	costPlan
	region string
	usual  float64 // USD on a working day at the end
	spike  schema.Date
}

// costSpike is how many days an anomaly lasts, and by how much a service costs more then.
const (
	costSpikeDays   = 3
	costSpikeFactor = 5
)

// costLines returns what the account uses. On some days one of the services costs much more
// than usual.
func (g *gen) costLines() []costLine {
	rng := rand.New(rand.NewPCG(g.hashOfAccount("costs"), 0))
	var lines []costLine
	for i, plan := range costPlans {
		if i > 0 && rng.Float64() < 0.2 {
			continue
		}
		line := costLine{costPlan: plan, region: g.regions[0], usual: (2 + rng.ExpFloat64()*40) * g.factor}
		switch {
		case plan.global:
			line.region = "global"
		case rng.Float64() < 0.2:
			line.region = g.regions[len(g.regions)-1]
		}
		lines = append(lines, line)
	}
	lines[0].spike = schema.DateOf(g.start) - 10 - schema.Date(rng.IntN(20))
	return lines
}

// cents is an amount in 1/100 cents: amounts add up exactly.
type cents int64

// float returns the amount in USD.
func (c cents) float() float64 { return float64(c) / 10_000 }

// on returns what a service costs on a day, and what it would without the anomaly.
func (l costLine) on(g *gen, day schema.Date) (cost, expected cents) {
	amount := l.usual * (1 - 0.004*float64(schema.DateOf(g.start)-day)) // it grows
	if weekday := weekdayOf(day); !l.flat && (weekday == time.Saturday || weekday == time.Sunday) {
		amount *= 0.6
	}
	amount *= 0.95 + 0.1*float64(g.hashOfAccount(l.service, day)%1000)/1000
	expected = cents(amount * 10_000)
	if l.spike > 0 && day >= l.spike && day < l.spike+costSpikeDays {
		return expected * costSpikeFactor, expected
	}
	return expected, expected
}

func weekdayOf(date schema.Date) time.Weekday {
	return time.Unix(0, 0).UTC().AddDate(0, 0, int(date)).Weekday()
}

// usageOn returns the parts of a cost, one for each usage.
func (l costLine) usageOn(g *gen, day schema.Date) []cents {
	rest, _ := l.on(g, day)
	parts := make([]cents, len(l.usages))
	for i := range parts {
		parts[i] = rest * 7 / 10
		if i == len(parts)-1 {
			parts[i] = rest
		}
		rest -= parts[i]
	}
	return parts
}
