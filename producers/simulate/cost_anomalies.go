package simulate

import (
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Now and then a service costs more than usual for some days.
var costAnomalies = kind[schemas.CostAnomaly]{
	of:     collectors.CostAnomalies,
	size:   6,
	make:   newCostAnomaly,
	births: 0.003,
}

func newCostAnomaly(g *gen) schemas.CostAnomaly {
	start := schema.DateOf(g.created(80 * day))
	expected, impact := 20+g.ExpFloat64()*100, 20+g.ExpFloat64()*200
	service, region := pick(g, serviceCostServices...), pick(g, g.regions...)
	a := schemas.CostAnomaly{
		AnomalyID:       g.uuid(),
		MonitorARN:      new("arn:aws:ce::" + g.account.ID + ":anomalymonitor/" + g.uuid()),
		AnomalyStart:    &start,
		AnomalyEnd:      new(start + schema.Date(g.IntN(4))),
		DimensionValue:  &service,
		LinkedAccountID: &g.account.ID,
		Service:         &service,
		UsageRegion:     &region,
		UsageType:       new("EUC1-BoxUsage:p4d.24xlarge"),
		RootCauses: jsonOf([]map[string]string{{
			"Service": service, "Region": region, "LinkedAccount": g.account.ID, "UsageType": "EUC1-BoxUsage:p4d.24xlarge",
		}}),
		MaxImpact:             new(decimal(impact / 2)),
		TotalImpact:           new(decimal(impact)),
		TotalImpactPercentage: new(100 * impact / expected),
		TotalActualSpend:      new(decimal(expected + impact)),
		TotalExpectedSpend:    new(decimal(expected)),
		ScoreCurrent:          new(g.Float64() / 2),
		ScoreMax:              new(0.5 + g.Float64()/2),
	}
	if g.chance(0.3) {
		a.Feedback = new(pick(g, "YES", "NO", "PLANNED_ACTIVITY"))
	}
	return a
}
