-- Subnets that run out of addresses, each once, also where it is shared
SELECT account_id, region, subnet_id, name, cidr_block, available_ip_count
FROM current_subnets
WHERE owner_id = account_id
  AND available_ip_count < 16
ORDER BY available_ip_count;

-- Subnets that give public addresses to everything in them
SELECT account_id, region, vpc_id, subnet_id, name, default_for_az
FROM current_subnets
WHERE owner_id = account_id
  AND map_public_ip_on_launch
ORDER BY account_id, region, vpc_id;
