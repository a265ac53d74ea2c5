package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// EBSVolume is one EBS volume as seen in one account and region, attached or not.
// Columns come from DescribeVolumes (Volume).
type EBSVolume struct {
	// Identifier of the volume (VolumeId).
	VolumeID string `col:"volume_id,key"`
	// ARN of the volume (VolumeArn). Null: AWS does not report it.
	VolumeARN *string `col:"volume_arn"`
	// Value of the tag Name (Tags), as in tags. Null: there is no such tag.
	Name *string `col:"name"`
	// State: creating, available (attached to no instance), in-use, deleting, deleted or error (State).
	State *string `col:"state"`
	// Volume type, such as gp3 (VolumeType).
	VolumeType *string `col:"volume_type"`
	// Size in GiB (Size).
	SizeGB *int64 `col:"size_gb"`
	// Provisioned I/O operations per second, of gp2 the baseline (Iops). Null: the type has none, such as st1.
	IOPS *int64 `col:"iops"`
	// Provisioned throughput in MiB per second (Throughput). Null: the type has none.
	ThroughputMiBps *int64 `col:"throughput_mibps"`
	// Whether the volume is encrypted (Encrypted).
	Encrypted *bool `col:"encrypted"`
	// ARN of the KMS key that encrypts the volume (KmsKeyId). Null: it is not encrypted.
	KMSKeyID *string `col:"kms_key_id"`
	// Availability zone (AvailabilityZone).
	AvailabilityZone *string `col:"availability_zone"`
	// Snapshot that the volume was made from (SnapshotId). Null: none.
	SnapshotID *string `col:"snapshot_id"`
	// Whether the volume can be attached to several instances (MultiAttachEnabled).
	MultiAttachEnabled *bool `col:"multi_attach_enabled"`
	// Instance of the first attachment (Attachments.InstanceId). Null: it is attached to none.
	InstanceID *string `col:"instance_id"`
	// Whether the volume is deleted with the instance of the first attachment (Attachments.DeleteOnTermination). Null: it
	// is attached to none.
	DeleteOnTermination *bool `col:"delete_on_termination"`
	// JSON array of all attachments: InstanceId, Device, State, AttachTime and so on (Attachments). Null: none.
	Attachments schema.JSON `col:"attachments,array"`
	// When the volume was created (CreateTime).
	VolumeCreatedAt *time.Time `col:"volume_created_at"`
	// JSON object of the tags of the volume (Tags). Null: it has none. A value that may be a secret is [redacted] by the
	// spoke.
	Tags schema.JSON `col:"tags,object"`
}

// EBSVolumes is the category "ebs_volumes": every run lists all volumes of one account
// and region.
var EBSVolumes = schema.Of[EBSVolume](schema.Spec{Name: "ebs_volumes", Mode: schema.Snapshot})
