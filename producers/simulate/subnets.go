package simulate

import (
	"fmt"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Subnets fill up and empty; some have few addresses left.
var subnets = kind[schemas.Subnet]{
	of:      collectors.Subnets,
	make:    func(g *gen) schemas.Subnet { return newSubnet(g, g.several(9)+g.IntN(100)) },
	initial: initialSubnets,
	change:  changeSubnet,
}

func initialSubnets(g *gen) []schemas.Subnet {
	list := make([]schemas.Subnet, g.several(9))
	for n := range list {
		list[n] = newSubnet(g, n)
	}
	return list
}

func newSubnet(g *gen, n int) schemas.Subnet {
	of, free := g.subnetAt(n), 20+g.IntN(232)
	if g.chance(0.15) {
		free = g.IntN(8) // nearly full
	}
	name := g.account.Name + "-" + pick(g, "private", "public", "data") + "-" + of.zone[len(of.zone)-1:]
	return schemas.Subnet{
		SubnetID:  of.id,
		SubnetARN: new(g.arn("ec2", "subnet/"+of.id)),
		Name:      &name,
		VPCID:     &of.vpc,
		OwnerID:   new(g.account.ID),
		State:     new("available"),
		CIDRBlock: new(fmt.Sprintf("10.%d.%d.0/24", of.second, of.third)),
		IPv6CIDRBlocks: jsonOf([]map[string]any{{
			"AssociationId": "subnet-cidr-assoc-0" + g.hex(16), "Ipv6CidrBlock": "2001:db8:" + g.hex(4) + "::/64",
			"Ipv6CidrBlockState": map[string]string{"State": "associated"},
		}}),
		AvailabilityZone:    &of.zone,
		AvailabilityZoneID:  new(fmt.Sprintf("az%d", 1+g.IntN(3))),
		AvailableIPCount:    new(int64(free)),
		MapPublicIPOnLaunch: new(g.chance(0.2)),
		DefaultForAZ:        new(false),
		Tags:                jsonOf(map[string]string{"Name": name, "account": g.account.Name}),
	}
}

func changeSubnet(g *gen, s *schemas.Subnet) fate {
	switch {
	case g.chance(0.0005):
		return gone
	case g.chance(0.02):
		s.AvailableIPCount = new(min(251, max(0, *s.AvailableIPCount+int64(g.IntN(9))-4)))
		return changed
	}
	return same
}
