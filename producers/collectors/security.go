package collectors

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"

	"github.com/hubspoke/observability/lib/collect"
)

// guarddutyDetectors returns the identifiers of the detectors of the region: one or none.
func guarddutyDetectors(ctx context.Context, client *guardduty.Client) ([]string, error) {
	pages := guardduty.NewListDetectorsPaginator(client, &guardduty.ListDetectorsInput{MaxResults: aws.Int32(50)})
	return gather(each(ctx, pages, func(p *guardduty.ListDetectorsOutput) ([]string, *string) {
		return p.DetectorIds, p.NextToken
	}))
}

// inspectorState returns how Inspector is set up in the region.
func inspectorState(ctx context.Context, env *collect.Env, client *inspector2.Client) (*types.AccountState, error) {
	answer, err := client.BatchGetAccountStatus(ctx,
		&inspector2.BatchGetAccountStatusInput{AccountIds: []string{env.Account}})
	if err != nil {
		return nil, err
	}
	if len(answer.Accounts) != 1 || answer.Accounts[0].State == nil {
		return nil, without(answer, "the state of the account")
	}
	return &answer.Accounts[0], nil
}
