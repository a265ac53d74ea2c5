package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Some load balancers deny their tags, and some have lost a zone.
var loadBalancers = kind[schemas.LoadBalancer]{
	of:      collectors.LoadBalancers,
	make:    func(g *gen) schemas.LoadBalancer { return newLoadBalancer(g, g.app()+"-"+g.hex(4)) },
	initial: initialLoadBalancers,
}

func initialLoadBalancers(g *gen) (list []schemas.LoadBalancer) {
	for _, app := range g.balancedApps() {
		list = append(list, newLoadBalancer(g, app))
	}
	return list
}

func newLoadBalancer(g *gen, app string) schemas.LoadBalancer {
	name, arn := g.loadBalancer(app)
	subnet := g.subnet()
	b := schemas.LoadBalancer{
		LoadBalancerARN:       arn,
		Name:                  &name,
		DNSName:               new(name + "-" + g.hex(10) + "." + g.region + ".elb.amazonaws.com"),
		Type:                  new(pick(g, "application", "application", "network")),
		Scheme:                new(pick(g, "internal", "internet-facing")),
		State:                 new("active"),
		VPCID:                 &subnet.vpc,
		IPAddressType:         new(pick(g, "ipv4", "dualstack")),
		AvailabilityZones:     jsonOf([]map[string]string{{"ZoneName": subnet.zone, "SubnetId": subnet.id}}),
		SecurityGroups:        jsonOf([]string{"sg-0" + g.hex(16)}),
		LoadBalancerCreatedAt: new(g.created(2 * year)),
		Tags:                  g.tags(),
	}
	switch {
	case g.chance(0.05):
		b.State, b.StateReason = new("active_impaired"), new("It cannot scale in "+subnet.zone)
	case g.chance(0.05):
		b.Tags, b.DeniedActions = nil, jsonOf([]string{"elasticloadbalancing:DescribeTags"})
	}
	return b
}
