package simulate

import (
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

var trustedAdvisorChecks = kind[schemas.TrustedAdvisorCheck]{
	of:     collectors.TrustedAdvisorChecks,
	size:   40,
	make:   newTrustedAdvisorCheck,
	births: 0.003,
}

type trustedAdvisorCheckKind struct{ id, name, category string }

var trustedAdvisorCheckKinds = []trustedAdvisorCheckKind{
	{"Qch7DwouX1", "Low Utilization Amazon EC2 Instances", "cost_optimizing"},
	{"hjLMh88uM8", "Idle Load Balancers", "cost_optimizing"},
	{"DAvU99Dc4C", "Underutilized Amazon EBS Volumes", "cost_optimizing"},
	{"Pfx0RwqBli", "Amazon S3 Bucket Permissions", "security"},
	{"7DAFEmoDos", "MFA on Root Account", "security"},
	{"DqdJqYeRm5", "IAM Access Key Rotation", "security"},
	{"12Fnkpl8Y5", "Exposed Access Keys", "security"},
	{"f2iK5R6Dep", "Amazon RDS Multi-AZ", "fault_tolerance"},
	{"H7IgTzjTYb", "Amazon EBS Snapshots", "fault_tolerance"},
	{"ZRxQlPsb6c", "High Utilization Amazon EC2 Instances", "performance"},
	{"0Xc6LMYG8P", "EC2 On-Demand Instances", "service_limits"},
}

func newTrustedAdvisorCheck(g *gen) schemas.TrustedAdvisorCheck {
	k := pick(g, trustedAdvisorCheckKinds...)
	c := schemas.TrustedAdvisorCheck{
		CheckID:             k.id,
		Name:                &k.name,
		Description:         new("Checks: " + k.name + "."),
		Category:            &k.category,
		Status:              new(pick(g, "ok", "ok", "ok", "warning", "error")),
		ResourcesProcessed:  new(int64(20 + g.IntN(200))),
		ResourcesFlagged:    new(int64(0)),
		ResourcesIgnored:    new(int64(0)),
		ResourcesSuppressed: new(int64(g.IntN(3))),
		RefreshedAt:         new(g.within(7 * day)),
		MetadataNames:       schema.JSON(`["Region","Resource","Status"]`),
	}
	flagged := *c.Status != "ok"
	c.HasFlaggedResources = &flagged
	if flagged {
		c.ResourcesFlagged = new(int64(1 + g.IntN(15)))
	}
	if k.category == "cost_optimizing" {
		savings := float64(*c.ResourcesFlagged) * (10 + 40*g.Float64())
		c.EstimatedMonthlySavings, c.EstimatedSavingsPercent = new(decimal(savings)), new(savings/(savings+900)*100)
	}
	return c
}
