package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// LoadBalancer is one application, network or gateway load balancer as seen in one account
// and region. Classic load balancers are not among them. Columns come from
// DescribeLoadBalancers (LoadBalancer), and tags from DescribeTags.
type LoadBalancer struct {
	// ARN of the load balancer (LoadBalancerArn).
	LoadBalancerARN string `col:"load_balancer_arn,key"`
	// Name of the load balancer, which is unique in the account and region (LoadBalancerName).
	Name *string `col:"name"`
	// Public or private DNS name (DNSName).
	DNSName *string `col:"dns_name"`
	// Type: application, network or gateway (Type).
	Type *string `col:"type"`
	// Whether its nodes have public addresses: internet-facing or internal (Scheme). Null: a gateway load balancer has
	// none.
	Scheme *string `col:"scheme"`
	// State: provisioning, active, active_impaired or failed (State.Code).
	State *string `col:"state"`
	// Why it is in that state (State.Reason). Null: AWS gives none.
	StateReason *string `col:"state_reason"`
	// VPC of the load balancer (VpcId).
	VPCID *string `col:"vpc_id"`
	// Kind of addresses: ipv4, dualstack or dualstack-without-public-ipv4 (IpAddressType).
	IPAddressType *string `col:"ip_address_type"`
	// JSON array of availability zones: ZoneName, SubnetId and so on (AvailabilityZones).
	AvailabilityZones schema.JSON `col:"availability_zones,array"`
	// JSON array of the ids of security groups (SecurityGroups). Null: none.
	SecurityGroups schema.JSON `col:"security_groups,array"`
	// When the load balancer was created (CreatedTime).
	LoadBalancerCreatedAt *time.Time `col:"load_balancer_created_at"`
	// JSON object of the tags of the load balancer (DescribeTags). An empty object: it has none. Null: denied. A value
	// that may be a secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
	// JSON array of the IAM actions that were denied for this load balancer: elasticloadbalancing:DescribeTags. Null:
	// none was.
	DeniedActions schema.JSON `col:"denied_actions,array"`
}

// LoadBalancers is the category "load_balancers": every run lists all load balancers of one
// account and region.
var LoadBalancers = schema.Of[LoadBalancer](schema.Spec{Name: "load_balancers", Mode: schema.Snapshot})
