package simulate

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// An account has a few commitments, each of them with a row a day. Most are used well. The
// last days are restated.
var commitmentUtilization = kind[schemas.CommitmentUse]{
	of:      collectors.CommitmentUtilization,
	make:    newCommitmentUtilization,
	initial: initialCommitmentUtilization,
	change:  changeCommitmentUtilization,
	slices:  func(start time.Time) []string { return daysBefore(start, commitmentUtilizationDays) },
}

// commitmentUtilizationDays is how many days before its start a world has commitments for.
const commitmentUtilizationDays = 62

// newCommitmentUtilization returns what Cost Explorer knows first of a commitment that is new.
func newCommitmentUtilization(g *gen) schemas.CommitmentUse {
	c := pick(g, commitmentUtilizationOfReservation, commitmentUtilizationOfPlan)(g)
	c.UsageDate = schema.DateOf(g.start) - 1 - schema.Date(g.IntN(3))
	setCommitmentUtilization(&c, g.Float64())
	return c
}

func initialCommitmentUtilization(g *gen) (rows []schemas.CommitmentUse) {
	for range g.several(3) {
		of, used := pick(g, commitmentUtilizationOfReservation, commitmentUtilizationOfPlan)(g), 0.85+0.15*g.Float64()
		if g.chance(0.2) {
			used = 0.6 * g.Float64() // bought for what does not run any more
		}
		for back := range commitmentUtilizationDays {
			of.UsageDate = schema.DateOf(g.start) - 1 - schema.Date(back)
			row := of
			setCommitmentUtilization(&row, min(1, used*(0.95+0.1*g.Float64())))
			rows = append(rows, row)
		}
	}
	return rows
}

func changeCommitmentUtilization(g *gen, c *schemas.CommitmentUse) fate {
	switch {
	case schema.DateOf(g.start)-c.UsageDate > 5:
		return same
	case g.chance(0.002):
		return gone // it was returned
	case !g.chance(0.002):
		return same
	}
	setCommitmentUtilization(c, 0.5+0.5*g.Float64())
	return changed
}

func commitmentUtilizationOfReservation(g *gen) schemas.CommitmentUse {
	lease, instance := g.hex(12), pick(g, "db.r7g.large", "db.m7g.xlarge")
	return schemas.CommitmentUse{
		CommitmentKind: "reservation",
		CommitmentID:   g.uuid(),
		LeaseID:        &lease,
		Service:        new("Amazon Relational Database Service"),
		UsageRegion:    new(pick(g, g.regions...)),
		InstanceType:   &instance,
		Attributes:     jsonOf(map[string]string{"instanceType": instance, "leaseId": lease}),
		PurchasedHours: new(decimal(float64(24 * (1 + g.IntN(4))))),
	}
}

func commitmentUtilizationOfPlan(g *gen) schemas.CommitmentUse {
	arn := "arn:aws:savingsplans::" + g.account.ID + ":savingsplan/" + g.uuid()
	return schemas.CommitmentUse{
		CommitmentKind:  "savings_plan",
		CommitmentID:    arn,
		SavingsPlanARN:  &arn,
		Attributes:      jsonOf(map[string]string{"SavingsPlansType": "ComputeSavingsPlans"}),
		TotalCommitment: new(decimal(24 * (0.5 + g.ExpFloat64()))),
	}
}

// setCommitmentUtilization sets what follows from how much of a commitment is used.
func setCommitmentUtilization(c *schemas.CommitmentUse, used float64) {
	part := func(of *schema.Decimal, share float64) *schema.Decimal {
		return new(decimal(decimalFloat(*of) * share))
	}
	c.UtilizationPercentage, c.Currency = new(decimal(100*used)), new("USD")
	fee := c.TotalCommitment
	if c.PurchasedHours != nil {
		fee = part(c.PurchasedHours, 0.12)
		c.UsedHours, c.UnusedHours = part(c.PurchasedHours, used), part(c.PurchasedHours, 1-used)
		c.PotentialSavings, c.UnrealizedSavings = part(fee, 0.5), part(fee, 1.5*(1-used))
	} else {
		c.UsedCommitment, c.UnusedCommitment = part(fee, used), part(fee, 1-used)
	}
	c.AmortizedUpfrontFee, c.AmortizedRecurringFee, c.TotalAmortizedFee = new(decimal(0)), fee, fee
	c.OnDemandCostEquivalent, c.NetSavings = part(fee, 1.5*used), part(fee, 1.5*used-1)
}
