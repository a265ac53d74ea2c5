package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// EC2Instance is one EC2 instance as seen in one account and region, in any
// state; a terminated instance stays visible for about an hour. Columns come from
// DescribeInstances (Reservation and Instance).
type EC2Instance struct {
	// Identifier of the instance (InstanceId).
	InstanceID string `col:"instance_id,key"`
	// Value of the tag Name (Tags), as in tags. Null: there is no such tag.
	Name *string `col:"name"`
	// State: pending, running, shutting-down, terminated, stopping or stopped (State.Name).
	State *string `col:"state"`
	// Reason of the last change of state (StateTransitionReason). Null: AWS gives none.
	StateTransitionReason *string `col:"state_transition_reason"`
	// Instance type, such as m7g.large (InstanceType).
	InstanceType *string `col:"instance_type"`
	// How the instance was bought: spot, scheduled, capacity-block or interruptible-capacity-reservation
	// (InstanceLifecycle). Null: on demand.
	Lifecycle *string `col:"lifecycle"`
	// Machine image that the instance was launched from (ImageId).
	ImageID *string `col:"image_id"`
	// Processor architecture, such as arm64 (Architecture).
	Architecture *string `col:"architecture"`
	// Operating system as it is billed, such as Linux/UNIX or Windows (PlatformDetails).
	PlatformDetails *string `col:"platform_details"`
	// Availability zone (Placement.AvailabilityZone).
	AvailabilityZone *string `col:"availability_zone"`
	// Tenancy: default, dedicated or host (Placement.Tenancy).
	Tenancy *string `col:"tenancy"`
	// When the instance was last launched or started (LaunchTime).
	LaunchedAt *time.Time `col:"launched_at"`
	// VPC of the instance (VpcId). Null once it is terminated.
	VPCID *string `col:"vpc_id"`
	// Subnet of the instance (SubnetId). Null once it is terminated.
	SubnetID *string `col:"subnet_id"`
	// Private IPv4 address (PrivateIpAddress). Null: none.
	PrivateIPAddress *string `col:"private_ip_address,personal=network"`
	// Public IPv4 address (PublicIpAddress). Null: none.
	PublicIPAddress *string `col:"public_ip_address,personal=network"`
	// IPv6 address (Ipv6Address). Null: none.
	IPv6Address *string `col:"ipv6_address,personal=network"`
	// Private DNS name (PrivateDnsName). Null: none.
	PrivateDNSName *string `col:"private_dns_name,personal=network"`
	// Public DNS name (PublicDnsName). Null: none.
	PublicDNSName *string `col:"public_dns_name,personal=network"`
	// JSON array of security groups: GroupId and GroupName (SecurityGroups).
	SecurityGroups schema.JSON `col:"security_groups,array"`
	// ARN of the instance profile, which gives the instance its role (IamInstanceProfile.Arn). Null: none.
	InstanceProfileARN *string `col:"instance_profile_arn"`
	// Name of the SSH key pair (KeyName). Null: none.
	KeyName *string `col:"key_name"`
	// Whether the metadata service requires session tokens (IMDSv2): required or optional (MetadataOptions.HttpTokens).
	MetadataHTTPTokens *string `col:"metadata_http_tokens"`
	// Whether the metadata service can be reached: enabled or disabled (MetadataOptions.HttpEndpoint).
	MetadataHTTPEndpoint *string `col:"metadata_http_endpoint"`
	// Detailed monitoring: enabled, disabled, pending or disabling (Monitoring.State).
	MonitoringState *string `col:"monitoring_state"`
	// Whether the instance is optimized for EBS (EbsOptimized).
	EBSOptimized *bool `col:"ebs_optimized"`
	// Type of the root device: ebs or instance-store (RootDeviceType).
	RootDeviceType *string `col:"root_device_type"`
	// JSON array of attached EBS volumes: DeviceName, VolumeId and DeleteOnTermination (BlockDeviceMappings). Null: none.
	Volumes schema.JSON `col:"volumes,array"`
	// Launch request that the instance belongs to (Reservation.ReservationId).
	ReservationID *string `col:"reservation_id"`
	// AWS service or account that launched the instance for the owner, such as an Auto Scaling group's
	// (Reservation.RequesterId). Null: the owner did.
	RequesterID *string `col:"requester_id"`
	// JSON object of the tags of the instance (Tags). Null: it has none. A value that may be a secret is [redacted] by
	// the spoke.
	Tags schema.JSON `col:"tags,object"`
}

// EC2Instances is the category "ec2_instances": every run lists all instances of
// one account and region.
var EC2Instances = schema.Of[EC2Instance](schema.Spec{
	Name: "ec2_instances", Mode: schema.Snapshot,
	Indexes: []schema.Index{{
		// Instances that cost money now, by account.
		Name: "running", Columns: []string{"account_id", "launched_at"},
		Where: "deleted_at IS NULL AND state = 'running'",
	}},
})
