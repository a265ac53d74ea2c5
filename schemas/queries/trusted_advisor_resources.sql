-- Resources that a security check flags
SELECT account_id, check_name, status, resource_region, metadata
FROM current_trusted_advisor_resources
WHERE category = 'security'
  AND NOT is_suppressed
ORDER BY account_id, check_name, status;

-- What people excluded, by check
SELECT check_name, count(*) AS resources
FROM current_trusted_advisor_resources
WHERE is_suppressed
GROUP BY check_name
ORDER BY resources DESC;
