package simulate

import (
	"fmt"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Cases are opened, worked on and resolved.
var supportCases = kind[schemas.SupportCase]{
	of:     collectors.SupportCases,
	size:   12,
	make:   newSupportCase,
	old:    oldSupportCase,
	births: 0.003,
	change: changeSupportCase,
}

func newSupportCase(g *gen) schemas.SupportCase {
	number := fmt.Sprint(100000000000 + g.Int64N(900000000000))
	c := schemas.SupportCase{
		CaseID:       "case-" + g.account.ID + "-muen-2026-" + g.hex(16),
		DisplayID:    &number,
		Status:       pick(g, "opened", "work-in-progress", "pending-customer-action"),
		SeverityCode: new(pick(g, "low", "low", "normal", "normal", "high", "urgent", "critical")),
		ServiceCode: new(pick(g, "amazon-dynamodb", "amazon-elastic-compute-cloud-linux", "aws-lambda",
			"account-management")),
		CategoryCode:  new(pick(g, "general-guidance", "performance", "connectivity")),
		CaseLanguage:  new("en"),
		SubmittedBy:   new(g.app() + "@example.com"),
		CaseCreatedAt: new(g.created(year)),
	}
	c.Subject = new("Question about " + *c.ServiceCode)
	if g.chance(0.3) {
		c.CCEmailAddresses = jsonOf([]string{"platform@example.com"})
	}
	return c
}

func oldSupportCase(g *gen) schemas.SupportCase {
	c := newSupportCase(g)
	if g.chance(0.8) {
		c.Status = "resolved"
	}
	return c
}

func changeSupportCase(g *gen, c *schemas.SupportCase) fate {
	if c.Status == "resolved" || !g.chance(0.005) {
		return same
	}
	c.Status = pick(g, "resolved", "work-in-progress", "pending-customer-action")
	return changed
}
