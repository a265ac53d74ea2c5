-- Free addresses of subnets, at the account that owns them: those that it is shared with
-- see the same subnet. Other ranges than a VPC may have (/16 to /28) have no size, rather
-- than a cast that fails. AWS keeps five addresses of each.
CREATE VIEW live.subnet_space AS
SELECT account_id, region, row_key, left(subnet_id, 64) AS subnet_id, left(name, 256) AS name, left(vpc_id, 64) AS vpc_id,
       left(availability_zone, 64) AS availability_zone, left(cidr_block, 64) AS cidr_block, available_ip_count,
       u.usable AS usable_ip_count,
       round(100 - available_ip_count * 100.0 / u.usable, 2) AS used_percentage
FROM obs.subnets
CROSS JOIN LATERAL (SELECT (1::bigint << 32 - substring(cidr_block FROM '/(1[6-9]|2[0-8])$')::integer) - 5 AS usable) u
WHERE deleted_at IS NULL AND owner_id = account_id AND u.usable IS NOT NULL;

ALTER TABLE summary.subnet_space ADD PRIMARY KEY (account_id, region, row_key);

COMMENT ON VIEW live.subnet_space IS 'IPv4 addresses of subnets, at the account that owns them.';
COMMENT ON COLUMN live.subnet_space.account_id IS 'Account that owns the subnet.';
COMMENT ON COLUMN live.subnet_space.region IS 'Region of the subnet.';
COMMENT ON COLUMN live.subnet_space.row_key IS 'Key of the row in subnets.';
COMMENT ON COLUMN live.subnet_space.subnet_id IS 'Identifier of the subnet.';
COMMENT ON COLUMN live.subnet_space.name IS 'Tag Name of the subnet. Null: none.';
COMMENT ON COLUMN live.subnet_space.vpc_id IS 'VPC of the subnet.';
COMMENT ON COLUMN live.subnet_space.availability_zone IS 'Availability zone of the subnet.';
COMMENT ON COLUMN live.subnet_space.cidr_block IS 'IPv4 range of the subnet.';
COMMENT ON COLUMN live.subnet_space.available_ip_count IS 'Addresses that are not used. Null: not known.';
COMMENT ON COLUMN live.subnet_space.usable_ip_count IS 'Addresses that can be used: all but the five that AWS keeps.';
COMMENT ON COLUMN live.subnet_space.used_percentage IS 'Part of these that is used, in percent. Null: not known.';
