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

// Volumes are listed in every state. One request reads 500 of them, and AWS charges
// nothing for it.
var EBSVolumes = collect.Collector[schemas.EBSVolume]{
	Category: schemas.EBSVolumes,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls:    []string{"ec2:DescribeVolumes"},
	Hints: []collect.Hint{
		{Source: "aws.ec2", Types: []string{"EBS Volume Notification"}},
		{Source: "aws.ec2", Calls: []string{
			"AttachVolume", "DetachVolume", "ModifyVolume", "CreateTags", "DeleteTags",
		}},
	},
	Collect: collectEBSVolumes,
}

func collectEBSVolumes(ctx context.Context, env *collect.Env, emit func(schemas.EBSVolume) error) error {
	list := eachByToken(ctx, &ec2.DescribeVolumesInput{MaxResults: aws.Int32(500)},
		ec2.NewFromConfig(env.AWS).DescribeVolumes,
		func(in *ec2.DescribeVolumesInput) **string { return &in.NextToken },
		func(p *ec2.DescribeVolumesOutput) ([]types.Volume, *string) { return p.Volumes, p.NextToken })
	return emitEach(list, ebsVolume, emit)
}

func ebsVolume(v *types.Volume) schemas.EBSVolume {
	tags := tagMap(v.Tags)
	row := schemas.EBSVolume{
		VolumeID:           aws.ToString(v.VolumeId),
		VolumeARN:          text(v.VolumeArn),
		Name:               nameTag(tags),
		State:              enum(v.State),
		VolumeType:         enum(v.VolumeType),
		SizeGB:             integer(v.Size),
		IOPS:               integer(v.Iops),
		ThroughputMiBps:    integer(v.Throughput),
		Encrypted:          v.Encrypted,
		KMSKeyID:           text(v.KmsKeyId),
		AvailabilityZone:   text(v.AvailabilityZone),
		SnapshotID:         text(v.SnapshotId),
		MultiAttachEnabled: v.MultiAttachEnabled,
		Attachments:        jsonOf(v.Attachments),
		VolumeCreatedAt:    v.CreateTime,
		Tags:               jsonOf(tags),
	}
	if len(v.Attachments) > 0 {
		row.InstanceID = text(v.Attachments[0].InstanceId)
		row.DeleteOnTermination = v.Attachments[0].DeleteOnTermination
	}
	return row
}
