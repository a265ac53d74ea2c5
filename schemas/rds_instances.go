package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// RDSInstance is one database instance of RDS, Aurora, Neptune or DocumentDB as seen in one
// account and region; engine tells which. Columns come from DescribeDBInstances
// (DBInstance). The name of the master user is left out.
type RDSInstance struct {
	// ARN of the instance (DBInstanceArn).
	DBInstanceARN string `col:"db_instance_arn,key"`
	// Name of the instance, which is unique in the account and region (DBInstanceIdentifier).
	DBInstanceID string `col:"db_instance_id"`
	// Cluster that the instance belongs to (DBClusterIdentifier). Null: none.
	DBClusterID *string `col:"db_cluster_id"`
	// Identifier that stays when the instance is renamed, such as db-ABCDEFGH (DbiResourceId).
	ResourceID *string `col:"resource_id"`
	// Database engine, such as postgres, aurora-mysql, neptune or docdb (Engine).
	Engine *string `col:"engine"`
	// Version of the engine (EngineVersion).
	EngineVersion *string `col:"engine_version"`
	// Instance class, such as db.r7g.large (DBInstanceClass).
	InstanceClass *string `col:"instance_class"`
	// Status, such as available, stopped or storage-full (DBInstanceStatus).
	Status *string `col:"status"`
	// Whether the instance has a standby in another zone (MultiAZ). False for every member of an Aurora cluster, in how
	// many zones that may be.
	MultiAZ *bool `col:"multi_az"`
	// Availability zone (AvailabilityZone). Null while the instance is created.
	AvailabilityZone *string `col:"availability_zone"`
	// Availability zone of the standby (SecondaryAvailabilityZone). Null: none.
	SecondaryAvailabilityZone *string `col:"secondary_availability_zone"`
	// VPC of the instance (DBSubnetGroup.VpcId).
	VPCID *string `col:"vpc_id"`
	// Storage type, such as gp3 or aurora (StorageType).
	StorageType *string `col:"storage_type"`
	// Allocated storage in GiB (AllocatedStorage). 1 for Aurora, which allocates in the cluster.
	AllocatedStorageGB *int64 `col:"allocated_storage_gb"`
	// Size in GiB up to which the storage grows on its own (MaxAllocatedStorage). Null: it does not.
	MaxAllocatedStorageGB *int64 `col:"max_allocated_storage_gb"`
	// Provisioned I/O operations per second (Iops). Null: none.
	IOPS *int64 `col:"iops"`
	// Whether the storage is encrypted (StorageEncrypted).
	StorageEncrypted *bool `col:"storage_encrypted"`
	// ARN of the KMS key that encrypts the storage (KmsKeyId). Null: it is not encrypted.
	KMSKeyID *string `col:"kms_key_id"`
	// Whether the name of the endpoint resolves to a public address (PubliclyAccessible). Security groups may still
	// refuse connections.
	PubliclyAccessible *bool `col:"publicly_accessible"`
	// DNS name of the endpoint (Endpoint.Address). Null while the instance is created.
	EndpointAddress *string `col:"endpoint_address"`
	// Port of the endpoint (Endpoint.Port). Null while the instance is created.
	EndpointPort *int64 `col:"endpoint_port"`
	// Whether IAM users and roles can log in to the database (IAMDatabaseAuthenticationEnabled).
	IAMAuthenticationEnabled *bool `col:"iam_authentication_enabled"`
	// Whether the instance is protected from deletion (DeletionProtection).
	DeletionProtection *bool `col:"deletion_protection"`
	// Days for which automatic backups are kept (BackupRetentionPeriod). 0: there are none.
	BackupRetentionDays *int64 `col:"backup_retention_days"`
	// Latest time to which the database can be restored (LatestRestorableTime). Null: AWS reports none.
	LatestRestorableAt *time.Time `col:"latest_restorable_at"`
	// Whether minor versions of the engine are installed on their own (AutoMinorVersionUpgrade).
	AutoMinorVersionUpgrade *bool `col:"auto_minor_version_upgrade"`
	// Certificate authority of the server certificate, such as rds-ca-rsa2048-g1 (CACertificateIdentifier).
	CACertificate *string `col:"ca_certificate"`
	// When the server certificate expires (CertificateDetails.ValidTill).
	CertificateValidTill *time.Time `col:"certificate_valid_till"`
	// Whether the engine may go into extended support: open-source-rds-extended-support or
	// open-source-rds-extended-support-disabled (EngineLifecycleSupport). Null: the engine has none.
	LifecycleSupport *string `col:"lifecycle_support"`
	// Whether Performance Insights is on (PerformanceInsightsEnabled). Null: the engine or class has none.
	PerformanceInsightsEnabled *bool `col:"performance_insights_enabled"`
	// Seconds between two points of Enhanced Monitoring (MonitoringInterval). 0: it is off.
	MonitoringIntervalSeconds *int64 `col:"monitoring_interval_seconds"`
	// License model, such as license-included (LicenseModel).
	LicenseModel *string `col:"license_model"`
	// JSON array of security groups of the VPC: VpcSecurityGroupId and Status (VpcSecurityGroups). Null: none.
	SecurityGroups schema.JSON `col:"security_groups,array"`
	// JSON array of the logs that go to CloudWatch Logs, such as postgresql (EnabledCloudwatchLogsExports). Null: none.
	LogExports schema.JSON `col:"log_exports,array"`
	// When the instance was created (InstanceCreateTime). Null while it is created.
	InstanceCreatedAt *time.Time `col:"instance_created_at"`
	// JSON object of the tags of the instance (TagList). Null: it has none. A value that may be a secret is [redacted] by
	// the spoke.
	Tags schema.JSON `col:"tags,object"`
}

// RDSInstances is the category "rds_instances": every run lists all database instances of
// one account and region.
var RDSInstances = schema.Of[RDSInstance](schema.Spec{Name: "rds_instances", Mode: schema.Snapshot})
