SELECT c.row_key, c.account_id, c.region, 'support_case' AS kind,
       c.case_id AS resource_arn, coalesce(c.subject, c.display_id, c.case_id) AS resource_name, NULL AS in_use,
       'case_waits_for_us' AS issue, NULL AS due_at, NULL AS shown_days,
       CASE WHEN c.severity_code IN ('critical', 'urgent') THEN 'HIGH' WHEN c.severity_code = 'high' THEN 'MEDIUM' ELSE 'LOW' END AS severity,
       NULL AS high_days, NULL AS critical_days,
       'AWS waits for an answer to case ' || left(coalesce(c.display_id, c.case_id), 128) AS reason, NULL AS overdue_reason
FROM obs.support_cases c
WHERE c.deleted_at IS NULL AND c.status = 'pending-customer-action'
