package collectors

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
	"github.com/aws/aws-sdk-go-v2/service/wafv2/types"

	"github.com/hubspoke/observability/lib/collect"
)

// AWS names no quota of requests for WAF.
var wafv2Service = collect.Service{
	ID:    "WAFV2",
	Name:  "wafv2",
	Rate:  collect.Rate{PerSecond: 3, Burst: 3},
	Quota: "https://docs.aws.amazon.com/waf/latest/developerguide/limits.html",
}

// waf reads the web ACLs of one scope.
type waf struct {
	config aws.Config
	client *wafv2.Client
	scope  types.Scope
}

// wafOf returns the web ACLs of the region, or those of CloudFront, which have no region
// and an endpoint in one region of the partition aws alone.
func wafOf(env *collect.Env) (waf, error) {
	if !env.Global {
		return waf{env.AWS, wafv2.NewFromConfig(env.AWS), types.ScopeRegional}, nil
	}
	region, err := endpointRegion(env.Partition, "wafv2")
	if err == nil && env.Partition != "aws" {
		err = collect.Disabled(fmt.Errorf("WAF protects no CloudFront in the partition %s", env.Partition))
	}
	config := inRegion(env, region)
	return waf{config, wafv2.NewFromConfig(config), types.ScopeCloudfront}, err
}

// each returns all web ACLs. One that is deleted since it was listed is left out.
func (w waf) each(ctx context.Context) iter.Seq2[*types.WebACL, error] {
	return func(yield func(*types.WebACL, error) bool) {
		for summary, err := range w.summaries(ctx) {
			var acl *types.WebACL
			if err == nil {
				acl, err = w.read(ctx, summary)
			}
			if hasCode(err, "WAFNonexistentItemException") {
				continue
			}
			if !yield(acl, err) || err != nil {
				return
			}
		}
	}
}

func (w waf) summaries(ctx context.Context) iter.Seq2[*types.WebACLSummary, error] {
	return eachByToken(ctx, &wafv2.ListWebACLsInput{Scope: w.scope, Limit: aws.Int32(100)}, w.client.ListWebACLs,
		func(in *wafv2.ListWebACLsInput) **string { return &in.NextMarker },
		func(p *wafv2.ListWebACLsOutput) ([]types.WebACLSummary, *string) {
			if len(p.WebACLs) == 0 {
				return p.WebACLs, nil // AWS sends a marker with the last page, too
			}
			return p.WebACLs, p.NextMarker
		})
}

func (w waf) read(ctx context.Context, summary *types.WebACLSummary) (*types.WebACL, error) {
	answer, err := w.client.GetWebACL(ctx, &wafv2.GetWebACLInput{Id: summary.Id, Name: summary.Name, Scope: w.scope})
	if err != nil {
		return nil, fmt.Errorf("web ACL %s: %w", aws.ToString(summary.ARN), err)
	}
	if answer.WebACL == nil {
		return nil, without(answer, "the web ACL")
	}
	return answer.WebACL, nil
}
