-- Nodes with an agent that does not report
SELECT account_id, region, instance_id, computer_name, platform_name, ping_status, last_ping_at
FROM current_ssm_instances
WHERE ping_status IS DISTINCT FROM 'Online'
ORDER BY last_ping_at;

-- Nodes with an old agent, by operating system
SELECT platform_type, platform_name, agent_version, count(*) AS nodes
FROM current_ssm_instances
WHERE is_latest_version IS FALSE
GROUP BY platform_type, platform_name, agent_version
ORDER BY nodes DESC;

-- Running EC2 instances that Systems Manager does not manage
SELECT e.account_id, e.region, e.instance_id, e.name, e.launched_at
FROM current_ec2_instances AS e
LEFT JOIN current_ssm_instances AS s USING (account_id, region, instance_id)
WHERE e.state = 'running'
  AND s.instance_id IS NULL
ORDER BY e.launched_at;
