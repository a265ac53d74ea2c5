package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Nodes are EC2 instances or machines elsewhere; some have lost their connection.
var ssmInstances = kind[schemas.SSMInstance]{
	of:   collectors.SSMInstances,
	size: 30,
	make: newSSMInstance,
}

func newSSMInstance(g *gen) schemas.SSMInstance {
	id, ip := g.node(), g.address(g.subnet())
	i := schemas.SSMInstance{
		InstanceID:      id,
		ComputerName:    new("ip-" + dashed(ip) + "." + g.region + ".compute.internal"),
		IPAddress:       &ip,
		ResourceType:    new("EC2Instance"),
		SourceType:      new("AWS::EC2::Instance"),
		SourceID:        &id,
		PingStatus:      new("Online"),
		LastPingAt:      new(g.within(day / 24)),
		AgentVersion:    new("3.3.2299.0"),
		IsLatestVersion: new(true),
		PlatformType:    new("Linux"),
		PlatformName:    new("Amazon Linux"),
		PlatformVersion: new(pick(g, "2", "2023")),
	}
	if g.chance(0.3) {
		i.PlatformType, i.PlatformName = new("Windows"), new("Microsoft Windows Server 2022 Datacenter")
		i.PlatformVersion = new("10.0.20348")
	}
	if g.chance(0.1) {
		i.PingStatus, i.LastPingAt = new("ConnectionLost"), new(g.within(60*day))
	}
	if g.chance(0.2) {
		i.AgentVersion, i.IsLatestVersion = new("3.1.1732.0"), new(false)
	}
	if g.chance(0.8) {
		i.AssociationStatus, i.LastAssociationAt = new("Success"), new(g.within(day))
		i.LastAssociationSuccessAt = i.LastAssociationAt
		if g.chance(0.1) {
			i.AssociationStatus, i.LastAssociationSuccessAt = new("Failed"), new(g.within(30*day))
		}
		i.AssociationOverview = jsonOf(map[string]any{
			"DetailedStatus": *i.AssociationStatus,
			"InstanceAssociationStatusAggregatedCount": map[string]int{*i.AssociationStatus: 1},
		})
	}
	if !isNode(id) { // a machine elsewhere
		i.Name, i.ResourceType, i.SourceType = new(g.account.Name+"-"+g.app()), new("ManagedInstance"),
			new("AWS::SSM::ManagedInstance")
		i.IAMRole, i.ActivationID = new("service-role/hybrid-nodes"), new(g.uuid())
		i.RegisteredAt = new(g.created(2 * year))
	}
	return i
}
