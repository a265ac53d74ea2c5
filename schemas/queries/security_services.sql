-- Services that are set up and do not work
SELECT account_id, region, service, resource_id, status, last_status, last_error
FROM current_security_services
WHERE NOT enabled
   OR last_error IS NOT NULL
   OR last_status = 'Failure'
ORDER BY account_id, region, service;

-- Which services work, by account and region
SELECT account_id, region, array_agg(DISTINCT service ORDER BY service) FILTER (WHERE enabled) AS services
FROM current_security_services
GROUP BY account_id, region
ORDER BY cardinality(array_agg(DISTINCT service) FILTER (WHERE enabled)) NULLS FIRST, account_id, region;
