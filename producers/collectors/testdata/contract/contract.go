// Package contract makes each mistake that the test of the collectors looks for.
package contract

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func bypassed(ctx context.Context, client *kms.Client) (*kms.ListKeysOutput, error) {
	return client.ListKeys(ctx, &kms.ListKeysInput{})
}

func firstPage(ctx context.Context, client *kms.Client) (*kms.ListKeysOutput, error) {
	return kms.NewListKeysPaginator(client, &kms.ListKeysInput{}).NextPage(ctx)
}

func leftOut(entry types.KeyListEntry) string { return aws.ToString(entry.KeyArn) }

func noLoop(ctx context.Context, client *costexplorer.Client) (*costexplorer.GetCostAndUsageOutput, error) {
	return client.GetCostAndUsage(ctx, &costexplorer.GetCostAndUsageInput{})
}

func large(client *ec2.Client) *ec2.DescribeVolumesPaginator {
	return ec2.NewDescribeVolumesPaginator(client, &ec2.DescribeVolumesInput{})
}

func loop(ctx context.Context, client *costexplorer.Client) error {
	input := &costexplorer.GetCostAndUsageInput{}
	for {
		answer, err := client.GetCostAndUsage(ctx, input)
		if err != nil || answer.NextPageToken == nil {
			return err
		}
		input.NextPageToken = answer.NextPageToken
	}
}

var _ = []any{bypassed, firstPage, large, leftOut, noLoop, loop}
