-- Vulnerabilities to mend first: with a fix, a known exploit, on most resources
SELECT vulnerability_id, package_name, fixed_in_version, max(inspector_score) AS score, count(DISTINCT resource_id) AS resources
FROM current_inspector_findings
WHERE status = 'ACTIVE'
  AND fix_available = 'YES'
  AND exploit_available = 'YES'
GROUP BY vulnerability_id, package_name, fixed_in_version
ORDER BY resources DESC, score DESC
LIMIT 20;

-- Open findings per account and severity, each counted once
SELECT finding_account_id, severity, count(DISTINCT finding_arn) AS findings
FROM current_inspector_findings
WHERE status = 'ACTIVE'
GROUP BY finding_account_id, severity
ORDER BY finding_account_id, severity;

-- What can be reached from the internet
SELECT finding_account_id, region, resource_id, network_reachability -> 'OpenPortRange' AS ports, network_reachability ->> 'Protocol' AS protocol
FROM current_inspector_findings
WHERE status = 'ACTIVE'
  AND finding_type = 'NETWORK_REACHABILITY'
ORDER BY finding_account_id, region, resource_id;
