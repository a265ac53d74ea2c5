-- A shared subnet is an issue of its owner alone. Of ranges that a VPC cannot have, the size
-- is not known.
SELECT s.row_key, s.account_id, s.region, 'subnet' AS kind,
       coalesce(s.subnet_arn, s.subnet_id) AS resource_arn, coalesce(s.name, s.subnet_id) AS resource_name, NULL AS in_use,
       'subnet_space' AS issue, NULL AS due_at, NULL AS shown_days,
       CASE WHEN s.available_ip_count <= 0 THEN 'HIGH' ELSE 'MEDIUM' END AS severity, NULL AS high_days, NULL AS critical_days,
       format('%s of %s addresses are left', s.available_ip_count, u.usable) AS reason, NULL AS overdue_reason
FROM obs.subnets s
CROSS JOIN LATERAL (SELECT (1::bigint << 32 - substring(s.cidr_block FROM '/(1[6-9]|2[0-8])$')::integer) - 5 AS usable) u
WHERE s.deleted_at IS NULL AND s.owner_id = s.account_id AND s.available_ip_count <= u.usable / 10
