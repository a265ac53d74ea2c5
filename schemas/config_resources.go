package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// ConfigResource is one resource that AWS Config records in one account and region: what it
// is, where, and a few properties that many types share. Columns come from
// SelectResourceConfig; the whole configuration, which may hold secrets, is not read.
//
// A global resource, such as an IAM role, is a row in each region that records it, and
// resource_region is global: count it once.
type ConfigResource struct {
	// Type of the resource, such as AWS::EC2::Instance (resourceType).
	ResourceType string `col:"resource_type,key"`
	// Identifier of the resource (resourceId).
	ResourceID string `col:"resource_id,key"`
	// Name of the resource (resourceName). Null: it has none.
	ResourceName *string `col:"resource_name"`
	// ARN of the resource (arn).
	ResourceARN *string `col:"resource_arn"`
	// Account that has the resource (accountId).
	ResourceAccountID *string `col:"resource_account_id"`
	// Region of the resource, global where it has none (awsRegion).
	ResourceRegion *string `col:"resource_region"`
	// Availability zone, or words such as Multiple Availability Zones and Not Applicable (availabilityZone).
	AvailabilityZone *string `col:"availability_zone"`
	// When the resource was created (resourceCreationTime). Null: Config does not know.
	ResourceCreatedAt *time.Time `col:"resource_created_at"`
	// When Config saw the resource change last (configurationItemCaptureTime).
	CapturedAt *time.Time `col:"captured_at"`
	// What Config saw: OK, ResourceDiscovered and so on (configurationItemStatus).
	ItemStatus *string `col:"item_status"`
	// How often Config records the type: CONTINUOUS or DAILY (recordingFrequency). Null: Config does not report it.
	RecordingFrequency *string `col:"recording_frequency"`
	// State, such as running or available (configuration: the first of state.name, state.value, dBInstanceStatus, status
	// and state.code). Null: the type has none.
	State *string `col:"state"`
	// Type of instance, such as m7g.large (configuration.instanceType, dBInstanceClass). Null: the type has none.
	InstanceType *string `col:"instance_type"`
	// Engine of a database, or runtime of a function (configuration.engine, runtime). Null: the type has none.
	Engine *string `col:"engine"`
	// VPC of the resource (configuration.vpcId, vpcConfig.vpcId, dBSubnetGroup.vpcId). Null: it is in none.
	VPCID *string `col:"vpc_id"`
	// Size in GiB (configuration.size, allocatedStorage). Null: the type has none.
	SizeGB *int64 `col:"size_gb"`
	// Type of volume or storage, such as gp3 (configuration.volumeType, storageType). Null: the type has none.
	VolumeType *string `col:"volume_type"`
	// Whether a database has a standby in another zone (configuration.multiAZ). Null: it is no database.
	MultiAZ *bool `col:"multi_az"`
	// Scheme of a load balancer: internal or internet-facing (configuration.scheme). Null: it is none.
	Scheme *string `col:"scheme"`
	// Kind within the type, such as application of load balancers and Zip of functions (configuration.type, packageType).
	// Null: the type has none.
	Subtype *string `col:"subtype"`
	// Least number of instances of an Auto Scaling group (configuration.minSize). Null: it is none.
	MinSize *int64 `col:"min_size"`
	// Largest number of instances of an Auto Scaling group (configuration.maxSize). Null: it is none.
	MaxSize *int64 `col:"max_size"`
	// Number of instances that an Auto Scaling group wants (configuration.desiredCapacity). Null: it is none.
	InstanceCount *int64 `col:"instance_count"`
	// Free addresses of a subnet (configuration.availableIpAddressCount). Null: it is none.
	AvailableIPCount *int64 `col:"available_ip_count"`
	// JSON object of the tags of the resource (tags). Null: it has none. A value that may be a secret is [redacted] by
	// the spoke.
	Tags schema.JSON `col:"tags,object"`
}

// ConfigResources is the category "config_resources": every run lists all resources that
// Config records in one account and region.
var ConfigResources = schema.Of[ConfigResource](schema.Spec{Name: "config_resources", Mode: schema.Snapshot})
