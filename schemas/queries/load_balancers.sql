-- Load balancers that the internet can reach
SELECT account_id, region, name, type, dns_name, security_groups
FROM current_load_balancers
WHERE scheme = 'internet-facing'
ORDER BY account_id, region, name;

-- Load balancers that do not work
SELECT account_id, region, name, type, state, state_reason
FROM current_load_balancers
WHERE state NOT IN ('active', 'provisioning')
ORDER BY account_id, region, name;
