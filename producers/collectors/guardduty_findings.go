package collectors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/guardduty/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Findings are listed, archived and current ones of all severities, and then read 50 at a
// time: two requests for 50 findings, for which AWS charges nothing. The first run and one
// run a day read all of them; the other runs read those updated since the last complete
// run. A region without a detector ends with the outcome disabled.
var GuardDutyFindings = collect.Collector[schemas.GuardDutyFinding]{
	Category: schemas.GuardDutyFindings,
	Reach:    collect.PerRegion,
	Every:    15 * time.Minute,
	Calls:    []string{"guardduty:ListDetectors", "guardduty:ListFindings", "guardduty:GetFindings"},
	// Archiving a finding does not promise to move UpdatedAt, so everything is read once
	// a day.
	Incremental: &collect.Incremental{FullEvery: 24 * time.Hour, Overlap: 15 * time.Minute},
	Hints: []collect.Hint{
		{Source: "aws.guardduty", Types: []string{"GuardDuty Finding"}},
	},
	Collect: collectGuardDutyFindings,
}

// AWS names no quota of requests for GuardDuty.
var guarddutyService = collect.Service{
	ID:    "GuardDuty",
	Name:  "guardduty",
	Rate:  collect.Rate{PerSecond: 2, Burst: 3},
	Quota: "https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_limits.html",
}

func collectGuardDutyFindings(ctx context.Context, env *collect.Env, emit func(schemas.GuardDutyFinding) error) error {
	client := guardduty.NewFromConfig(env.AWS)
	detectors, err := guarddutyDetectors(ctx, client)
	if err != nil {
		return err
	}
	if len(detectors) == 0 {
		return collect.Disabled(errors.New("GuardDuty has no detector in the region"))
	}
	for _, detector := range detectors {
		ids, err := guarddutyFindingIDs(ctx, env, client, detector)
		if err != nil {
			return err
		}
		err = inBatches(ids, 50, func(batch []string) error {
			return readGuardDutyFindings(ctx, env, client, detector, batch, emit)
		})
		if err != nil {
			return fmt.Errorf("detector %s: %w", detector, err)
		}
	}
	return nil
}

func guarddutyFindingIDs(ctx context.Context, env *collect.Env, client *guardduty.Client, detector string) ([]string,
	error) {
	input := &guardduty.ListFindingsInput{
		DetectorId: &detector,
		MaxResults: aws.Int32(50),
		// A finding that is updated while pages are read moves to the end, where it is
		// seen again, instead of out of sight.
		SortCriteria: &types.SortCriteria{AttributeName: aws.String("updatedAt"), OrderBy: types.OrderByAsc},
	}
	if !env.Since.IsZero() {
		input.FindingCriteria = &types.FindingCriteria{Criterion: map[string]types.Condition{
			"updatedAt": {GreaterThanOrEqual: aws.Int64(env.Since.UnixMilli())},
		}}
	}
	pages := guardduty.NewListFindingsPaginator(client, input)
	list, err := gather(each(ctx, pages, func(p *guardduty.ListFindingsOutput) ([]string, *string) {
		return p.FindingIds, p.NextToken
	}))
	return distinct(list), err
}

func readGuardDutyFindings(
	ctx context.Context, env *collect.Env, client *guardduty.Client, detector string, ids []string,
	emit func(schemas.GuardDutyFinding) error,
) error {
	findings := each(ctx, single(func(ctx context.Context) (*guardduty.GetFindingsOutput, error) {
		return client.GetFindings(ctx, &guardduty.GetFindingsInput{DetectorId: &detector, FindingIds: ids})
	}), func(p *guardduty.GetFindingsOutput) ([]types.Finding, *string) { return p.Findings, nil })
	return emitEach(findings, func(f *types.Finding) schemas.GuardDutyFinding {
		return guarddutyFinding(env, detector, f)
	}, emit)
}

func guarddutyFinding(env *collect.Env, detector string, f *types.Finding) schemas.GuardDutyFinding {
	at := func(field string, value *string) *time.Time { return parseTime(env, aws.ToString(f.Id), field, value) }
	row := schemas.GuardDutyFinding{
		FindingID:        aws.ToString(f.Id),
		FindingARN:       text(f.Arn),
		DetectorID:       detector,
		FindingAccountID: aws.ToString(f.AccountId),
		FindingRegion:    text(f.Region),
		FindingType:      text(f.Type),
		Severity:         f.Severity,
		Confidence:       f.Confidence,
		Title:            freeText(f.Title),
		Description:      freeText(f.Description),
		FindingCreatedAt: at("CreatedAt", f.CreatedAt),
		FindingUpdatedAt: at("UpdatedAt", f.UpdatedAt),
	}
	if r := f.Resource; r != nil {
		row.ResourceType, row.ResourceID, row.Resource = text(r.ResourceType), guarddutyFindingResource(r), redactJSON(r)
	}
	if s := f.Service; s != nil {
		if s.DetectorId != nil {
			row.DetectorID = *s.DetectorId
		}
		row.Archived, row.Count = s.Archived, integer(s.Count)
		row.FeatureName, row.UserFeedback = text(s.FeatureName), text(s.UserFeedback)
		row.EventFirstSeenAt = at("EventFirstSeen", s.EventFirstSeen)
		row.EventLastSeenAt = at("EventLastSeen", s.EventLastSeen)
		if s.Action != nil {
			row.ActionType, row.Action = text(s.Action.ActionType), redactJSON(guarddutyFindingAction(*s.Action))
		}
	}
	return row
}

// guarddutyFindingAction leaves out what somebody sent to a cluster: it may be a secret of it.
func guarddutyFindingAction(a types.Action) types.Action {
	if call := a.KubernetesApiCallAction; call != nil {
		brief := *call
		brief.Parameters = nil
		a.KubernetesApiCallAction = &brief
	}
	return a
}

// guarddutyFindingResource returns the identifier of the resource. A cluster comes with the
// instance that it runs on, and a bucket with the access key that was used.
func guarddutyFindingResource(r *types.Resource) *string {
	switch {
	case len(r.S3BucketDetails) > 0:
		return text(r.S3BucketDetails[0].Arn)
	case r.EksClusterDetails != nil:
		return text(r.EksClusterDetails.Arn)
	case r.EcsClusterDetails != nil:
		return text(r.EcsClusterDetails.Arn)
	case r.LambdaDetails != nil:
		return text(r.LambdaDetails.FunctionArn)
	case r.RdsDbInstanceDetails != nil:
		return text(r.RdsDbInstanceDetails.DbInstanceArn)
	case r.InstanceDetails != nil:
		return text(r.InstanceDetails.InstanceId)
	case r.AccessKeyDetails != nil:
		return text(r.AccessKeyDetails.AccessKeyId)
	}
	return nil
}
