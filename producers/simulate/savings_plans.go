package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Some plans end soon, and some are over.
var savingsPlans = kind[schemas.SavingsPlan]{
	of:     collectors.SavingsPlans,
	size:   10,
	make:   newSavingsPlan,
	births: 0.003,
}

func newSavingsPlan(g *gen) schemas.SavingsPlan {
	id, start := g.uuid(), g.created(390*day)
	hour := decimal(0.1 + g.ExpFloat64())
	p := schemas.SavingsPlan{
		SavingsPlanARN:    "arn:aws:savingsplans::" + g.account.ID + ":savingsplan/" + id,
		SavingsPlanID:     &id,
		OfferingID:        new(g.uuid()),
		Description:       new("1 year No Upfront Savings Plan"),
		SavingsPlanType:   new("Compute"),
		PaymentOption:     new("No Upfront"),
		ProductTypes:      jsonOf([]string{"EC2", "Fargate", "Lambda"}),
		State:             new("active"),
		Currency:          new("USD"),
		CommitmentPerHour: &hour,
		UpfrontPayment:    new(decimal(0)),
		RecurringPayment:  &hour,
		TermSeconds:       new(int64(year.Seconds())),
		StartedAt:         &start,
		EndsAt:            new(start.Add(year)),
		ReturnableUntil:   new(start.Add(7 * day)),
		Tags:              g.tags(),
	}
	if g.chance(0.4) {
		p.SavingsPlanType, p.ProductTypes = new("EC2Instance"), jsonOf([]string{"EC2"})
		p.PlanRegion, p.EC2InstanceFamily = new(pick(g, g.regions...)), new(pick(g, "m5", "m7g", "r7g"))
	}
	if p.EndsAt.Before(g.now) {
		p.State = new("retired")
	}
	return p
}
