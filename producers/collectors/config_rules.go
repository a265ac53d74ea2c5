package collectors

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Rules are listed, those of Security Hub and of conformance packs included, and with two
// more lists their compliance and their last evaluations: 400 rules take about 40 requests,
// for which AWS charges nothing. A region without Config is disabled.
var ConfigRules = collect.Collector[schemas.ConfigRule]{
	Category: schemas.ConfigRules,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls: []string{
		"config:DescribeConfigRules",
		"config:DescribeComplianceByConfigRule",
		"config:DescribeConfigRuleEvaluationStatus",
		"config:DescribeConfigurationRecorders",
	},
	Hints: []collect.Hint{
		{Source: "aws.config", Types: []string{"Config Rules Compliance Change"}},
		{Source: "aws.config", Calls: []string{"PutConfigRule", "DeleteConfigRule"}},
	},
	Collect: unlessConfigIsOff(collectConfigRules),
}

func collectConfigRules(ctx context.Context, env *collect.Env, emit func(schemas.ConfigRule) error) error {
	client := configservice.NewFromConfig(env.AWS)
	compliance, err := gatherBy(configCompliance(ctx, client), func(c *types.ComplianceByConfigRule) *string {
		return c.ConfigRuleName
	})
	if err != nil {
		return err
	}
	evaluations, err := gatherBy(configRuleEvaluations(ctx, client), func(e *types.ConfigRuleEvaluationStatus) *string {
		return e.ConfigRuleName
	})
	if err != nil {
		return err
	}
	pages := configservice.NewDescribeConfigRulesPaginator(client, &configservice.DescribeConfigRulesInput{})
	list := each(ctx, pages, func(p *configservice.DescribeConfigRulesOutput) ([]types.ConfigRule, *string) {
		return p.ConfigRules, p.NextToken
	})
	return emitEach(list, func(r *types.ConfigRule) schemas.ConfigRule {
		row, name := configRule(r), aws.ToString(r.ConfigRuleName)
		if c := compliance[name]; c != nil && c.Compliance != nil {
			configRuleCompliance(&row, c.Compliance)
		}
		if e := evaluations[name]; e != nil {
			configRuleEvaluation(&row, e)
		}
		return row
	}, emit)
}

// configRuleEvaluations returns the last evaluations of all rules. An account with more
// rules than AWS allows by default must ask for pages.
func configRuleEvaluations(
	ctx context.Context, client *configservice.Client,
) iter.Seq2[*types.ConfigRuleEvaluationStatus, error] {
	input := &configservice.DescribeConfigRuleEvaluationStatusInput{Limit: 50}
	pages := configservice.NewDescribeConfigRuleEvaluationStatusPaginator(client, input)
	return each(ctx, pages, func(p *configservice.DescribeConfigRuleEvaluationStatusOutput) (
		[]types.ConfigRuleEvaluationStatus, *string,
	) {
		return p.ConfigRulesEvaluationStatus, p.NextToken
	})
}

func configRule(r *types.ConfigRule) schemas.ConfigRule {
	row := schemas.ConfigRule{
		RuleName:         aws.ToString(r.ConfigRuleName),
		RuleARN:          text(r.ConfigRuleArn),
		RuleID:           text(r.ConfigRuleId),
		Description:      freeText(r.Description),
		State:            enum(r.ConfigRuleState),
		CreatedBy:        text(r.CreatedBy),
		InputParameters:  configParameters(r.InputParameters),
		MaximumFrequency: enum(r.MaximumExecutionFrequency),
		EvaluationModes:  jsonOf(r.EvaluationModes),
	}
	if r.Source != nil {
		row.SourceOwner, row.SourceIdentifier = enum(r.Source.Owner), text(r.Source.SourceIdentifier)
	}
	if r.Scope != nil {
		row.ScopeResourceTypes = jsonOf(r.Scope.ComplianceResourceTypes)
	}
	return row
}

func configRuleCompliance(row *schemas.ConfigRule, c *types.Compliance) {
	row.ComplianceType = enum(c.ComplianceType)
	if count := c.ComplianceContributorCount; count != nil {
		row.NoncompliantCapped, row.NoncompliantCapExceeded = integer(&count.CappedCount), &count.CapExceeded
	}
}

func configRuleEvaluation(row *schemas.ConfigRule, e *types.ConfigRuleEvaluationStatus) {
	row.FirstActivatedAt = e.FirstActivatedTime
	row.LastEvaluatedAt = e.LastSuccessfulEvaluationTime
	row.LastInvokedAt = e.LastSuccessfulInvocationTime
	row.LastFailedAt = e.LastFailedEvaluationTime
	row.LastErrorCode = text(e.LastErrorCode)
	row.LastErrorMessage = text(e.LastErrorMessage)
}
