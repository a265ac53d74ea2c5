package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Groups follow the load; some have instances that are not healthy.
var autoScalingGroups = kind[schemas.AutoScalingGroup]{
	of:     collectors.AutoScalingGroups,
	size:   5,
	make:   newAutoScalingGroup,
	change: changeAutoScalingGroup,
}

func newAutoScalingGroup(g *gen) schemas.AutoScalingGroup {
	name, n := g.account.Name+"-"+g.app()+"-"+g.hex(4), int64(g.IntN(9))
	a := schemas.AutoScalingGroup{
		GroupARN:          g.arn("autoscaling", "autoScalingGroup:"+g.uuid()+":autoScalingGroupName/"+name),
		Name:              name,
		MinSize:           new(int64(0)),
		MaxSize:           new(int64(8)),
		DesiredCapacity:   &n,
		InstanceCount:     n,
		InServiceCount:    n,
		HealthyCount:      n,
		AvailabilityZones: jsonOf([]string{g.region + "a", g.region + "b"}),
		SubnetIDs:         new("subnet-0" + g.hex(16) + ",subnet-0" + g.hex(16)),
		HealthCheckType:   new(pick(g, "EC2", "ELB")),
		TargetGroupARNs:   jsonOf([]string{g.arn("elasticloadbalancing", "targetgroup/"+g.app()+"/"+g.hex(16))}),
		CapacityRebalance: new(g.chance(0.3)),
		GroupCreatedAt:    new(g.created(2 * year)),
		Tags:              g.tags(),
	}
	switch template := "lt-0" + g.hex(16); {
	case g.chance(0.15):
		a.LaunchConfigurationName = new(name + "-2019")
	case g.chance(0.3):
		a.MixedInstancesPolicy = jsonOf(map[string]any{
			"LaunchTemplate": map[string]any{
				"LaunchTemplateSpecification": map[string]string{"LaunchTemplateId": template},
			},
			"InstancesDistribution": map[string]int{"OnDemandPercentageAboveBaseCapacity": 50},
		})
	default:
		a.LaunchTemplateID, a.LaunchTemplateVersion = &template, new("$Latest")
	}
	switch {
	case g.chance(0.1):
		a.Status = new("Delete in progress")
	case n > 0 && g.chance(0.1):
		a.InServiceCount, a.HealthyCount = n-1, n-1
	case g.chance(0.1):
		a.SuspendedProcesses = jsonOf([]map[string]string{{"ProcessName": "Launch", "SuspensionReason": "User suspended"}})
	}
	return a
}

func changeAutoScalingGroup(g *gen, a *schemas.AutoScalingGroup) fate {
	switch {
	case a.Status != nil && g.chance(0.005), g.chance(0.001):
		return gone
	case g.chance(0.01):
		n := min(*a.MaxSize, max(*a.MinSize, *a.DesiredCapacity+int64(g.IntN(5))-2))
		a.DesiredCapacity, a.InstanceCount, a.InServiceCount, a.HealthyCount = &n, n, n, n
		return changed
	}
	return same
}
