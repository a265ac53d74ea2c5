package collectors

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Rules that are not compliant are listed, and asked for the results that are not, 100 a
// request: 50 rules with 5,000 results take about 80 requests, for which AWS charges
// nothing. Results that are compliant are many times as many, and left out. A region without
// Config is disabled.
var ConfigNoncompliantResources = collect.Collector[schemas.ConfigNoncompliantResource]{
	Category: schemas.ConfigNoncompliantResources,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls: []string{
		"config:DescribeComplianceByConfigRule",
		"config:GetComplianceDetailsByConfigRule",
		"config:DescribeConfigurationRecorders",
	},
	Hints: []collect.Hint{
		{Source: "aws.config", Types: []string{"Config Rules Compliance Change"}},
	},
	Collect: unlessConfigIsOff(collectConfigNoncompliantResources),
}

func collectConfigNoncompliantResources(
	ctx context.Context, env *collect.Env, emit func(schemas.ConfigNoncompliantResource) error,
) error {
	client := configservice.NewFromConfig(env.AWS)
	rules, err := gather(configCompliance(ctx, client, types.ComplianceTypeNonCompliant))
	if err != nil {
		return err
	}
	for _, rule := range rules {
		input := &configservice.GetComplianceDetailsByConfigRuleInput{
			ConfigRuleName:  rule.ConfigRuleName,
			ComplianceTypes: []types.ComplianceType{types.ComplianceTypeNonCompliant},
			Limit:           100,
		}
		pages := configservice.NewGetComplianceDetailsByConfigRulePaginator(client, input)
		list := each(ctx, pages, func(p *configservice.GetComplianceDetailsByConfigRuleOutput) (
			[]types.EvaluationResult, *string,
		) {
			return p.EvaluationResults, p.NextToken
		})
		if err := emitEach(list, configNoncompliantResource, emit, "NoSuchConfigRuleException"); err != nil {
			return fmt.Errorf("rule %s: %w", aws.ToString(rule.ConfigRuleName), err)
		}
	}
	return nil
}

func configNoncompliantResource(r *types.EvaluationResult) schemas.ConfigNoncompliantResource {
	row := schemas.ConfigNoncompliantResource{
		ComplianceType:   string(r.ComplianceType),
		Annotation:       freeText(r.Annotation),
		ResultRecordedAt: r.ResultRecordedTime,
		RuleInvokedAt:    r.ConfigRuleInvokedTime,
	}
	id := r.EvaluationResultIdentifier
	if id == nil || id.EvaluationResultQualifier == nil {
		return row // without its key it is refused
	}
	q := id.EvaluationResultQualifier
	row.RuleName = aws.ToString(q.ConfigRuleName)
	row.ResourceType, row.ResourceID = aws.ToString(q.ResourceType), aws.ToString(q.ResourceId)
	row.EvaluationMode = string(cmp.Or(q.EvaluationMode, types.EvaluationModeDetective))
	row.OrderedAt = id.OrderingTimestamp
	return row
}
