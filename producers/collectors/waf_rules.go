package collectors

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/wafv2/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// Web ACLs are listed in every region, and those of CloudFront once per account, and each
// one is read: one request for each web ACL, for which AWS charges nothing. Rules inside
// managed rule groups are not read.
var WAFRules = collect.Collector[schemas.WAFRule]{
	Category: schemas.WAFRules,
	Reach:    collect.PerRegionAndGlobal,
	Every:    6 * time.Hour,
	Calls:    []string{"wafv2:ListWebACLs", "wafv2:GetWebACL"},
	Hints: []collect.Hint{
		{Source: "aws.wafv2", Calls: []string{"CreateWebACL", "UpdateWebACL", "DeleteWebACL"}},
	},
	Collect: collectWAFRules,
}

func collectWAFRules(ctx context.Context, env *collect.Env, emit func(schemas.WAFRule) error) error {
	w, err := wafOf(env)
	if err != nil {
		return err
	}
	for acl, err := range w.each(ctx) {
		if err != nil {
			return err
		}
		for _, rule := range acl.Rules {
			if err := emit(wafRule(w, acl, &rule)); err != nil {
				return err
			}
		}
	}
	return nil
}

func wafRule(w waf, acl *types.WebACL, r *types.Rule) schemas.WAFRule {
	row := schemas.WAFRule{
		WebACLARN:      aws.ToString(acl.ARN),
		RuleName:       aws.ToString(r.Name),
		WebACLName:     aws.ToString(acl.Name),
		Scope:          string(w.scope),
		Priority:       int64(r.Priority),
		Action:         upper(memberOf(r.Action)),
		OverrideAction: upper(memberOf(r.OverrideAction)),
		StatementType:  memberOf(r.Statement),
		Statement:      wafRuleStatement(r.Statement),
	}
	if v := r.VisibilityConfig; v != nil {
		row.SampledRequestsEnabled, row.CloudWatchMetricsEnabled = &v.SampledRequestsEnabled, &v.CloudWatchMetricsEnabled
		row.MetricName = text(v.MetricName)
	}
	labels := make([]string, len(r.RuleLabels))
	for i, label := range r.RuleLabels {
		labels[i] = aws.ToString(label.Name)
	}
	row.Labels = jsonOf(labels)
	if s := r.Statement; s != nil {
		setWAFRuleStatement(&row, s)
	}
	return row
}

func setWAFRuleStatement(row *schemas.WAFRule, s *types.Statement) {
	if m := s.ManagedRuleGroupStatement; m != nil {
		row.ManagedVendor, row.ManagedName, row.ManagedVersion = text(m.VendorName), text(m.Name), text(m.Version)
	}
	if g := s.RuleGroupReferenceStatement; g != nil {
		row.RuleGroupARN = text(g.ARN)
	}
	if l := s.RateBasedStatement; l != nil {
		row.RateLimit, row.RateAggregateKey = l.Limit, enum(l.AggregateKeyType)
		if l.EvaluationWindowSec > 0 {
			row.RateWindowSeconds = &l.EvaluationWindowSec
		}
	}
}

// wafRuleStatement returns the tree of a statement. What a request is searched for is left
// out but for its length: it is often the secret by which an origin knows its distribution.
func wafRuleStatement(s *types.Statement) schema.JSON {
	return editJSON(jsonOf(s), func(object map[string]any) {
		if search, ok := object["SearchString"].(string); ok {
			content, _ := base64.StdEncoding.DecodeString(search) // jsonOf wrote it
			delete(object, "SearchString")
			object["SearchStringLength"] = len(content)
		}
	})
}
