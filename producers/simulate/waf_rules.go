package simulate

import (
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

var wafRules = kind[schemas.WAFRule]{
	of:     collectors.WAFRules,
	size:   8,
	make:   newWAFRule,
	births: 0.003,
}

func newWAFRule(g *gen) schemas.WAFRule {
	app := g.app()
	arn, scope := wafWebACLARN(g, app)
	r := schemas.WAFRule{
		WebACLARN:                arn,
		WebACLName:               app,
		Scope:                    scope,
		Priority:                 int64(g.IntN(10)),
		SampledRequestsEnabled:   new(true),
		CloudWatchMetricsEnabled: new(true),
	}
	switch g.IntN(4) {
	case 0:
		name := pick(g, "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet",
			"AWSManagedRulesAmazonIpReputationList")
		r.RuleName, r.OverrideAction, r.StatementType = name, new(pick(g, "NONE", "NONE", "COUNT")),
			new("ManagedRuleGroupStatement")
		r.ManagedVendor, r.ManagedName = new("AWS"), new(name)
		if g.chance(0.2) {
			r.ManagedVersion = new("Version_1.4")
		}
		r.Statement = jsonOf(map[string]any{*r.StatementType: map[string]string{"VendorName": "AWS", "Name": name}})
	case 1:
		limit := pick[int64](g, 500, 2000, 10000)
		r.RuleName, r.Action, r.StatementType = "rate", new(pick(g, "BLOCK", "COUNT", "CHALLENGE")), new("RateBasedStatement")
		r.RateLimit, r.RateWindowSeconds, r.RateAggregateKey = &limit, new(int64(300)), new("IP")
		r.Statement = jsonOf(map[string]any{*r.StatementType: map[string]any{
			"Limit": limit, "EvaluationWindowSec": 300, "AggregateKeyType": "IP",
		}})
	case 2:
		r.RuleName, r.OverrideAction, r.StatementType = "own", new("NONE"), new("RuleGroupReferenceStatement")
		r.RuleGroupARN = new(g.arn("wafv2", "regional/rulegroup/"+app+"/0a1b2c3d"))
		r.Statement = jsonOf(map[string]any{*r.StatementType: map[string]string{"ARN": *r.RuleGroupARN}})
	default:
		r.RuleName, r.Action, r.StatementType = "countries", new("BLOCK"), new("GeoMatchStatement")
		r.Labels = jsonOf([]string{"country:blocked"})
		r.Statement = schema.JSON(`{"GeoMatchStatement":{"CountryCodes":["KP","IR"]}}`)
	}
	r.MetricName = &r.RuleName
	return r
}
