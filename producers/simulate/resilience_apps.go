package simulate

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

var resilienceApps = kind[schemas.ResilienceApp]{
	of:     collectors.ResilienceApps,
	size:   3,
	make:   newResilienceApp,
	births: 0.005,
}

func newResilienceApp(g *gen) schemas.ResilienceApp {
	name, at := g.app()+"-"+g.hex(4), g.created(year)
	a := schemas.ResilienceApp{
		AppARN:             g.arn("resiliencehub", "app/"+g.uuid()),
		Name:               &name,
		Status:             new("Active"),
		ComplianceStatus:   new("NotAssessed"),
		DriftStatus:        new("NotChecked"),
		ResiliencyScore:    new(0.0),
		AppCreatedAt:       &at,
		AssessmentSchedule: new(pick(g, "Daily", "Disabled")),
		PolicyARN:          new(g.arn("resiliencehub", "resiliency-policy/0a1b2c3d")),
		PolicyName:         new("important"),
		PolicyTier:         new("Critical"),
		PolicyAZRPOSeconds: new(int64(300)),
		PolicyAZRTOSeconds: new(int64(3600)),
		Policy: schema.JSON(
			`{"AZ":{"RpoInSecs":300,"RtoInSecs":3600},"Region":{"RpoInSecs":86400,"RtoInSecs":86400}}`),
		Tags: g.tags(),
	}
	if g.chance(0.3) {
		a.Description = new("What customers see of " + name)
		a.AWSApplicationARN = new(g.arn("servicecatalog", "/applications/0"+g.hex(16)))
	}
	if g.chance(0.8) {
		assessResilienceApp(g, &a)
	}
	if g.chance(0.1) {
		a.PolicyName, a.PolicyTier, a.Policy, a.PolicyAZRPOSeconds, a.PolicyAZRTOSeconds = nil, nil, nil, nil, nil
		a.DeniedActions = jsonOf([]string{"resiliencehub:DescribeResiliencyPolicy"})
	}
	return a
}

func assessResilienceApp(g *gen, a *schemas.ResilienceApp) {
	compliance, end := pick(g, "PolicyMet", "PolicyBreached"), g.within(40*day)
	a.ComplianceStatus, a.DriftStatus = &compliance, new(pick(g, "NotDetected", "Detected"))
	a.ResiliencyScore, a.LastComplianceEvaluationAt = new(0.4+0.5*g.Float64()), &end
	a.CurrentRPOSeconds, a.CurrentRTOSeconds = new(pick[int64](g, 0, 300, 3600)), new(pick[int64](g, 600, 3600, 14400))
	a.AssessmentARN, a.AssessmentStatus = new(g.arn("resiliencehub", "app-assessment/"+g.uuid())), new("Success")
	a.AssessmentCompliance, a.AssessmentEndedAt = &compliance, &end
	a.AssessmentStartedAt = new(end.Add(-g.between(time.Minute, time.Hour)))
	a.CostAmount, a.CostCurrency, a.CostFrequency = new(decimal(50+500*g.Float64())), new("USD"), new("Monthly")
	if g.chance(0.1) {
		a.AssessmentMessage = new("Some resources could not be assessed.")
	}
}
