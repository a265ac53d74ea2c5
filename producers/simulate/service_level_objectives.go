package simulate

import (
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Budgets are used up, and recover.
var serviceLevelObjectives = kind[schemas.ServiceLevelObjective]{
	of:     collectors.ServiceLevelObjectives,
	size:   5,
	make:   newServiceLevelObjective,
	births: 0.004,
	change: changeServiceLevelObjective,
}

func newServiceLevelObjective(g *gen) schemas.ServiceLevelObjective {
	app := g.app()
	name := app + "-" + pick(g, "latency", "availability") + "-" + g.hex(4)
	o := schemas.ServiceLevelObjective{
		SLOARN:      g.arn("application-signals", "slo/"+name),
		Name:        &name,
		ServiceName: &app,
		KeyAttributes: jsonOf(map[string]string{
			"Type": "Service", "Name": app, "Environment": "eks:" + g.account.Name + "/default",
		}),
		OperationName:    new("GET /" + app),
		EvaluationType:   new(pick(g, "PeriodBased", "RequestBased")),
		MetricSourceType: new("ServiceOperation"),
		SLOCreatedAt:     new(g.created(year)),
		AttainmentGoal:   new(99.9),
		WarningThreshold: new(float64(30)),
		GoalInterval:     schema.JSON(`{"RollingInterval":{"Duration":30,"DurationUnit":"DAY"}}`),
	}
	spendServiceLevelObjective(g, &o)
	return o
}

func spendServiceLevelObjective(g *gen, o *schemas.ServiceLevelObjective) {
	total := int64(2592)
	left := total - int64(g.ExpFloat64()*900)
	if *o.EvaluationType == "PeriodBased" {
		o.TotalBudgetSeconds, o.BudgetSecondsRemaining = &total, &left
	} else {
		o.TotalBudgetRequests, o.BudgetRequestsRemaining = &total, &left
	}
	o.Attainment = new(100 - 0.1*float64(total-left)/float64(total))
	switch {
	case left < 0:
		o.BudgetStatus = new("BREACHED")
	case left < total*3/10:
		o.BudgetStatus = new("WARNING")
	default:
		o.BudgetStatus = new("OK")
	}
}

func changeServiceLevelObjective(g *gen, o *schemas.ServiceLevelObjective) fate {
	switch {
	case g.chance(0.001):
		return gone
	case g.chance(0.02):
		spendServiceLevelObjective(g, o)
		return changed
	}
	return same
}
