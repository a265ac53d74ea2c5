package collectors

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// Packs are listed, and with further lists their states, scores and compliance. Then each
// pack is asked for the compliance of its rules: 20 packs take about 27 requests, for which
// AWS charges nothing. A region without packs is empty, one without Config disabled.
var ConformancePacks = collect.Collector[schemas.ConformancePack]{
	Category: schemas.ConformancePacks,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls: []string{
		"config:DescribeConformancePacks",
		"config:DescribeConformancePackStatus",
		"config:GetConformancePackComplianceSummary",
		"config:ListConformancePackComplianceScores",
		"config:DescribeConformancePackCompliance",
		"config:DescribeConfigurationRecorders",
	},
	Hints: []collect.Hint{
		{Source: "aws.config", Types: []string{"Config Rules Compliance Change"}},
		{Source: "aws.config", Calls: []string{"PutConformancePack", "DeleteConformancePack"}},
	},
	Collect: unlessConfigIsOff(collectConformancePacks),
}

// conformancePackGone says that a pack was deleted since it was listed.
const conformancePackGone = "NoSuchConformancePackException"

func collectConformancePacks(ctx context.Context, env *collect.Env, emit func(schemas.ConformancePack) error) error {
	reader := conformancePackReader{client: configservice.NewFromConfig(env.AWS)}
	input := &configservice.DescribeConformancePacksInput{Limit: 20}
	pages := configservice.NewDescribeConformancePacksPaginator(reader.client, input)
	packs, err := gather(each(ctx, pages, func(p *configservice.DescribeConformancePacksOutput) (
		[]types.ConformancePackDetail, *string,
	) {
		return p.ConformancePackDetails, p.NextToken
	}))
	if err != nil || len(packs) == 0 {
		return err
	}
	if err := reader.lists(ctx, packs); err != nil {
		return err
	}
	for i := range packs {
		pack := &packs[i]
		row, err := reader.row(ctx, pack)
		if hasCode(err, conformancePackGone) {
			continue
		}
		if err != nil {
			return fmt.Errorf("pack %s: %w", aws.ToString(pack.ConformancePackName), err)
		}
		if err := emit(row); err != nil {
			return err
		}
	}
	return nil
}

// conformancePackReader has what lists say about the packs, by name.
type conformancePackReader struct {
	client    *configservice.Client
	states    map[string]*types.ConformancePackStatusDetail
	scores    map[string]*types.ConformancePackComplianceScore
	summaries map[string]types.ConformancePackComplianceType
}

func (r *conformancePackReader) lists(ctx context.Context, packs []types.ConformancePackDetail) error {
	stateInput := &configservice.DescribeConformancePackStatusInput{Limit: 20}
	states := configservice.NewDescribeConformancePackStatusPaginator(r.client, stateInput)
	var err error
	r.states, err = gatherBy(each(ctx, states, func(p *configservice.DescribeConformancePackStatusOutput) (
		[]types.ConformancePackStatusDetail, *string,
	) {
		return p.ConformancePackStatusDetails, p.NextToken
	}), func(s *types.ConformancePackStatusDetail) *string { return s.ConformancePackName })
	if err != nil {
		return err
	}
	scoreInput := &configservice.ListConformancePackComplianceScoresInput{Limit: 20}
	scores := configservice.NewListConformancePackComplianceScoresPaginator(r.client, scoreInput)
	r.scores, err = gatherBy(each(ctx, scores, func(p *configservice.ListConformancePackComplianceScoresOutput) (
		[]types.ConformancePackComplianceScore, *string,
	) {
		return p.ConformancePackComplianceScores, p.NextToken
	}), func(s *types.ConformancePackComplianceScore) *string { return s.ConformancePackName })
	if err != nil {
		return err
	}
	r.summaries = map[string]types.ConformancePackComplianceType{}
	names := make([]string, len(packs))
	for i, pack := range packs {
		names[i] = aws.ToString(pack.ConformancePackName)
	}
	return inBatches(names, 5, func(batch []string) error { return r.summarize(ctx, batch) }, conformancePackGone)
}

// summarize reads the compliance of some packs. AWS takes five at most.
func (r *conformancePackReader) summarize(ctx context.Context, names []string) error {
	input := &configservice.GetConformancePackComplianceSummaryInput{ConformancePackNames: names}
	pages := configservice.NewGetConformancePackComplianceSummaryPaginator(r.client, input)
	list := each(ctx, pages, func(p *configservice.GetConformancePackComplianceSummaryOutput) (
		[]types.ConformancePackComplianceSummary, *string,
	) {
		return p.ConformancePackComplianceSummaryList, p.NextToken
	})
	for summary, err := range list {
		if err != nil {
			return err
		}
		r.summaries[aws.ToString(summary.ConformancePackName)] = summary.ConformancePackComplianceStatus
	}
	return nil
}

// row asks for the rules of a pack.
func (r *conformancePackReader) row(
	ctx context.Context, pack *types.ConformancePackDetail,
) (schemas.ConformancePack, error) {
	name := aws.ToString(pack.ConformancePackName)
	row := schemas.ConformancePack{
		PackName:              name,
		PackARN:               text(pack.ConformancePackArn),
		PackID:                text(pack.ConformancePackId),
		CreatedBy:             text(pack.CreatedBy),
		ComplianceStatus:      enum(r.summaries[name]),
		InputParameters:       conformancePackParameters(pack.ConformancePackInputParameters),
		LastUpdateRequestedAt: pack.LastUpdateRequestedTime,
	}
	if s := r.states[name]; s != nil {
		row.State, row.StateReason = enum(s.ConformancePackState), text(s.ConformancePackStatusReason)
		row.LastUpdateCompletedAt = s.LastUpdateCompletedTime
	}
	if s := r.scores[name]; s != nil {
		row.ScorePercentage, row.ScoreUpdatedAt = conformancePackScore(s.Score), s.LastUpdatedTime
	}
	rules, err := gather(conformancePackRules(ctx, r.client, name))
	if err != nil {
		return row, err
	}
	// AWS promises no order, and equal rows must be equal bytes.
	slices.SortFunc(rules, func(a, b types.ConformancePackRuleCompliance) int {
		return cmp.Compare(aws.ToString(a.ConfigRuleName), aws.ToString(b.ConfigRuleName))
	})
	row.Rules, row.RuleCount = jsonArray(rules), int64(len(rules))
	for _, rule := range rules {
		switch rule.ComplianceType {
		case types.ConformancePackComplianceTypeCompliant:
			row.CompliantRuleCount++
		case types.ConformancePackComplianceTypeNonCompliant:
			row.NoncompliantRuleCount++
		}
	}
	return row, nil
}

func conformancePackRules(
	ctx context.Context, client *configservice.Client, name string,
) iter.Seq2[*types.ConformancePackRuleCompliance, error] {
	input := &configservice.DescribeConformancePackComplianceInput{ConformancePackName: &name, Limit: 1000}
	pages := configservice.NewDescribeConformancePackCompliancePaginator(client, input)
	return each(ctx, pages, func(p *configservice.DescribeConformancePackComplianceOutput) (
		[]types.ConformancePackRuleCompliance, *string,
	) {
		return p.ConformancePackRuleComplianceList, p.NextToken
	})
}

// conformancePackScore returns a score, nil if it is INSUFFICIENT_DATA.
func conformancePackScore(score *string) *schema.Decimal {
	value, err := strconv.ParseFloat(aws.ToString(score), 64)
	if err != nil {
		return nil
	}
	return floatDecimal(&value)
}

func conformancePackParameters(list []types.ConformancePackInputParameter) schema.JSON {
	object := make(map[string]string, len(list))
	for _, p := range list {
		name := aws.ToString(p.ParameterName)
		object[name] = redact(name, aws.ToString(p.ParameterValue))
	}
	return jsonOf(object)
}
