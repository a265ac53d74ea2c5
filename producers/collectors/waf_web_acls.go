package collectors

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cloudfronttypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
	"github.com/aws/aws-sdk-go-v2/service/wafv2/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// Web ACLs are listed in every region, and those of CloudFront once per account. Each one
// is read and asked for its logging, its tags, and what it protects, type by type: about ten
// requests for each web ACL of a region, for which AWS charges nothing. Web ACLs of classic
// WAF are not collected.
//
// A detail that is denied is null, and named in denied_actions.
var WAFWebACLs = collect.Collector[schemas.WAFWebACL]{
	Category: schemas.WAFWebACLs,
	Reach:    collect.PerRegionAndGlobal,
	Every:    6 * time.Hour,
	Calls: []string{
		"wafv2:ListWebACLs", "wafv2:GetWebACL", "wafv2:GetLoggingConfiguration",
		"wafv2:ListResourcesForWebACL", "wafv2:ListTagsForResource",
		"cloudfront:ListDistributionsByWebACLId",
	},
	// Some types of resources are listed by their own service:
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awswafv2.html
	Requires: []string{
		"cognito-idp:ListResourcesForWebACL", "apprunner:ListAssociatedServicesForWebAcl",
		"ec2:DescribeVerifiedAccessInstanceWebAclAssociations",
	},
	Hints: []collect.Hint{
		{Source: "aws.wafv2", Calls: []string{
			"CreateWebACL", "UpdateWebACL", "DeleteWebACL", "AssociateWebACL", "DisassociateWebACL",
			"PutLoggingConfiguration", "DeleteLoggingConfiguration", "TagResource", "UntagResource",
		}},
		// CloudTrail names the version of the API, too: UpdateDistribution2020_05_31.
		{Source: "aws.cloudfront", Calls: []string{
			"CreateDistribution*", "UpdateDistribution*", "DeleteDistribution*",
		}},
	},
	Collect: collectWAFWebACLs,
}

// AWS names no quota of requests for CloudFront.
var cloudfrontService = collect.Service{
	ID:         "CloudFront",
	Name:       "cloudfront",
	Rate:       collect.Rate{PerSecond: 2, Burst: 3},
	PerAccount: true,
	Quota:      "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html",
}

func collectWAFWebACLs(ctx context.Context, env *collect.Env, emit func(schemas.WAFWebACL) error) error {
	w, err := wafOf(env)
	if err != nil {
		return err
	}
	return emitDetailed(w.each(ctx), func(acl *types.WebACL) (schemas.WAFWebACL, error) {
		row := wafWebACL(w, acl)
		err := readWAFWebACL(ctx, w, &row)
		if err != nil {
			err = fmt.Errorf("web ACL %s: %w", row.WebACLARN, err)
		}
		return row, err
	}, emit)
}

func wafWebACL(w waf, acl *types.WebACL) schemas.WAFWebACL {
	row := schemas.WAFWebACL{
		WebACLARN:                aws.ToString(acl.ARN),
		Scope:                    string(w.scope),
		WebACLID:                 text(acl.Id),
		Name:                     text(acl.Name),
		Description:              freeText(acl.Description),
		DefaultAction:            upper(memberOf(acl.DefaultAction)),
		DefaultActionDetail:      wafWebACLAction(acl.DefaultAction),
		Capacity:                 &acl.Capacity,
		RuleCount:                int64(len(acl.Rules)),
		ManagedByFirewallManager: &acl.ManagedByFirewallManager,
		FirewallManagerRuleGroups: jsonOf(slices.Concat(acl.PreProcessFirewallManagerRuleGroups,
			acl.PostProcessFirewallManagerRuleGroups)),
		LabelNamespace: text(acl.LabelNamespace),
		TokenDomains:   jsonOf(acl.TokenDomains),
	}
	if v := acl.VisibilityConfig; v != nil {
		row.SampledRequestsEnabled, row.CloudWatchMetricsEnabled = &v.SampledRequestsEnabled, &v.CloudWatchMetricsEnabled
		row.MetricName = text(v.MetricName)
	}
	return row
}

// wafWebACLAction returns an action without the values of headers that it adds to requests:
// an origin may know by them that a request came through WAF.
func wafWebACLAction(action *types.DefaultAction) schema.JSON {
	return editJSON(jsonOf(action), func(object map[string]any) {
		headers, _ := object["InsertHeaders"].([]any)
		for _, header := range headers {
			if header, ok := header.(map[string]any); ok {
				header["Value"] = redacted
			}
		}
	})
}

// readWAFWebACL asks for the details of a web ACL.
func readWAFWebACL(ctx context.Context, w waf, row *schemas.WAFWebACL) error {
	var d details
	logging, err := d.read("wafv2:GetLoggingConfiguration", func() error {
		return readWAFWebACLLogging(ctx, w, row)
	}, "WAFNonexistentItemException")
	if logging == detailAbsent {
		row.LoggingEnabled = aws.Bool(false)
	}
	if err != nil {
		return err
	}
	call, protected := "wafv2:ListResourcesForWebACL", listWAFWebACLResources
	if w.scope == types.ScopeCloudfront {
		call, protected = "cloudfront:ListDistributionsByWebACLId", listWAFWebACLDistributions
	}
	_, err = d.read(call, func() error {
		arns, err := protected(ctx, w, row.WebACLARN)
		if err == nil {
			row.AssociatedResources, row.AssociatedResourceCount = jsonArray(arns), aws.Int64(int64(len(arns)))
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = d.read("wafv2:ListTagsForResource", func() error { return readWAFWebACLTags(ctx, w, row) })
	row.DeniedActions = d.column()
	return err
}

func readWAFWebACLLogging(ctx context.Context, w waf, row *schemas.WAFWebACL) error {
	answer, err := w.client.GetLoggingConfiguration(ctx, &wafv2.GetLoggingConfigurationInput{ResourceArn: &row.WebACLARN})
	if err != nil {
		return err
	}
	if answer.LoggingConfiguration == nil {
		return without(answer, "the configuration")
	}
	row.LoggingEnabled = aws.Bool(true)
	row.LogDestinations = jsonOf(answer.LoggingConfiguration.LogDestinationConfigs)
	row.LoggingFilter = jsonOf(answer.LoggingConfiguration.LoggingFilter)
	return nil
}

// listWAFWebACLResources returns the ARNs of what a regional web ACL protects.
func listWAFWebACLResources(ctx context.Context, w waf, acl string) ([]string, error) {
	var arns []string
	for _, kind := range types.ResourceType("").Values() {
		answer, err := w.client.ListResourcesForWebACL(ctx,
			&wafv2.ListResourcesForWebACLInput{WebACLArn: &acl, ResourceType: kind})
		if hasCode(err, "WAFInvalidParameterException") {
			continue // the region has no such resources
		}
		if err != nil {
			return nil, err
		}
		if answer.ResourceArns == nil {
			return nil, without(answer, "its list")
		}
		arns = append(arns, answer.ResourceArns...)
	}
	return arns, nil
}

// listWAFWebACLDistributions returns the ARNs of the distributions that a web ACL protects.
func listWAFWebACLDistributions(ctx context.Context, w waf, acl string) ([]string, error) {
	client := cloudfront.NewFromConfig(w.config)
	list := eachByToken(ctx,
		&cloudfront.ListDistributionsByWebACLIdInput{WebACLId: &acl, MaxItems: aws.Int32(100)},
		client.ListDistributionsByWebACLId,
		func(in *cloudfront.ListDistributionsByWebACLIdInput) **string { return &in.Marker },
		func(p *cloudfront.ListDistributionsByWebACLIdOutput) ([]cloudfronttypes.DistributionSummary, *string) {
			switch l := p.DistributionList; {
			case l == nil:
				return nil, nil
			case l.Items == nil && l.Quantity != nil && *l.Quantity == 0:
				return []cloudfronttypes.DistributionSummary{}, nil
			default:
				return l.Items, l.NextMarker
			}
		})
	return gatherOf(list, func(d *cloudfronttypes.DistributionSummary) string { return aws.ToString(d.ARN) })
}

func readWAFWebACLTags(ctx context.Context, w waf, row *schemas.WAFWebACL) error {
	tags, err := gather(eachByToken(ctx,
		&wafv2.ListTagsForResourceInput{ResourceARN: &row.WebACLARN, Limit: aws.Int32(100)},
		w.client.ListTagsForResource,
		func(in *wafv2.ListTagsForResourceInput) **string { return &in.NextMarker },
		func(p *wafv2.ListTagsForResourceOutput) ([]types.Tag, *string) {
			switch info := p.TagInfoForResource; {
			case info == nil:
				return nil, nil
			case len(info.TagList) == 0:
				return info.TagList, nil // AWS sends a marker with the last page, too
			default:
				return info.TagList, p.NextMarker
			}
		}))
	if err == nil {
		row.Tags = jsonObject(tagMap(tags))
	}
	return err
}
