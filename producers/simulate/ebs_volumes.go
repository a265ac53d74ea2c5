package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Volumes belong to instances, but for those that an instance left behind.
var ebsVolumes = kind[schemas.EBSVolume]{
	of:   collectors.EBSVolumes,
	size: 60,
	make: newEBSVolume,
}

func newEBSVolume(g *gen) schemas.EBSVolume {
	id, name, at := "vol-0"+g.hex(16), g.account.Name+"-"+g.app(), g.created(2*year)
	v := schemas.EBSVolume{
		VolumeID:           id,
		VolumeARN:          new(g.arn("ec2", "volume/"+id)),
		Name:               &name,
		State:              new("available"),
		VolumeType:         new(pick(g, "gp3", "gp3", "gp3", "gp2", "io2")),
		SizeGB:             new(pick[int64](g, 8, 20, 50, 100, 500)),
		IOPS:               new(int64(3000)),
		ThroughputMiBps:    new(int64(125)),
		Encrypted:          new(g.chance(0.8)),
		AvailabilityZone:   new(g.zone()),
		MultiAttachEnabled: new(false),
		VolumeCreatedAt:    &at,
		Tags:               jsonOf(map[string]string{"Name": name, "account": g.account.Name}),
	}
	if *v.Encrypted {
		v.KMSKeyID = new(g.arn("kms", "key/"+g.uuid()))
	}
	if g.chance(0.7) {
		v.SnapshotID = new("snap-0" + g.hex(16))
	}
	if g.chance(0.85) {
		v.State, v.InstanceID, v.DeleteOnTermination = new("in-use"), new("i-0"+g.hex(16)), new(g.chance(0.7))
		v.Attachments = jsonOf([]map[string]any{{
			"VolumeId": id, "InstanceId": *v.InstanceID, "Device": "/dev/xvda", "State": "attached",
			"AttachTime": at, "DeleteOnTermination": *v.DeleteOnTermination,
		}})
	}
	return v
}
