package collectors

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/hubspoke/observability/lib/collect"
)

// AWS names no quota of requests for most operations of Systems Manager.
var ssmService = collect.Service{
	ID:    "SSM",
	Name:  "ssm",
	Rate:  collect.Rate{PerSecond: 5, Burst: 5},
	Quota: "https://docs.aws.amazon.com/general/latest/gr/ssm.html",
}

// ssmNodes returns the managed nodes of the region, 50 a request; AWS sends 10 unless it is
// asked for more.
func ssmNodes(ctx context.Context, client *ssm.Client) iter.Seq2[*types.InstanceInformation, error] {
	pages := ssm.NewDescribeInstanceInformationPaginator(client, &ssm.DescribeInstanceInformationInput{
		MaxResults: aws.Int32(50),
	})
	return each(ctx, pages, func(p *ssm.DescribeInstanceInformationOutput) ([]types.InstanceInformation, *string) {
		return p.InstanceInformationList, p.NextToken
	})
}

// ssmNodeIDs returns the identifiers of the nodes. They are read before the nodes are asked
// one by one: AWS forgets the token of a page while that goes on.
func ssmNodeIDs(ctx context.Context, client *ssm.Client) ([]string, error) {
	return gatherOf(ssmNodes(ctx, client), func(node *types.InstanceInformation) string {
		return aws.ToString(node.InstanceId)
	})
}

// ssmPatchedNodes calls do with the patch state of each node that was ever scanned.
func ssmPatchedNodes(ctx context.Context, client *ssm.Client, do func(*types.InstancePatchState) error) error {
	ids, err := ssmNodeIDs(ctx, client)
	if err != nil {
		return err
	}
	return inBatches(ids, 50, func(batch []string) error {
		pages := ssm.NewDescribeInstancePatchStatesPaginator(client, &ssm.DescribeInstancePatchStatesInput{
			InstanceIds: batch, MaxResults: aws.Int32(50),
		})
		list := each(ctx, pages, func(p *ssm.DescribeInstancePatchStatesOutput) ([]types.InstancePatchState, *string) {
			return p.InstancePatchStates, p.NextToken
		})
		for state, err := range list {
			if err != nil {
				return err
			}
			if err := do(state); err != nil {
				return err
			}
		}
		return nil
	})
}
