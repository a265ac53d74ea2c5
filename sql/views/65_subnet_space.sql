-- Subnets and their addresses; live.subnet_space has the rules.
CREATE VIEW subnet_space AS
SELECT account_id, region, subnet_id, name, vpc_id, availability_zone, cidr_block, available_ip_count, usable_ip_count, used_percentage
FROM summary.subnet_space;

COMMENT ON VIEW subnet_space IS 'How many IPv4 addresses of a subnet are left. A row per subnet, at the account that owns it; subnets without IPv4 addresses are left out.';
COMMENT ON COLUMN subnet_space.account_id IS 'Account that owns the subnet.';
COMMENT ON COLUMN subnet_space.region IS 'Region of the subnet.';
COMMENT ON COLUMN subnet_space.subnet_id IS 'Identifier of the subnet.';
COMMENT ON COLUMN subnet_space.name IS 'Tag Name of the subnet. Null: none.';
COMMENT ON COLUMN subnet_space.vpc_id IS 'VPC of the subnet.';
COMMENT ON COLUMN subnet_space.availability_zone IS 'Availability zone of the subnet.';
COMMENT ON COLUMN subnet_space.cidr_block IS 'IPv4 range of the subnet.';
COMMENT ON COLUMN subnet_space.available_ip_count IS 'Addresses that are not used. Null: not known.';
COMMENT ON COLUMN subnet_space.usable_ip_count IS 'Addresses that can be used: all but the five that AWS keeps.';
COMMENT ON COLUMN subnet_space.used_percentage IS 'Part of these that is used, in percent. Null: not known.';
