SELECT p.row_key, p.account_id, p.region, 'managed_node' AS kind,
       p.instance_id AS resource_arn, p.instance_id AS resource_name, NULL AS in_use,
       i.issue, i.due_at, i.shown_days, i.severity, i.high_days, i.critical_days, i.reason, i.overdue_reason
FROM obs.ssm_patch_states p
CROSS JOIN LATERAL (VALUES
    ('patch_failed', p.failed_count > 0,
     p.operation_ended_at, NULL::integer, 'HIGH', NULL::integer, NULL::integer,
     'patches that could not be installed: ' || p.failed_count, NULL),
    ('patch_missing', p.critical_noncompliant_count > 0 OR p.security_noncompliant_count > 0,
     p.operation_ended_at, NULL, 'MEDIUM', NULL, NULL,
     format('patches that are not as the baseline says: critical %s, of security advisories %s',
            coalesce(p.critical_noncompliant_count, 0), coalesce(p.security_noncompliant_count, 0)), NULL)
) AS i (issue, holds, due_at, shown_days, severity, high_days, critical_days, reason, overdue_reason)
WHERE p.deleted_at IS NULL AND i.holds
