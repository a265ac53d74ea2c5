package simulate

import (
	"slices"
	"strings"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Web ACLs have names that waf_rules has, too.
var wafWebACLs = kind[schemas.WAFWebACL]{
	of:     collectors.WAFWebACLs,
	size:   6,
	make:   newWAFWebACL,
	births: 0.004,
}

// wafWebACLARN returns the ARN of the web ACL of an application, and whom it is for.
func wafWebACLARN(g *gen, app string) (arn, scope string) {
	id := strings.Repeat(app, 8)[:8] + "-0000-4a5b-8c9d-0e1f2a3b4c5d"
	if g.region == schema.GlobalRegion {
		return "arn:aws:wafv2:us-east-1:" + g.account.ID + ":global/webacl/" + app + "/" + id, "CLOUDFRONT"
	}
	return g.arn("wafv2", "regional/webacl/"+app+"/"+id), "REGIONAL"
}

func newWAFWebACL(g *gen) schemas.WAFWebACL {
	app := g.app()
	arn, scope := wafWebACLARN(g, app)
	w := schemas.WAFWebACL{
		WebACLARN:                arn,
		Scope:                    scope,
		WebACLID:                 new(arn[strings.LastIndexByte(arn, '/')+1:]),
		Name:                     &app,
		DefaultAction:            new("ALLOW"),
		DefaultActionDetail:      schema.JSON(`{"Allow":{}}`),
		Capacity:                 new(int64(200 + g.IntN(1200))),
		RuleCount:                int64(1 + g.IntN(5)),
		ManagedByFirewallManager: new(false),
		LoggingEnabled:           new(g.chance(0.7)),
		AssociatedResources:      schema.JSON("[]"),
		AssociatedResourceCount:  new(int64(0)),
		SampledRequestsEnabled:   new(true),
		CloudWatchMetricsEnabled: new(true),
		MetricName:               new(app),
		LabelNamespace:           new("awswaf:" + g.account.ID + ":webacl:" + app + ":"),
		Tags:                     g.tags(),
	}
	resource := ""
	if scope == "CLOUDFRONT" {
		resource = "arn:aws:cloudfront::" + g.account.ID + ":distribution/E" + strings.ToUpper(g.hex(13))
	} else if slices.Contains(g.balancedApps(), app) {
		_, resource = g.loadBalancer(app)
	}
	if resource != "" {
		w.AssociatedResources, w.AssociatedResourceCount = jsonOf([]string{resource}), new(int64(1))
	}
	if *w.LoggingEnabled {
		w.LogDestinations = jsonOf([]string{"arn:aws:s3:::aws-waf-logs-" + g.account.Name})
		if g.chance(0.3) {
			w.LoggingFilter = schema.JSON(`{"DefaultBehavior":"DROP","Filters":[{"Behavior":"KEEP"}]}`)
		}
	}
	switch {
	case g.chance(0.1):
		w.DefaultAction, w.DefaultActionDetail = new("BLOCK"), schema.JSON(`{"Block":{}}`)
		w.Description, w.TokenDomains = new("Only for the office"), jsonOf([]string{"example.com"})
	case g.chance(0.1):
		w.ManagedByFirewallManager = new(true)
		w.FirewallManagerRuleGroups = jsonOf([]any{map[string]any{"Name": "baseline", "Priority": 0}})
	case g.chance(0.1):
		w.LoggingEnabled, w.LogDestinations, w.LoggingFilter = nil, nil, nil
		w.DeniedActions = jsonOf([]string{"wafv2:GetLoggingConfiguration"})
	}
	return w
}
