package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

var trustedAdvisorResources = kind[schemas.TrustedAdvisorResource]{
	of:     collectors.TrustedAdvisorResources,
	size:   30,
	make:   newTrustedAdvisorResource,
	births: 0.003,
}

func newTrustedAdvisorResource(g *gen) schemas.TrustedAdvisorResource {
	k, region := pick(g, trustedAdvisorCheckKinds...), pick(g, g.regions...)
	r := schemas.TrustedAdvisorResource{
		CheckID:           k.id,
		FlaggedResourceID: g.hex(43),
		CheckName:         &k.name,
		Category:          &k.category,
		Status:            new(pick(g, "warning", "warning", "error")),
		ResourceRegion:    &region,
		IsSuppressed:      new(g.chance(0.1)),
	}
	r.Metadata = jsonOf(map[string]string{"Region": region, "Resource": g.app() + "-" + g.hex(4), "Status": *r.Status})
	return r
}
