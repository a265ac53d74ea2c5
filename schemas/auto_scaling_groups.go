package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// AutoScalingGroup is one EC2 Auto Scaling group as seen in one account and region. Its
// instances are counted here; ec2_instances has them. Columns come from
// DescribeAutoScalingGroups (AutoScalingGroup).
type AutoScalingGroup struct {
	// ARN of the group (AutoScalingGroupARN).
	GroupARN string `col:"group_arn,key"`
	// Name of the group, which is unique in the account and region (AutoScalingGroupName).
	Name string `col:"name"`
	// State of the group while it is deleted: "Delete in progress" (Status). Null: it is not being deleted.
	Status *string `col:"status"`
	// Smallest size (MinSize).
	MinSize *int64 `col:"min_size"`
	// Largest size (MaxSize).
	MaxSize *int64 `col:"max_size"`
	// Size that the group is to have now (DesiredCapacity).
	DesiredCapacity *int64 `col:"desired_capacity"`
	// How many instances the group has, in any state (Instances).
	InstanceCount int64 `col:"instance_count"`
	// How many of them are InService (Instances.LifecycleState).
	InServiceCount int64 `col:"in_service_count"`
	// How many of them are Healthy (Instances.HealthStatus).
	HealthyCount int64 `col:"healthy_count"`
	// JSON array of the names of availability zones (AvailabilityZones).
	AvailabilityZones schema.JSON `col:"availability_zones,array"`
	// Identifiers of the subnets, with commas between them (VPCZoneIdentifier).
	SubnetIDs *string `col:"subnet_ids"`
	// Launch template of the group (LaunchTemplate.LaunchTemplateId). Null: it has a launch configuration or a mixed
	// instances policy.
	LaunchTemplateID *string `col:"launch_template_id"`
	// Version of the launch template: a number, $Latest or $Default (LaunchTemplate.Version). Null: as launch_template_id.
	LaunchTemplateVersion *string `col:"launch_template_version"`
	// Launch configuration of the group, which AWS has replaced by launch templates (LaunchConfigurationName). Null: it
	// has none.
	LaunchConfigurationName *string `col:"launch_configuration_name"`
	// JSON object of how the group mixes instance types and Spot: LaunchTemplate and InstancesDistribution
	// (MixedInstancesPolicy). Null: it does not.
	MixedInstancesPolicy schema.JSON `col:"mixed_instances_policy,object"`
	// Services that judge the health of instances, with commas between them, such as EC2 or EC2,ELB (HealthCheckType).
	HealthCheckType *string `col:"health_check_type"`
	// JSON array of the ARNs of target groups (TargetGroupARNs). Null: none.
	TargetGroupARNs schema.JSON `col:"target_group_arns,array"`
	// Whether Spot instances are replaced before AWS takes them back (CapacityRebalance). Null: it was never set.
	CapacityRebalance *bool `col:"capacity_rebalance"`
	// JSON array of suspended processes: ProcessName and SuspensionReason (SuspendedProcesses). Null: none.
	SuspendedProcesses schema.JSON `col:"suspended_processes,array"`
	// When the group was created (CreatedTime).
	GroupCreatedAt *time.Time `col:"group_created_at"`
	// JSON object of the tags of the group (Tags). Null: it has none. A value that may be a secret is [redacted] by the
	// spoke.
	Tags schema.JSON `col:"tags,object"`
}

// AutoScalingGroups is the category "auto_scaling_groups": every run lists all groups of one
// account and region.
var AutoScalingGroups = schema.Of[AutoScalingGroup](schema.Spec{Name: "auto_scaling_groups", Mode: schema.Snapshot})
