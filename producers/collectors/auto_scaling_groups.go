package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Groups are listed, those that are being deleted included. One request reads 100 of them
// with their instances and tags, and AWS charges nothing for it.
var AutoScalingGroups = collect.Collector[schemas.AutoScalingGroup]{
	Category: schemas.AutoScalingGroups,
	Reach:    collect.PerRegion,
	Every:    time.Hour,
	Calls:    []string{"autoscaling:DescribeAutoScalingGroups"},
	Hints: []collect.Hint{
		{Source: "aws.autoscaling", Types: []string{
			"EC2 Instance Launch Successful", "EC2 Instance Launch Unsuccessful",
			"EC2 Instance Terminate Successful", "EC2 Instance Terminate Unsuccessful",
		}},
		{Source: "aws.autoscaling", Calls: []string{
			"CreateAutoScalingGroup", "UpdateAutoScalingGroup", "DeleteAutoScalingGroup", "SetDesiredCapacity",
			"AttachLoadBalancerTargetGroups", "DetachLoadBalancerTargetGroups", "AttachInstances",
			"DetachInstances", "SuspendProcesses", "ResumeProcesses", "CreateOrUpdateTags", "DeleteTags",
		}},
	},
	Collect: collectAutoScalingGroups,
}

// AWS throttles requests without naming the quota.
var autoscalingService = collect.Service{
	ID:    "Auto Scaling",
	Name:  "autoscaling",
	Rate:  collect.Rate{PerSecond: 5, Burst: 5},
	Quota: "https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html",
}

func collectAutoScalingGroups(ctx context.Context, env *collect.Env, emit func(schemas.AutoScalingGroup) error) error {
	client := autoscaling.NewFromConfig(env.AWS)
	pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(client, &autoscaling.DescribeAutoScalingGroupsInput{
		MaxRecords: aws.Int32(100), // else 50
	})
	list := each(ctx, pages, func(p *autoscaling.DescribeAutoScalingGroupsOutput) ([]types.AutoScalingGroup, *string) {
		return p.AutoScalingGroups, p.NextToken
	})
	return emitEach(list, autoScalingGroup, emit)
}

func autoScalingGroup(g *types.AutoScalingGroup) schemas.AutoScalingGroup {
	row := schemas.AutoScalingGroup{
		GroupARN:                aws.ToString(g.AutoScalingGroupARN),
		Name:                    aws.ToString(g.AutoScalingGroupName),
		Status:                  text(g.Status),
		MinSize:                 integer(g.MinSize),
		MaxSize:                 integer(g.MaxSize),
		DesiredCapacity:         integer(g.DesiredCapacity),
		InstanceCount:           int64(len(g.Instances)),
		AvailabilityZones:       jsonOf(g.AvailabilityZones),
		SubnetIDs:               text(g.VPCZoneIdentifier),
		LaunchConfigurationName: text(g.LaunchConfigurationName),
		MixedInstancesPolicy:    jsonOf(g.MixedInstancesPolicy),
		HealthCheckType:         text(g.HealthCheckType),
		TargetGroupARNs:         jsonOf(g.TargetGroupARNs),
		CapacityRebalance:       g.CapacityRebalance,
		SuspendedProcesses:      jsonOf(g.SuspendedProcesses),
		GroupCreatedAt:          g.CreatedTime,
		Tags:                    jsonOf(tagMap(g.Tags)),
	}
	for _, i := range g.Instances {
		if i.LifecycleState == types.LifecycleStateInService {
			row.InServiceCount++
		}
		if aws.ToString(i.HealthStatus) == "Healthy" {
			row.HealthyCount++
		}
	}
	if g.LaunchTemplate != nil {
		row.LaunchTemplateID = text(g.LaunchTemplate.LaunchTemplateId)
		row.LaunchTemplateVersion = text(g.LaunchTemplate.Version)
	}
	return row
}
