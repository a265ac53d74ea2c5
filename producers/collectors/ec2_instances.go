package collectors

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// Instances are listed in every state. One request reads up to 1,000 instances, and
// AWS charges nothing for it.
var EC2Instances = collect.Collector[schemas.EC2Instance]{
	Category: schemas.EC2Instances,
	Reach:    collect.PerRegion,
	Every:    time.Hour,
	Calls:    []string{"ec2:DescribeInstances"},
	Hints: []collect.Hint{
		{Source: "aws.ec2", Types: []string{"EC2 Instance State-change Notification"}},
		{Source: "aws.ec2", Calls: []string{
			"ModifyInstance*", "AssociateAddress", "DisassociateAddress", "AssociateIamInstanceProfile",
			"DisassociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation", "MonitorInstances",
			"UnmonitorInstances", "AttachVolume", "DetachVolume", "CreateTags", "DeleteTags",
		}},
	},
	Collect: collectEC2Instances,
}

// The bucket of paged Describe requests refills at 20 a second.
var ec2Service = collect.Service{
	ID:    "EC2",
	Name:  "ec2",
	Rate:  collect.Rate{PerSecond: 5, Burst: 5},
	Quota: "https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html",
}

func collectEC2Instances(ctx context.Context, env *collect.Env, emit func(schemas.EC2Instance) error) error {
	list := eachByToken(ctx, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(1000)},
		ec2.NewFromConfig(env.AWS).DescribeInstances,
		func(in *ec2.DescribeInstancesInput) **string { return &in.NextToken },
		func(p *ec2.DescribeInstancesOutput) ([]types.Reservation, *string) {
			return p.Reservations, p.NextToken
		})
	for reservation, err := range list {
		if err != nil {
			return err
		}
		if reservation.Instances == nil {
			return fmt.Errorf("DescribeInstances answered without the instances of reservation %s",
				aws.ToString(reservation.ReservationId))
		}
		for i := range reservation.Instances {
			if err := emit(ec2Instance(reservation, &reservation.Instances[i])); err != nil {
				return err
			}
		}
	}
	return nil
}

func ec2Instance(reservation *types.Reservation, i *types.Instance) schemas.EC2Instance {
	tags := tagMap(i.Tags)
	row := schemas.EC2Instance{
		InstanceID:            aws.ToString(i.InstanceId),
		Name:                  nameTag(tags),
		StateTransitionReason: text(i.StateTransitionReason),
		InstanceType:          enum(i.InstanceType),
		Lifecycle:             enum(i.InstanceLifecycle),
		ImageID:               text(i.ImageId),
		Architecture:          enum(i.Architecture),
		PlatformDetails:       text(i.PlatformDetails),
		LaunchedAt:            i.LaunchTime,
		VPCID:                 text(i.VpcId),
		SubnetID:              text(i.SubnetId),
		PrivateIPAddress:      text(i.PrivateIpAddress),
		PublicIPAddress:       text(i.PublicIpAddress),
		IPv6Address:           text(i.Ipv6Address),
		PrivateDNSName:        text(i.PrivateDnsName),
		PublicDNSName:         text(i.PublicDnsName),
		SecurityGroups:        jsonOf(i.SecurityGroups),
		KeyName:               text(i.KeyName),
		EBSOptimized:          i.EbsOptimized,
		RootDeviceType:        enum(i.RootDeviceType),
		Volumes:               ec2InstanceVolumes(i.BlockDeviceMappings),
		ReservationID:         text(reservation.ReservationId),
		RequesterID:           text(reservation.RequesterId),
		Tags:                  jsonOf(tags),
	}
	if i.State != nil {
		row.State = enum(i.State.Name)
	}
	if i.Placement != nil {
		row.AvailabilityZone = text(i.Placement.AvailabilityZone)
		row.Tenancy = enum(i.Placement.Tenancy)
	}
	if i.IamInstanceProfile != nil {
		row.InstanceProfileARN = text(i.IamInstanceProfile.Arn)
	}
	if i.MetadataOptions != nil {
		row.MetadataHTTPTokens = enum(i.MetadataOptions.HttpTokens)
		row.MetadataHTTPEndpoint = enum(i.MetadataOptions.HttpEndpoint)
	}
	if i.Monitoring != nil {
		row.MonitoringState = enum(i.Monitoring.State)
	}
	return row
}

func ec2InstanceVolumes(mappings []types.InstanceBlockDeviceMapping) schema.JSON {
	type volume struct {
		DeviceName          *string
		VolumeId            *string
		DeleteOnTermination *bool
	}
	var volumes []volume
	for _, m := range mappings {
		if m.Ebs != nil {
			volumes = append(volumes, volume{m.DeviceName, m.Ebs.VolumeId, m.Ebs.DeleteOnTermination})
		}
	}
	return jsonOf(volumes)
}
