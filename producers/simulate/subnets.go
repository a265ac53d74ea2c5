package simulate

import (
	"fmt"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Subnets fill up and empty; some have few addresses left.
var subnets = kind[schemas.Subnet]{
	of:     collectors.Subnets,
	size:   9,
	make:   newSubnet,
	change: changeSubnet,
}

func newSubnet(g *gen) schemas.Subnet {
	zone := pick(g, "a", "b", "c")
	id, name := "subnet-0"+g.hex(16), g.account.Name+"-"+pick(g, "private", "public", "data")+"-"+zone
	return schemas.Subnet{
		SubnetID:  id,
		SubnetARN: new(g.arn("ec2", "subnet/"+id)),
		Name:      &name,
		VPCID:     new("vpc-0" + g.hex(16)),
		OwnerID:   new(g.account.ID),
		State:     new("available"),
		CIDRBlock: new(fmt.Sprintf("10.%d.%d.0/24", g.IntN(64), g.IntN(256))),
		IPv6CIDRBlocks: jsonOf([]map[string]any{{
			"AssociationId": "subnet-cidr-assoc-0" + g.hex(16), "Ipv6CidrBlock": "2001:db8:" + g.hex(4) + "::/64",
			"Ipv6CidrBlockState": map[string]string{"State": "associated"},
		}}),
		AvailabilityZone:    new(g.region + zone),
		AvailabilityZoneID:  new(fmt.Sprintf("az%d", 1+g.IntN(3))),
		AvailableIPCount:    new(int64(g.IntN(252))),
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
