package schemas

import "github.com/hubspoke/observability/lib/schema"

// Subnet is one subnet as seen in one account and region. A subnet that is shared through
// RAM is seen by its owner and by each account that it is shared with: who counts subnets
// takes the rows with owner_id = account_id. Columns come from DescribeSubnets (Subnet).
type Subnet struct {
	// Identifier of the subnet (SubnetId).
	SubnetID string `col:"subnet_id,key"`
	// ARN of the subnet, with the account that owns it (SubnetArn).
	SubnetARN *string `col:"subnet_arn"`
	// Value of the tag Name (Tags), as in tags. Null: there is no such tag.
	Name *string `col:"name"`
	// VPC of the subnet (VpcId).
	VPCID *string `col:"vpc_id"`
	// Account that owns the subnet (OwnerId). Another one than account_id shares it with this account.
	OwnerID *string `col:"owner_id"`
	// State: pending, available, unavailable, failed or failed-insufficient-capacity (State).
	State *string `col:"state"`
	// IPv4 range in CIDR notation (CidrBlock). Null: the subnet has IPv6 only.
	CIDRBlock *string `col:"cidr_block"`
	// JSON array of IPv6 ranges: Ipv6CidrBlock, AssociationId, Ipv6CidrBlockState and so on
	// (Ipv6CidrBlockAssociationSet). Null: none.
	IPv6CIDRBlocks schema.JSON `col:"ipv6_cidr_blocks,array"`
	// Availability zone (AvailabilityZone).
	AvailabilityZone *string `col:"availability_zone"`
	// Identifier of the availability zone, which is the same in all accounts, such as euw1-az1 (AvailabilityZoneId).
	AvailabilityZoneID *string `col:"availability_zone_id"`
	// IPv4 addresses that are not used; AWS keeps five of each range (AvailableIpAddressCount).
	AvailableIPCount *int64 `col:"available_ip_count"`
	// Whether network interfaces get a public IPv4 address by default (MapPublicIpOnLaunch).
	MapPublicIPOnLaunch *bool `col:"map_public_ip_on_launch"`
	// Whether this is the default subnet of its availability zone (DefaultForAz).
	DefaultForAZ *bool `col:"default_for_az"`
	// JSON object of the tags of the subnet, which only its owner sees (Tags). Null: it has none. A value that may be a
	// secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
}

// Subnets is the category "subnets": every run lists all subnets that one account sees in
// one region.
var Subnets = schema.Of[Subnet](schema.Spec{Name: "subnets", Mode: schema.Snapshot})
