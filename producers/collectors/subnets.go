package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Subnets are listed with those that others share with the account. One request reads
// 1,000 of them, and AWS charges nothing for it.
var Subnets = collect.Collector[schemas.Subnet]{
	Category: schemas.Subnets,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls:    []string{"ec2:DescribeSubnets"},
	Hints: []collect.Hint{
		{Source: "aws.ec2", Calls: []string{
			"CreateSubnet", "DeleteSubnet", "ModifySubnetAttribute", "AssociateSubnetCidrBlock",
			"DisassociateSubnetCidrBlock", "CreateTags", "DeleteTags",
		}},
	},
	Collect: collectSubnets,
}

func collectSubnets(ctx context.Context, env *collect.Env, emit func(schemas.Subnet) error) error {
	list := eachByToken(ctx, &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(1000)},
		ec2.NewFromConfig(env.AWS).DescribeSubnets,
		func(in *ec2.DescribeSubnetsInput) **string { return &in.NextToken },
		func(p *ec2.DescribeSubnetsOutput) ([]types.Subnet, *string) { return p.Subnets, p.NextToken })
	return emitEach(list, subnet, emit)
}

func subnet(s *types.Subnet) schemas.Subnet {
	tags := tagMap(s.Tags)
	return schemas.Subnet{
		SubnetID:            aws.ToString(s.SubnetId),
		SubnetARN:           text(s.SubnetArn),
		Name:                nameTag(tags),
		VPCID:               text(s.VpcId),
		OwnerID:             text(s.OwnerId),
		State:               enum(s.State),
		CIDRBlock:           text(s.CidrBlock),
		IPv6CIDRBlocks:      jsonOf(s.Ipv6CidrBlockAssociationSet),
		AvailabilityZone:    text(s.AvailabilityZone),
		AvailabilityZoneID:  text(s.AvailabilityZoneId),
		AvailableIPCount:    integer(s.AvailableIpAddressCount),
		MapPublicIPOnLaunch: s.MapPublicIpOnLaunch,
		DefaultForAZ:        s.DefaultForAz,
		Tags:                jsonOf(tags),
	}
}
