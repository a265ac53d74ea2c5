package simulate

import (
	"strings"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Rules are mostly compliant; few cannot be evaluated.
var configRules = kind[schemas.ConfigRule]{
	of:   collectors.ConfigRules,
	size: 20,
	make: newConfigRule,
}

func newConfigRule(g *gen) schemas.ConfigRule {
	name, id := g.configRule(), "config-rule-"+g.hex(6)
	r := schemas.ConfigRule{
		RuleName:           name,
		RuleARN:            new(g.arn("config", "config-rule/"+id)),
		RuleID:             &id,
		Description:        new("Checks " + strings.ReplaceAll(name, "-", " ")),
		State:              new("ACTIVE"),
		SourceOwner:        new("AWS"),
		SourceIdentifier:   new(strings.ToUpper(strings.ReplaceAll(name, "-", "_"))),
		ScopeResourceTypes: jsonOf([]string{pick(g, "AWS::S3::Bucket", "AWS::EC2::Instance", "AWS::IAM::User")}),
		EvaluationModes:    jsonOf([]map[string]string{{"Mode": "DETECTIVE"}}),
		ComplianceType:     new(pick(g, "COMPLIANT", "COMPLIANT", "COMPLIANT", "NOT_APPLICABLE")),
		FirstActivatedAt:   new(g.created(2 * year)),
		LastInvokedAt:      new(g.within(day)),
		LastEvaluatedAt:    new(g.within(day)),
	}
	if g.chance(0.3) {
		r.CreatedBy = new("securityhub.amazonaws.com")
	}
	if g.chance(0.3) {
		r.InputParameters, r.MaximumFrequency = jsonOf(map[string]string{"maxAccessKeyAge": "90"}), new("TwentyFour_Hours")
	}
	if g.chance(0.3) {
		n := int64(1 + g.IntN(25))
		r.ComplianceType, r.NoncompliantCapped, r.NoncompliantCapExceeded = new("NON_COMPLIANT"), &n, new(n == 25)
	}
	if g.chance(0.05) {
		r.LastFailedAt, r.LastErrorCode = new(g.within(day)), new("AccessDenied")
		r.LastErrorMessage = new("The role of AWS Config may not read the resource.")
	}
	return r
}
