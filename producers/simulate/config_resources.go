package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Resources are of several types; roles are global.
var configResources = kind[schemas.ConfigResource]{
	of:   collectors.ConfigResources,
	size: 80,
	make: newConfigResource,
}

func newConfigResource(g *gen) schemas.ConfigResource {
	name := g.account.Name + "-" + g.app()
	r := schemas.ConfigResource{
		ResourceName:       &name,
		ResourceAccountID:  new(g.account.ID),
		ResourceRegion:     new(g.region),
		AvailabilityZone:   new("Not Applicable"),
		ResourceCreatedAt:  new(g.created(2 * year)),
		CapturedAt:         new(g.within(30 * day)),
		ItemStatus:         new(pick(g, "OK", "ResourceDiscovered")),
		RecordingFrequency: new("CONTINUOUS"),
		VPCID:              new("vpc-0" + g.hex(16)),
	}
	if g.chance(0.8) {
		r.Tags = g.tags()
	}
	switch pick(g, "instance", "volume", "database", "balancer", "group", "subnet", "function", "role") {
	case "instance":
		r.ResourceType, r.ResourceID = "AWS::EC2::Instance", "i-0"+g.hex(16)
		r.State, r.InstanceType = new(pick(g, "running", "stopped")), new(pick(g, "m7g.large", "t4g.small"))
		r.AvailabilityZone = new(g.zone())
	case "volume":
		r.ResourceType, r.ResourceID, r.VPCID = "AWS::EC2::Volume", "vol-0"+g.hex(16), nil
		r.State, r.SizeGB, r.VolumeType = new(pick(g, "in-use", "available")), new(pick[int64](g, 8, 100)), new("gp3")
		r.AvailabilityZone = new(g.zone())
	case "database":
		r.ResourceType, r.ResourceID = "AWS::RDS::DBInstance", "db-"+g.hex(26)
		r.State, r.Engine, r.InstanceType = new("available"), new(pick(g, "postgres", "mysql")), new("db.r7g.large")
		r.SizeGB, r.VolumeType, r.MultiAZ = new(pick[int64](g, 20, 500)), new("gp3"), new(g.chance(0.5))
	case "balancer":
		r.ResourceType, r.ResourceID = "AWS::ElasticLoadBalancingV2::LoadBalancer",
			g.arn("elasticloadbalancing", "loadbalancer/app/"+name+"/"+g.hex(16))
		r.State, r.Scheme, r.Subtype = new("active"), new(pick(g, "internal", "internet-facing")), new("application")
	case "group":
		r.ResourceType, r.ResourceID = "AWS::AutoScaling::AutoScalingGroup",
			g.arn("autoscaling", "autoScalingGroup:"+g.uuid())
		r.MinSize, r.InstanceCount, r.MaxSize = new(int64(1)), new(int64(1+g.IntN(6))), new(int64(8))
	case "subnet":
		r.ResourceType, r.ResourceID = "AWS::EC2::Subnet", "subnet-0"+g.hex(16)
		r.State, r.AvailableIPCount, r.AvailabilityZone = new("available"), new(int64(g.IntN(252))), new(g.zone())
	case "function":
		r.ResourceType, r.ResourceID = "AWS::Lambda::Function", name+"-"+g.hex(6)
		r.State, r.Engine, r.Subtype = new("Active"), new(pick(g, "python3.13", "nodejs22.x")), new("Zip")
	case "role":
		r.ResourceType, r.ResourceID, r.VPCID = "AWS::IAM::Role", "AROA"+g.hex(17), nil
		r.ResourceRegion = new("global")
	}
	if r.ResourceARN = new(g.arn("config", r.ResourceType+"/"+r.ResourceID)); len(r.ResourceID) > 40 {
		r.ResourceARN = new(r.ResourceID)
	}
	return r
}
