package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Database instances are listed, those of Neptune and DocumentDB included. One request
// reads 100 of them with their tags, and AWS charges nothing for it.
var RDSInstances = collect.Collector[schemas.RDSInstance]{
	Category: schemas.RDSInstances,
	Reach:    collect.PerRegion,
	Every:    time.Hour,
	Calls:    []string{"rds:DescribeDBInstances"},
	Hints: []collect.Hint{
		{Source: "aws.rds", Types: []string{"RDS DB Instance Event"}},
		{Source: "aws.rds", Calls: []string{
			"CreateDBInstance*", "ModifyDBInstance", "DeleteDBInstance", "StartDBInstance", "StopDBInstance",
			"PromoteReadReplica", "AddTagsToResource", "RemoveTagsFromResource",
		}},
	},
	Collect: collectRDSInstances,
}

// AWS names no quota of requests for RDS.
var rdsService = collect.Service{
	ID:    "RDS",
	Name:  "rds",
	Rate:  collect.Rate{PerSecond: 5, Burst: 5},
	Quota: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html",
}

func collectRDSInstances(ctx context.Context, env *collect.Env, emit func(schemas.RDSInstance) error) error {
	list := eachByToken(ctx, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(100)},
		rds.NewFromConfig(env.AWS).DescribeDBInstances,
		func(in *rds.DescribeDBInstancesInput) **string { return &in.Marker },
		func(p *rds.DescribeDBInstancesOutput) ([]types.DBInstance, *string) { return p.DBInstances, p.Marker })
	return emitEach(list, rdsInstance, emit)
}

func rdsInstance(i *types.DBInstance) schemas.RDSInstance {
	row := schemas.RDSInstance{
		DBInstanceARN:              aws.ToString(i.DBInstanceArn),
		DBInstanceID:               aws.ToString(i.DBInstanceIdentifier),
		DBClusterID:                text(i.DBClusterIdentifier),
		ResourceID:                 text(i.DbiResourceId),
		Engine:                     text(i.Engine),
		EngineVersion:              text(i.EngineVersion),
		InstanceClass:              text(i.DBInstanceClass),
		Status:                     text(i.DBInstanceStatus),
		MultiAZ:                    i.MultiAZ,
		AvailabilityZone:           text(i.AvailabilityZone),
		SecondaryAvailabilityZone:  text(i.SecondaryAvailabilityZone),
		StorageType:                text(i.StorageType),
		AllocatedStorageGB:         integer(i.AllocatedStorage),
		MaxAllocatedStorageGB:      integer(i.MaxAllocatedStorage),
		IOPS:                       integer(i.Iops),
		StorageEncrypted:           i.StorageEncrypted,
		KMSKeyID:                   text(i.KmsKeyId),
		PubliclyAccessible:         i.PubliclyAccessible,
		IAMAuthenticationEnabled:   i.IAMDatabaseAuthenticationEnabled,
		DeletionProtection:         i.DeletionProtection,
		BackupRetentionDays:        integer(i.BackupRetentionPeriod),
		LatestRestorableAt:         i.LatestRestorableTime,
		AutoMinorVersionUpgrade:    i.AutoMinorVersionUpgrade,
		CACertificate:              text(i.CACertificateIdentifier),
		LifecycleSupport:           text(i.EngineLifecycleSupport),
		PerformanceInsightsEnabled: i.PerformanceInsightsEnabled,
		MonitoringIntervalSeconds:  integer(i.MonitoringInterval),
		LicenseModel:               text(i.LicenseModel),
		SecurityGroups:             jsonOf(i.VpcSecurityGroups),
		LogExports:                 jsonOf(i.EnabledCloudwatchLogsExports),
		InstanceCreatedAt:          i.InstanceCreateTime,
		Tags:                       jsonOf(tagMap(i.TagList)),
	}
	if i.DBSubnetGroup != nil {
		row.VPCID = text(i.DBSubnetGroup.VpcId)
	}
	if i.Endpoint != nil {
		row.EndpointAddress, row.EndpointPort = text(i.Endpoint.Address), integer(i.Endpoint.Port)
	}
	if i.CertificateDetails != nil {
		row.CertificateValidTill = i.CertificateDetails.ValidTill
	}
	return row
}
