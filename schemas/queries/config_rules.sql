-- Rules that are not compliant, with the number of resources
SELECT r.account_id, r.region, r.rule_name, count(n.resource_id) AS resources
FROM current_config_rules AS r
LEFT JOIN current_config_noncompliant_resources AS n USING (account_id, region, rule_name)
WHERE r.compliance_type = 'NON_COMPLIANT'
GROUP BY r.account_id, r.region, r.rule_name
ORDER BY resources DESC;

-- Share of compliant rules by account, in percent
SELECT account_id,
       round(100.0 * count(*) FILTER (WHERE compliance_type = 'COMPLIANT') / count(*), 1) AS compliant_percent
FROM current_config_rules
WHERE compliance_type IN ('COMPLIANT', 'NON_COMPLIANT')
GROUP BY account_id
ORDER BY compliant_percent;

-- Rules that fail to be evaluated
SELECT account_id, region, rule_name, last_error_code, last_error_message, last_failed_at
FROM current_config_rules
WHERE last_failed_at > last_evaluated_at
   OR last_failed_at IS NOT NULL AND last_evaluated_at IS NULL
ORDER BY last_failed_at;
