package simulate

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Some usage of each account is covered by reservations of two services and by Savings Plans.
var commitmentCoverage = kind[schemas.CommitmentCover]{
	of:      collectors.CommitmentCoverage,
	make:    newCommitmentCoverage,
	initial: initialCommitmentCoverage,
	change:  changeCommitmentCoverage,
	slices:  func(start time.Time) []string { return daysBefore(start, commitmentCoverageDays) },
}

// commitmentCoverageDays is how many days before its start a world has coverage for.
const commitmentCoverageDays = 14

// newCommitmentCoverage returns a day of a service that is used now and then.
func newCommitmentCoverage(g *gen) schemas.CommitmentCover {
	c := schemas.CommitmentCover{
		UsageDate:      schema.DateOf(g.start) - 1 - schema.Date(g.IntN(5)),
		CommitmentKind: "reservation",
		Service:        pick(g, "Amazon ElastiCache", "Amazon Redshift"),
		TotalHours:     new(decimal(24)),
	}
	setCommitmentCoverage(&c, g.Float64())
	return c
}

func initialCommitmentCoverage(g *gen) (rows []schemas.CommitmentCover) {
	for _, of := range []schemas.CommitmentCover{
		{CommitmentKind: "reservation", Service: "Amazon Elastic Compute Cloud - Compute"},
		{CommitmentKind: "reservation", Service: "Amazon Relational Database Service"},
		{CommitmentKind: "savings_plan", Service: "ALL"},
	} {
		total := new(decimal(float64(24 * g.several(20))))
		if of.TotalHours = total; of.CommitmentKind == "savings_plan" {
			of.TotalHours, of.TotalCost = nil, total
		}
		covered := 0.2 + 0.7*g.Float64()
		for back := range commitmentCoverageDays {
			of.UsageDate = schema.DateOf(g.start) - 1 - schema.Date(back)
			row := of
			setCommitmentCoverage(&row, min(1, covered*(0.9+0.2*g.Float64())))
			rows = append(rows, row)
		}
	}
	return rows
}

// The last days are restated.
func changeCommitmentCoverage(g *gen, c *schemas.CommitmentCover) fate {
	switch {
	case schema.DateOf(g.start)-c.UsageDate > 5:
		return same
	case g.chance(0.002):
		return gone // what ran was free
	case !g.chance(0.002):
		return same
	}
	setCommitmentCoverage(c, 0.2+0.7*g.Float64())
	return changed
}

// setCommitmentCoverage sets what follows from how much of the usage is covered.
func setCommitmentCoverage(c *schemas.CommitmentCover, covered float64) {
	c.CoveragePercentage = new(decimal(100 * covered))
	if c.TotalCost != nil {
		cost := decimalFloat(*c.TotalCost)
		c.CoveredCost, c.OnDemandCost = new(decimal(cost*covered)), new(decimal(cost*(1-covered)))
		return
	}
	hours := decimalFloat(*c.TotalHours)
	c.CoveredHours, c.OnDemandHours = new(decimal(hours*covered)), new(decimal(hours*(1-covered)))
	c.OnDemandCost = new(decimal(hours * (1 - covered) * 0.1))
}
