package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

var applicationServices = kind[schemas.ApplicationService]{
	of:     collectors.ApplicationServices,
	size:   8,
	make:   newApplicationService,
	births: 0.003,
}

func newApplicationService(g *gen) schemas.ApplicationService {
	app, environment := g.app(), pick(g, "eks:"+g.account.Name+"/default", "ec2:default", "ecs:"+g.account.Name)
	s := schemas.ApplicationService{
		ServiceKey:    "Service|" + app + "|" + environment,
		ServiceName:   &app,
		ServiceType:   new("Service"),
		Environment:   &environment,
		KeyAttributes: jsonOf(map[string]string{"Type": "Service", "Name": app, "Environment": environment}),
		AttributeMaps: jsonOf([]map[string]string{{"PlatformType": "Generic", "Host": "ip-10-0-0-" + g.hex(2)}}),
	}
	if g.chance(0.2) {
		table := g.account.Name + "-" + app
		s.ServiceKey = "AWS::Resource|" + table + "|"
		s.ServiceName, s.ServiceType, s.Environment = nil, new("AWS::Resource"), nil
		s.ResourceType, s.Identifier = new("AWS::DynamoDB::Table"), &table
		s.KeyAttributes = jsonOf(map[string]string{
			"Type": *s.ServiceType, "ResourceType": *s.ResourceType, "Identifier": table,
		})
	}
	s.MetricReferences = jsonOf([]map[string]string{{
		"MetricName": "Latency", "MetricType": "LATENCY", "Namespace": "ApplicationSignals",
	}})
	if g.chance(0.4) {
		s.ServiceGroups = jsonOf([]map[string]string{{
			"GroupName": "team", "GroupValue": pick(g, "red", "blue"), "GroupSource": "TAG",
		}})
	}
	return s
}
