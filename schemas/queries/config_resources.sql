-- Resources by type; one that is global is counted once
SELECT resource_type,
       count(DISTINCT (account_id, CASE WHEN resource_region = 'global' THEN 'global' ELSE region END, resource_id)) AS resources
FROM current_config_resources
GROUP BY resource_type
ORDER BY resources DESC;

-- Resources without a tag owner
SELECT account_id, region, resource_type, resource_id, resource_name
FROM current_config_resources
WHERE tags -> 'owner' IS NULL
ORDER BY account_id, region, resource_type, resource_id
LIMIT 100;

-- What changed in the last day
SELECT account_id, region, resource_type, resource_id, item_status, captured_at
FROM current_config_resources
WHERE captured_at > now() - interval '1 day'
ORDER BY captured_at DESC;
