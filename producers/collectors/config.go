package collectors

import (
	"context"
	"encoding/json"
	"errors"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// AWS names no quota of requests for Config.
var configService = collect.Service{
	ID:    "Config Service",
	Name:  "config",
	Rate:  collect.Rate{PerSecond: 3, Burst: 3},
	Quota: "https://docs.aws.amazon.com/config/latest/developerguide/configlimits.html",
}

// configRecorders returns the recorders of the region: none where Config is off.
func configRecorders(ctx context.Context, client *configservice.Client) ([]types.ConfigurationRecorder, error) {
	return gather(each(ctx, single(func(ctx context.Context) (
		*configservice.DescribeConfigurationRecordersOutput, error) {
		return client.DescribeConfigurationRecorders(ctx, &configservice.DescribeConfigurationRecordersInput{})
	}), func(p *configservice.DescribeConfigurationRecordersOutput) ([]types.ConfigurationRecorder, *string) {
		return p.ConfigurationRecorders, nil
	}))
}

// unlessConfigIsOff returns read, which is disabled where it has no row and the region no
// recorder. Config answers with empty lists there, as if everything were compliant.
func unlessConfigIsOff[Row any](
	read func(context.Context, *collect.Env, func(Row) error) error,
) func(context.Context, *collect.Env, func(Row) error) error {
	return func(ctx context.Context, env *collect.Env, emit func(Row) error) error {
		found := false
		err := read(ctx, env, func(row Row) error { found = true; return emit(row) })
		if err != nil || found {
			return err
		}
		recorders, err := configRecorders(ctx, configservice.NewFromConfig(env.AWS))
		if err == nil && len(recorders) == 0 {
			return collect.Disabled(errors.New("AWS Config is off: the region has no recorder"))
		}
		return err
	}
}

// configCompliance returns the compliance of the rules that have one of the types, or of all
// rules.
func configCompliance(
	ctx context.Context, client *configservice.Client, of ...types.ComplianceType,
) iter.Seq2[*types.ComplianceByConfigRule, error] {
	input := &configservice.DescribeComplianceByConfigRuleInput{ComplianceTypes: of}
	pages := configservice.NewDescribeComplianceByConfigRulePaginator(client, input)
	return each(ctx, pages, func(p *configservice.DescribeComplianceByConfigRuleOutput) (
		[]types.ComplianceByConfigRule, *string,
	) {
		return p.ComplianceByConfigRules, p.NextToken
	})
}

// configParameters returns the parameters of a rule, which AWS sends as a text of a JSON
// object, without secrets. Values that are no texts, which AWS does not document, become
// texts. An empty object, and a text that is no JSON object, is nil.
func configParameters(document *string) schema.JSON {
	if document == nil {
		return nil
	}
	var values map[string]any
	if json.Unmarshal([]byte(*document), &values) != nil {
		return nil
	}
	out := make(map[string]string, len(values))
	for name, value := range values {
		text, ok := value.(string)
		if !ok {
			raw, _ := json.Marshal(value) // it was JSON before
			text = string(raw)
		}
		out[name] = redact(name, text)
	}
	return jsonOf(out)
}
