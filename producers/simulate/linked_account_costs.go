package simulate

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// The first account manages the organisation, and reads what all accounts cost. A line is what
// the account itself has in service_costs in all regions, but for days that are not final.
var linkedAccountCosts = kind[schemas.LinkedAccountCost]{
	of:      collectors.LinkedAccountCosts,
	make:    lateLinkedAccountCost,
	initial: initialLinkedAccountCosts,
	change:  changeLinkedAccountCost,
	slices:  func(start time.Time) []string { return daysBefore(start, linkedAccountCostDays) },
	enabled: func(w *World, here place) bool { return here.account.ID == w.accounts[0].ID },
}

// linkedAccountCostDays is how many days before its start a world has such costs for: all accounts are
// rows of one.
const linkedAccountCostDays = 14

// of returns what makes up another account of the organisation.
func (g *gen) of(account Account) *gen {
	other := *g
	other.account, other.factor = account, g.factorOf(account)
	return &other
}

func initialLinkedAccountCosts(g *gen) []schemas.LinkedAccountCost {
	var costs []schemas.LinkedAccountCost
	for _, account := range g.accounts {
		member := g.of(account)
		for _, line := range member.costLines() {
			for back := range schema.Date(linkedAccountCostDays) {
				day := schema.DateOf(g.start) - 1 - back
				cost, _ := line.on(member, day)
				costs = append(costs, linkedAccountCost(g, day, account.ID, line.service, cost.float()))
			}
		}
	}
	return costs
}

func linkedAccountCost(g *gen, day schema.Date, account, service string, amount float64) schemas.LinkedAccountCost {
	return schemas.LinkedAccountCost{
		UsageDate:        day,
		LinkedAccountID:  account,
		Service:          service,
		UnblendedCost:    decimal(amount),
		NetUnblendedCost: new(decimal(amount * 0.93)),
		AmortizedCost:    new(decimal(amount * 1.02)),
		NetAmortizedCost: new(decimal(amount * 0.95)),
		Currency:         new("USD"),
		Estimated:        isServiceCostOpen(g, day),
	}
}

// lateLinkedAccountCost returns a line of one of the last days.
func lateLinkedAccountCost(g *gen) schemas.LinkedAccountCost {
	day := schema.DateOf(g.start) - 1 - schema.Date(g.IntN(3))
	return linkedAccountCost(g, day, pick(g, g.accounts...).ID, pick(g, serviceCostServices...), g.ExpFloat64()*5)
}

// changeLinkedAccountCost restates one of the last days.
func changeLinkedAccountCost(g *gen, c *schemas.LinkedAccountCost) fate {
	switch {
	case !c.Estimated || !g.chance(0.003):
		return same
	case g.chance(0.1):
		return gone
	}
	*c = linkedAccountCost(g, c.UsageDate, c.LinkedAccountID, c.Service, g.ExpFloat64()*40)
	return changed
}
