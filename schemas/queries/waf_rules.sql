-- Rules that only count, and block nothing
SELECT account_id, region, web_acl_name, rule_name, coalesce(managed_name, statement_type) AS rule
FROM current_waf_rules
WHERE action = 'COUNT'
   OR override_action = 'COUNT'
ORDER BY account_id, region, web_acl_name, priority;

-- Managed rule groups, by use
SELECT managed_vendor, managed_name, managed_version, count(*) AS web_acls
FROM current_waf_rules
WHERE managed_name IS NOT NULL
GROUP BY managed_vendor, managed_name, managed_version
ORDER BY web_acls DESC;

-- Rules that look at the country of a request
SELECT account_id, region, web_acl_name, rule_name, jsonb_path_query(statement, '$.**.GeoMatchStatement.CountryCodes') AS countries
FROM current_waf_rules
ORDER BY account_id, region, web_acl_name, priority;
