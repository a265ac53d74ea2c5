package simulate

import (
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// One service cost much more than usual for some days, as service_costs has it. Others are
// found as the world goes on.
var costAnomalies = kind[schemas.CostAnomaly]{
	of:      collectors.CostAnomalies,
	make:    newCostAnomaly,
	initial: initialCostAnomalies,
	births:  0.02,
	change:  changeCostAnomaly,
}

func initialCostAnomalies(g *gen) (list []schemas.CostAnomaly) {
	for _, line := range g.costLines() {
		if line.spike == 0 {
			continue
		}
		var actual, expected cents
		for day := line.spike; day < line.spike+costSpikeDays; day++ {
			cost, usual := line.on(g, day)
			actual, expected = actual+cost, expected+usual
		}
		list = append(list, costAnomaly(g, line.spike, line.spike+costSpikeDays-1, line.service, line.region,
			line.usages[0].name, actual.float(), expected.float()))
	}
	return list
}

func newCostAnomaly(g *gen) schemas.CostAnomaly {
	today, expected := schema.DateOf(g.now), 20+g.ExpFloat64()*100
	return costAnomaly(g, today, today, pick(g, serviceCostServices...), pick(g, g.regions...),
		"EUC1-BoxUsage:p4d.24xlarge", expected*(2+g.ExpFloat64()), expected)
}

// changeCostAnomaly lets somebody say what it was.
func changeCostAnomaly(g *gen, a *schemas.CostAnomaly) fate {
	if !g.chance(0.02) {
		return same
	}
	a.Feedback = new(pick(g, "YES", "NO", "PLANNED_ACTIVITY"))
	return changed
}

func costAnomaly(
	g *gen, start, end schema.Date, service, region, usage string, actual, expected float64,
) schemas.CostAnomaly {
	impact := actual - expected
	a := schemas.CostAnomaly{
		AnomalyID:       g.uuid(),
		MonitorARN:      new("arn:aws:ce::" + g.account.ID + ":anomalymonitor/" + g.uuid()),
		AnomalyStart:    &start,
		AnomalyEnd:      &end,
		DimensionValue:  &service,
		LinkedAccountID: &g.account.ID,
		Service:         &service,
		UsageRegion:     &region,
		UsageType:       &usage,
		RootCauses: jsonOf([]map[string]string{{
			"Service": service, "Region": region, "LinkedAccount": g.account.ID, "UsageType": usage,
		}}),
		MaxImpact:             new(decimal(impact / 2)),
		TotalImpact:           new(decimal(impact)),
		TotalImpactPercentage: new(100 * impact / expected),
		TotalActualSpend:      new(decimal(actual)),
		TotalExpectedSpend:    new(decimal(expected)),
		ScoreCurrent:          new(g.Float64() / 2),
		ScoreMax:              new(0.5 + g.Float64()/2),
	}
	if g.chance(0.3) {
		a.Feedback = new(pick(g, "YES", "NO", "PLANNED_ACTIVITY"))
	}
	return a
}
