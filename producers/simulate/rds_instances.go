package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Databases are of RDS or members of an Aurora cluster; some have certificates that expire soon.
var rdsInstances = kind[schemas.RDSInstance]{
	of:   collectors.RDSInstances,
	size: 8,
	make: newRDSInstance,
}

var rdsInstanceVersions = map[string]string{
	"postgres": "16.9", "mysql": "8.0.42", "aurora-postgresql": "15.12", "sqlserver-se": "15.00.4430.1.v1",
}

func newRDSInstance(g *gen) schemas.RDSInstance {
	name, at := g.account.Name+"-"+g.app()+"-"+g.hex(4), g.created(2*year)
	engine := pick(g, "postgres", "mysql", "aurora-postgresql", "sqlserver-se")
	i := schemas.RDSInstance{
		DBInstanceARN:              g.arn("rds", "db:"+name),
		DBInstanceID:               name,
		ResourceID:                 new("db-" + g.hex(26)),
		Engine:                     &engine,
		EngineVersion:              new(rdsInstanceVersions[engine]),
		InstanceClass:              new(pick(g, "db.r7g.large", "db.t4g.medium", "db.m6i.xlarge")),
		Status:                     new(pick(g, "available", "available", "available", "stopped")),
		MultiAZ:                    new(false),
		AvailabilityZone:           new(g.zone()),
		VPCID:                      new("vpc-0" + g.hex(16)),
		StorageType:                new("gp3"),
		AllocatedStorageGB:         new(pick[int64](g, 20, 100, 500)),
		StorageEncrypted:           new(g.chance(0.85)),
		PubliclyAccessible:         new(g.chance(0.1)),
		EndpointAddress:            new(name + "." + g.hex(12) + "." + g.region + ".rds.amazonaws.com"),
		EndpointPort:               new(int64(5432)),
		IAMAuthenticationEnabled:   new(g.chance(0.3)),
		DeletionProtection:         new(g.chance(0.7)),
		BackupRetentionDays:        new(pick[int64](g, 0, 7, 7, 35)),
		AutoMinorVersionUpgrade:    new(g.chance(0.8)),
		CACertificate:              new("rds-ca-rsa2048-g1"),
		CertificateValidTill:       new(g.now.Add(g.between(10*day, year))),
		PerformanceInsightsEnabled: new(g.chance(0.6)),
		MonitoringIntervalSeconds:  new(pick[int64](g, 0, 60)),
		LicenseModel:               new("general-public-license"),
		SecurityGroups: jsonOf([]map[string]string{{
			"VpcSecurityGroupId": "sg-0" + g.hex(16), "Status": "active",
		}}),
		InstanceCreatedAt: &at,
		Tags:              g.tags(),
	}
	if *i.StorageEncrypted {
		i.KMSKeyID = new(g.arn("kms", "key/"+g.uuid()))
	}
	if *i.BackupRetentionDays > 0 {
		i.LatestRestorableAt = new(g.within(day))
	}
	switch engine {
	case "aurora-postgresql":
		i.DBClusterID, i.StorageType, i.AllocatedStorageGB = new(g.account.Name+"-"+g.app()), new("aurora"), new(int64(1))
	case "postgres", "mysql":
		i.MaxAllocatedStorageGB, i.IOPS = new(int64(1000)), new(int64(3000))
		i.LifecycleSupport = new("open-source-rds-extended-support")
		i.LogExports = jsonOf([]string{"error"})
		if g.chance(0.5) {
			i.MultiAZ, i.SecondaryAvailabilityZone = new(true), new(g.zone())
		}
	}
	return i
}
