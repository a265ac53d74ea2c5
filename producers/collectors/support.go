package collectors

import (
	"context"
	"fmt"

	"github.com/hubspoke/observability/lib/awsjson"
	"github.com/hubspoke/observability/lib/collect"
)

// AWS names no quota of requests for Support.
var supportService = collect.Service{
	ID:         "Support",
	Name:       "support",
	Rate:       collect.Rate{PerSecond: 2, Burst: 3},
	PerAccount: true,
	Quota:      "https://docs.aws.amazon.com/general/latest/gr/awssupport.html",
}

// callSupport calls an operation of Support, for which there is no module of the SDK. An
// account without a plan that has the API answers with SubscriptionRequiredException, which
// is the outcome disabled.
func callSupport[Out, In any](ctx context.Context, env *collect.Env, operation string, in In) (*Out, error) {
	service, err := jsonService(env, supportService, "AWSSupport_20130415")
	if err != nil {
		return nil, err
	}
	return awsjson.Call[Out](ctx, env.AWS, service, operation, in)
}

// jsonService returns where a partition has a service without regions for which there is no
// module of the SDK. target is what its model calls targetPrefix.
func jsonService(env *collect.Env, service collect.Service, target string) (awsjson.Service, error) {
	region, err := endpointRegion(env.Partition, service.Name)
	domain := "amazonaws.com"
	if env.Partition == "aws-cn" {
		domain += ".cn"
	}
	return awsjson.Service{
		ID:          service.ID,
		SigningName: service.Name,
		Target:      target,
		Endpoint:    fmt.Sprintf("https://%s.%s.%s", service.Name, region, domain),
		Region:      region,
	}, err
}

// trustedAdvisorCheck describes a check of Trusted Advisor.
type trustedAdvisorCheck struct {
	ID          *string   `json:"id"`
	Name        *string   `json:"name"`
	Description *string   `json:"description"`
	Category    *string   `json:"category"`
	Metadata    []*string `json:"metadata"`
}

type trustedAdvisorChecksInput struct {
	Language string `json:"language"`
}

type trustedAdvisorChecksOutput struct {
	Checks []trustedAdvisorCheck `json:"checks"`
}

// trustedAdvisorSummary is the newest result of a check.
type trustedAdvisorSummary struct {
	CheckID             *string `json:"checkId"`
	Timestamp           *string `json:"timestamp"`
	Status              *string `json:"status"`
	HasFlaggedResources *bool   `json:"hasFlaggedResources"`
	ResourcesSummary    struct {
		Processed  *int64 `json:"resourcesProcessed"`
		Flagged    *int64 `json:"resourcesFlagged"`
		Ignored    *int64 `json:"resourcesIgnored"`
		Suppressed *int64 `json:"resourcesSuppressed"`
	} `json:"resourcesSummary"`
	CategorySpecificSummary struct {
		CostOptimizing struct {
			EstimatedMonthlySavings        *float64 `json:"estimatedMonthlySavings"`
			EstimatedPercentMonthlySavings *float64 `json:"estimatedPercentMonthlySavings"`
		} `json:"costOptimizing"`
	} `json:"categorySpecificSummary"`
}

type trustedAdvisorSummariesInput struct {
	CheckIDs []*string `json:"checkIds"`
}

type trustedAdvisorSummariesOutput struct {
	Summaries []trustedAdvisorSummary `json:"summaries"`
}

// trustedAdvisor returns all checks, and the newest result of each by its identifier. A
// check that was never run has none.
func trustedAdvisor(ctx context.Context, env *collect.Env) ([]trustedAdvisorCheck, map[string]*trustedAdvisorSummary,
	error) {
	checks, err := gather(each(ctx, single(func(ctx context.Context) (*trustedAdvisorChecksOutput, error) {
		in := trustedAdvisorChecksInput{Language: "en"}
		return callSupport[trustedAdvisorChecksOutput](ctx, env, "DescribeTrustedAdvisorChecks", in)
	}), func(p *trustedAdvisorChecksOutput) ([]trustedAdvisorCheck, *string) { return p.Checks, nil }))
	if err != nil {
		return nil, nil, err
	}
	ids := make([]*string, len(checks))
	for i, check := range checks {
		ids[i] = check.ID
	}
	newest := map[string]*trustedAdvisorSummary{}
	err = inBatches(ids, 50, func(batch []*string) error {
		for summary, err := range each(ctx, single(func(ctx context.Context) (*trustedAdvisorSummariesOutput, error) {
			in := trustedAdvisorSummariesInput{CheckIDs: batch}
			return callSupport[trustedAdvisorSummariesOutput](ctx, env, "DescribeTrustedAdvisorCheckSummaries", in)
		}), func(p *trustedAdvisorSummariesOutput) ([]trustedAdvisorSummary, *string) { return p.Summaries, nil }) {
			if err != nil {
				return err
			}
			if summary.CheckID != nil {
				newest[*summary.CheckID] = summary
			}
		}
		return nil
	})
	return checks, newest, err
}
