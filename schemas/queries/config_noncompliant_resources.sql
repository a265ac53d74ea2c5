-- Resources that violate most rules
SELECT account_id, region, resource_type, resource_id, count(*) AS rules
FROM current_config_noncompliant_resources
GROUP BY account_id, region, resource_type, resource_id
ORDER BY rules DESC
LIMIT 100;

-- What was found in the last day
SELECT account_id, region, rule_name, resource_type, resource_id, annotation, result_recorded_at
FROM current_config_noncompliant_resources
WHERE result_recorded_at > now() - interval '1 day'
ORDER BY result_recorded_at DESC;
