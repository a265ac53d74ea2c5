package simulate

import (
	"cmp"
	"slices"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Packs have some rules each, and the score that follows from them.
var conformancePacks = kind[schemas.ConformancePack]{
	of:     collectors.ConformancePacks,
	size:   3,
	make:   newConformancePack,
	births: 0.004,
}

func newConformancePack(g *gen) schemas.ConformancePack {
	id := g.hex(8)
	p := schemas.ConformancePack{
		PackName:              pick(g, "baseline", "encryption", "operations", "retention", "network") + "-" + g.hex(2),
		PackID:                new("conformance-pack-" + id),
		State:                 new("CREATE_COMPLETE"),
		ComplianceStatus:      new("COMPLIANT"),
		ScoreUpdatedAt:        new(g.within(day)),
		LastUpdateRequestedAt: new(g.created(year)),
	}
	if g.chance(0.5) {
		p.PackName, p.CreatedBy = "OrgConformsPack-"+p.PackName, new("config-multiaccountsetup.amazonaws.com")
		p.InputParameters = jsonOf(map[string]string{"AccessKeysRotatedParamMaxAccessKeyAge": "90"})
	}
	p.PackARN = new(g.arn("config", "conformance-pack/"+p.PackName+"/conformance-pack-"+id))
	p.LastUpdateCompletedAt = new(p.LastUpdateRequestedAt.Add(g.between(day/1440, day/144)))
	type rule struct {
		ConfigRuleName, ComplianceType string
		Controls                       []string
	}
	rules := many(3+g.IntN(20), func() rule {
		return rule{g.configRule() + "-conformance-pack-" + g.hex(6), "COMPLIANT",
			[]string{pick(g, "CIS 2.1", "PCI 3.4", "NIST AC-2")}}
	})
	slices.SortFunc(rules, func(a, b rule) int { return cmp.Compare(a.ConfigRuleName, b.ConfigRuleName) })
	for i := range rules {
		if g.chance(0.15) {
			rules[i].ComplianceType, p.ComplianceStatus = "NON_COMPLIANT", new("NON_COMPLIANT")
			p.NoncompliantRuleCount++
		}
	}
	p.Rules, p.RuleCount = jsonOf(rules), int64(len(rules))
	p.CompliantRuleCount = p.RuleCount - p.NoncompliantRuleCount
	p.ScorePercentage = new(decimal(100 * float64(p.CompliantRuleCount) / float64(p.RuleCount)))
	if g.chance(0.05) {
		p.State, p.StateReason = new("CREATE_FAILED"), new("A rule of the template could not be made.")
	}
	return p
}
