package collectors

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// organizationOf returns the organization that the account is in.
func organizationOf(ctx context.Context, client *organizations.Client) (*types.Organization, error) {
	answer, err := client.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	if err == nil && answer.Organization == nil {
		err = without(answer, "the organization")
	}
	if err != nil {
		return nil, err
	}
	return answer.Organization, nil
}
