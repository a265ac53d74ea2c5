package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Results appear, and disappear when somebody mends the resource.
var configNoncompliantResources = kind[schemas.ConfigNoncompliantResource]{
	of:   collectors.ConfigNoncompliantResources,
	size: 40,
	make: newConfigNoncompliantResource,
}

func newConfigNoncompliantResource(g *gen) schemas.ConfigNoncompliantResource {
	at := g.created(200 * day)
	r := schemas.ConfigNoncompliantResource{
		RuleName:         g.configRule(),
		ResourceType:     pick(g, "AWS::S3::Bucket", "AWS::EC2::Volume", "AWS::EC2::SecurityGroup", "AWS::RDS::DBInstance"),
		ResourceID:       g.account.Name + "-" + g.app() + "-" + g.hex(6),
		EvaluationMode:   "DETECTIVE",
		ComplianceType:   "NON_COMPLIANT",
		ResultRecordedAt: &at,
		RuleInvokedAt:    new(at.Add(-day / 86400)),
		OrderedAt:        new(at.Add(-day / 1440)),
	}
	if g.chance(0.4) {
		r.Annotation = new("The resource is not as the rule wants it.")
	}
	return r
}
