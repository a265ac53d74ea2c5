-- Open findings per account and severity, each finding counted once
SELECT finding_account_id, severity_label, count(DISTINCT (product_arn, finding_id)) AS findings
FROM current_security_findings
WHERE sample IS NOT TRUE
  AND record_state = 'ACTIVE'
  AND workflow_status IN ('NEW', 'NOTIFIED')
  AND compliance_status IS DISTINCT FROM 'PASSED'
GROUP BY finding_account_id, severity_label
ORDER BY finding_account_id, max(severity_normalized) DESC;

-- Controls that fail on most resources
SELECT security_control_id, title, count(DISTINCT resource_id) AS resources
FROM current_security_findings
WHERE sample IS NOT TRUE
  AND record_state = 'ACTIVE' AND compliance_status = 'FAILED'
GROUP BY security_control_id, title
ORDER BY resources DESC
LIMIT 20;

-- Vulnerabilities with a fix, by package
SELECT v ->> 'Id' AS vulnerability, p ->> 'Name' AS package, p ->> 'FixedInVersion' AS fixed_in,
       count(DISTINCT resource_id) AS resources
FROM current_security_findings,
     jsonb_array_elements(vulnerabilities) AS v,
     jsonb_array_elements(v -> 'VulnerablePackages') AS p
WHERE sample IS NOT TRUE
  AND record_state = 'ACTIVE' AND v ->> 'FixAvailable' = 'YES'
GROUP BY vulnerability, package, fixed_in
ORDER BY resources DESC;
