package schemas

import "github.com/hubspoke/observability/lib/schema"

// ApplicationService is one service that CloudWatch Application Signals discovered in one
// account and region, and that reported in the last day. Columns come from ListServices
// (ServiceSummary). Services of linked accounts are read by their own spokes.
type ApplicationService struct {
	// Type, name and environment of the service with | between them (KeyAttributes).
	ServiceKey string `col:"service_key,key"`
	// Name of the service (KeyAttributes, Name). Null: it is a resource.
	ServiceName *string `col:"service_name"`
	// Type, such as Service, RemoteService or AWS::Resource (KeyAttributes, Type).
	ServiceType *string `col:"service_type"`
	// Where it runs, such as eks:orders/default or ec2:default (KeyAttributes, Environment). Null: AWS does not say.
	Environment *string `col:"environment"`
	// Type of the resource, such as AWS::DynamoDB::Table (KeyAttributes, ResourceType). Null: it is a service.
	ResourceType *string `col:"resource_type"`
	// Identifier of the resource (KeyAttributes, Identifier). Null: it is a service.
	Identifier *string `col:"identifier"`
	// JSON object of all that identifies the service (KeyAttributes).
	KeyAttributes schema.JSON `col:"key_attributes,object"`
	// JSON array of objects about where it runs: platform, cluster, host and so on (AttributeMaps). Null: none.
	AttributeMaps schema.JSON `col:"attribute_maps,array"`
	// JSON array of its metrics: MetricName, MetricType, Namespace and Dimensions (MetricReferences). Null: none.
	MetricReferences schema.JSON `col:"metric_references,array"`
	// JSON array of the groups that it is in: GroupName, GroupValue, GroupSource (ServiceGroups). Null: none.
	ServiceGroups schema.JSON `col:"service_groups,array"`
}

// ApplicationServices is the category "application_services": every run lists all services
// of one account and region that reported in the last day.
var ApplicationServices = schema.Of[ApplicationService](schema.Spec{Name: "application_services",
	Mode: schema.Snapshot})
