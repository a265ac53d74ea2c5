package collectors

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resiliencehub"
	"github.com/aws/aws-sdk-go-v2/service/resiliencehub/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Applications are listed, and each is asked for its policy, its tags and the newest
// assessment that went well: two requests for each application, and one for each policy, for
// which AWS charges nothing. A detail that is denied is null, and named in denied_actions.
var ResilienceApps = collect.Collector[schemas.ResilienceApp]{
	Category: schemas.ResilienceApps,
	Reach:    collect.PerRegion,
	Every:    24 * time.Hour,
	Calls: []string{
		"resiliencehub:ListApps", "resiliencehub:DescribeApp",
		"resiliencehub:DescribeResiliencyPolicy", "resiliencehub:ListAppAssessments",
	},
	Collect: collectResilienceApps,
}

// AWS names no quota of requests for Resilience Hub.
var resiliencehubService = collect.Service{
	ID:    "resiliencehub",
	Name:  "resiliencehub",
	Rate:  collect.Rate{PerSecond: 2, Burst: 3},
	Quota: "https://docs.aws.amazon.com/general/latest/gr/resiliencehub.html",
}

func collectResilienceApps(ctx context.Context, env *collect.Env, emit func(schemas.ResilienceApp) error) error {
	reader := resilienceAppReader{
		client: resiliencehub.NewFromConfig(env.AWS), policies: map[string]*types.ResiliencyPolicy{},
	}
	pages := resiliencehub.NewListAppsPaginator(reader.client, &resiliencehub.ListAppsInput{MaxResults: aws.Int32(100)})
	list := each(ctx, pages, func(p *resiliencehub.ListAppsOutput) ([]types.AppSummary, *string) {
		return p.AppSummaries, p.NextToken
	})
	return emitDetailed(list, func(app *types.AppSummary) (schemas.ResilienceApp, error) {
		row := resilienceApp(app)
		err := reader.read(ctx, &row)
		if err != nil {
			err = fmt.Errorf("application %s: %w", row.AppARN, err)
		}
		return row, err
	}, emit, "ResourceNotFoundException")
}

func resilienceApp(app *types.AppSummary) schemas.ResilienceApp {
	return schemas.ResilienceApp{
		AppARN:                     aws.ToString(app.AppArn),
		Name:                       text(app.Name),
		Description:                freeText(app.Description),
		Status:                     enum(app.Status),
		ComplianceStatus:           enum(app.ComplianceStatus),
		DriftStatus:                enum(app.DriftStatus),
		ResiliencyScore:            &app.ResiliencyScore,
		AppCreatedAt:               app.CreationTime,
		LastComplianceEvaluationAt: app.LastAppComplianceEvaluationTime,
		AssessmentSchedule:         enum(app.AssessmentSchedule),
		AWSApplicationARN:          text(app.AwsApplicationArn),
		CurrentRPOSeconds:          integer(app.RpoInSecs),
		CurrentRTOSeconds:          integer(app.RtoInSecs),
	}
}

// resilienceAppReader reads the details of applications, and each policy once.
type resilienceAppReader struct {
	client   *resiliencehub.Client
	policies map[string]*types.ResiliencyPolicy
}

func (r *resilienceAppReader) read(ctx context.Context, row *schemas.ResilienceApp) error {
	var d details
	known, err := d.read("resiliencehub:DescribeApp", func() error { return r.readApp(ctx, row) })
	if err == nil && known == detailKnown && row.PolicyARN != nil {
		_, err = d.read("resiliencehub:DescribeResiliencyPolicy", func() error { return r.readPolicy(ctx, row) })
	}
	if err == nil {
		_, err = d.read("resiliencehub:ListAppAssessments", func() error { return r.readAssessment(ctx, row) })
	}
	row.DeniedActions = d.column()
	return err
}

func (r *resilienceAppReader) readApp(ctx context.Context, row *schemas.ResilienceApp) error {
	answer, err := r.client.DescribeApp(ctx, &resiliencehub.DescribeAppInput{AppArn: &row.AppARN})
	if err != nil {
		return err
	}
	if answer.App == nil {
		return without(answer, "the application")
	}
	row.PolicyARN, row.Tags = text(answer.App.PolicyArn), jsonOf(redactMap(answer.App.Tags))
	return nil
}

func (r *resilienceAppReader) readPolicy(ctx context.Context, row *schemas.ResilienceApp) error {
	policy := r.policies[*row.PolicyARN]
	if policy == nil {
		answer, err := r.client.DescribeResiliencyPolicy(ctx,
			&resiliencehub.DescribeResiliencyPolicyInput{PolicyArn: row.PolicyARN})
		if err != nil {
			return err
		}
		if answer.Policy == nil {
			return without(answer, "the policy")
		}
		policy = answer.Policy
		r.policies[*row.PolicyARN] = policy
	}
	row.PolicyName, row.PolicyTier, row.Policy = text(policy.PolicyName), enum(policy.Tier), jsonOf(policy.Policy)
	if zone, ok := policy.Policy[string(types.DisruptionTypeAz)]; ok {
		row.PolicyAZRPOSeconds, row.PolicyAZRTOSeconds = integer(&zone.RpoInSecs), integer(&zone.RtoInSecs)
	}
	return nil
}

// readAssessment reads the newest assessment that went well.
func (r *resilienceAppReader) readAssessment(ctx context.Context, row *schemas.ResilienceApp) error {
	answer, err := r.client.ListAppAssessments(ctx, &resiliencehub.ListAppAssessmentsInput{
		AppArn: &row.AppARN, AssessmentStatus: []types.AssessmentStatus{types.AssessmentStatusSuccess},
		ReverseOrder: aws.Bool(true), MaxResults: aws.Int32(1),
	})
	if err != nil {
		return err
	}
	if answer.AssessmentSummaries == nil {
		return without(answer, "its list")
	}
	if len(answer.AssessmentSummaries) == 0 {
		return nil
	}
	a := answer.AssessmentSummaries[0]
	row.AssessmentARN, row.AssessmentStatus = text(a.AssessmentArn), enum(a.AssessmentStatus)
	row.AssessmentCompliance, row.AssessmentMessage = enum(a.ComplianceStatus), text(a.Message)
	row.AssessmentStartedAt, row.AssessmentEndedAt = a.StartTime, a.EndTime
	if a.Cost != nil {
		row.CostAmount = floatDecimal(&a.Cost.Amount)
		row.CostCurrency, row.CostFrequency = text(a.Cost.Currency), enum(a.Cost.Frequency)
	}
	return nil
}
