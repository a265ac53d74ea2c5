-- Running instances per type
SELECT instance_type, count(*) AS instances, count(*) FILTER (WHERE lifecycle = 'spot') AS spot
FROM current_ec2_instances
WHERE state = 'running'
GROUP BY instance_type
ORDER BY instances DESC;

-- Instances with a metadata service that answers without a session token (IMDSv1)
SELECT account_id, region, instance_id, name, launched_at
FROM current_ec2_instances
WHERE state IN ('running', 'stopped')
  AND metadata_http_endpoint = 'enabled'
  AND metadata_http_tokens = 'optional'
ORDER BY account_id, region, launched_at;

-- Instances of one security group, with their public addresses
SELECT account_id, region, instance_id, name, public_ip_address
FROM current_ec2_instances
WHERE security_groups @> '[{"GroupId": "sg-0a1b2c3d4e5f6a7b8"}]'
ORDER BY instance_id;
