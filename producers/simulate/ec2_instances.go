package simulate

import (
	"fmt"
	"time"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Instances start, stop and are terminated; a terminated one is still listed for a while.
var ec2Instances = kind[schemas.EC2Instance]{
	of:      collectors.EC2Instances,
	size:    80,
	make:    func(g *gen) schemas.EC2Instance { return newEC2Instance(g, g.now) },
	old:     oldEC2Instance,
	initial: initialEC2Instances,
	births:  0.0016,
	change:  changeEC2Instance,
}

// initialEC2Instances returns instances. The first ones are nodes of Systems Manager.
func initialEC2Instances(g *gen) []schemas.EC2Instance {
	list := many(g.several(80), func() schemas.EC2Instance { return oldEC2Instance(g) })
	for n := range min(g.nodes(), len(list)) {
		if id := g.nodeAt(n); isNode(id) {
			list[n].InstanceID, list[n].State, list[n].StateTransitionReason = id, new("running"), nil
		}
	}
	return list
}

func oldEC2Instance(g *gen) schemas.EC2Instance {
	i := newEC2Instance(g, g.within(200*day))
	if g.chance(0.15) {
		stopEC2Instance(&i, g.within(10*day))
	} else {
		i.State = new("running")
	}
	return i
}

func newEC2Instance(g *gen, at time.Time) schemas.EC2Instance {
	subnet := g.subnet()
	ip := g.address(subnet)
	name := g.account.Name + "-" + g.app()
	i := schemas.EC2Instance{
		InstanceID:           "i-0" + g.hex(16),
		Name:                 &name,
		State:                new("pending"),
		InstanceType:         new(pick(g, "m7g.large", "m7g.xlarge", "c7g.large", "r6i.xlarge", "t3.medium", "t4g.small")),
		ImageID:              new("ami-0" + g.hex(16)),
		Architecture:         new("arm64"),
		PlatformDetails:      new(pick(g, "Linux/UNIX", "Linux/UNIX", "Linux/UNIX", "Windows")),
		AvailabilityZone:     &subnet.zone,
		Tenancy:              new("default"),
		LaunchedAt:           new(at.Truncate(time.Second)),
		VPCID:                &subnet.vpc,
		SubnetID:             &subnet.id,
		PrivateIPAddress:     &ip,
		PrivateDNSName:       new("ip-" + dashed(ip) + "." + g.region + ".compute.internal"),
		SecurityGroups:       jsonOf([]map[string]string{{"GroupId": "sg-0" + g.hex(16), "GroupName": name}}),
		InstanceProfileARN:   new("arn:aws:iam::" + g.account.ID + ":instance-profile/" + name),
		MetadataHTTPTokens:   new(pick(g, "required", "required", "required", "optional")),
		MetadataHTTPEndpoint: new("enabled"),
		MonitoringState:      new(pick(g, "disabled", "enabled")),
		EBSOptimized:         new(true),
		RootDeviceType:       new("ebs"),
		Volumes: jsonOf([]map[string]any{
			{"DeviceName": "/dev/xvda", "VolumeId": "vol-0" + g.hex(16), "DeleteOnTermination": true},
		}),
		ReservationID: new("r-0" + g.hex(16)),
		Tags:          jsonOf(map[string]string{"Name": name, "account": g.account.Name}),
	}
	if g.chance(0.3) { // of an Auto Scaling group
		i.RequesterID = new("AIDA" + fmt.Sprintf("%012d", g.IntN(1_000_000_000)))
	} else if g.chance(0.3) {
		i.KeyName = new("admin-" + g.hex(4))
	}
	if g.chance(0.15) {
		i.Lifecycle = new("spot")
	}
	if g.chance(0.1) {
		public := fmt.Sprintf("198.51.100.%d", g.IntN(256))
		i.PublicIPAddress = &public
		i.PublicDNSName = new("ec2-" + dashed(public) + "." + g.region + ".compute.amazonaws.com")
		i.IPv6Address = new("2001:db8::" + g.hex(4))
	}
	return i
}

func stopEC2Instance(i *schemas.EC2Instance, at time.Time) {
	i.State, i.PublicIPAddress, i.PublicDNSName = new("stopped"), nil, nil
	i.StateTransitionReason = new("User initiated (" + at.UTC().Format("2006-01-02 15:04:05") + " GMT)")
}

func changeEC2Instance(g *gen, i *schemas.EC2Instance) fate {
	switch state := *i.State; {
	case state == "pending":
		i.State = new("running")
	case isNode(i.InstanceID) && !g.chance(0.0005):
		return same
	case isNode(i.InstanceID):
		i.MonitoringState = new("enabled")
	case state == "running" && g.chance(0.001):
		i.State = new("stopping")
	case state == "running" && g.chance(0.0015), state == "stopped" && g.chance(0.002):
		i.State = new("shutting-down")
	case state == "running" && g.chance(0.0005):
		i.MetadataHTTPTokens = new("required")
	case state == "stopping":
		stopEC2Instance(i, g.now)
	case state == "stopped" && g.chance(0.005):
		i.State, i.LaunchedAt, i.StateTransitionReason = new("pending"), new(g.now), nil
	case state == "shutting-down":
		stopEC2Instance(i, g.now)
		i.State = new("terminated")
		i.VPCID, i.SubnetID, i.PrivateIPAddress, i.PrivateDNSName, i.IPv6Address = nil, nil, nil, nil, nil
		i.SecurityGroups, i.Volumes = nil, nil
	case state == "terminated" && g.chance(0.1):
		return gone
	default:
		return same
	}
	return changed
}
