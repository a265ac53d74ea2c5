package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Some load balancers deny their tags, and some have lost a zone.
var loadBalancers = kind[schemas.LoadBalancer]{
	of:   collectors.LoadBalancers,
	size: 6,
	make: newLoadBalancer,
}

func newLoadBalancer(g *gen) schemas.LoadBalancer {
	name, zone := g.account.Name+"-"+g.app()+"-"+g.hex(4), g.zone()
	b := schemas.LoadBalancer{
		LoadBalancerARN:       g.arn("elasticloadbalancing", "loadbalancer/app/"+name+"/"+g.hex(16)),
		Name:                  &name,
		DNSName:               new(name + "-" + g.hex(10) + "." + g.region + ".elb.amazonaws.com"),
		Type:                  new(pick(g, "application", "application", "network")),
		Scheme:                new(pick(g, "internal", "internet-facing")),
		State:                 new("active"),
		VPCID:                 new("vpc-0" + g.hex(16)),
		IPAddressType:         new(pick(g, "ipv4", "dualstack")),
		AvailabilityZones:     jsonOf([]map[string]string{{"ZoneName": zone, "SubnetId": "subnet-0" + g.hex(16)}}),
		SecurityGroups:        jsonOf([]string{"sg-0" + g.hex(16)}),
		LoadBalancerCreatedAt: new(g.created(2 * year)),
		Tags:                  g.tags(),
	}
	switch {
	case g.chance(0.05):
		b.State, b.StateReason = new("active_impaired"), new("It cannot scale in "+zone)
	case g.chance(0.05):
		b.Tags, b.DeniedActions = nil, jsonOf([]string{"elasticloadbalancing:DescribeTags"})
	}
	return b
}
