-- Where an organization manages root access, the root user of a member has no password.
SELECT s.row_key, s.account_id, s.region, 'account' AS kind,
       s.account_id AS resource_arn, 'root user of ' || s.account_id AS resource_name, NULL AS in_use,
       i.issue, i.due_at, i.shown_days, i.severity, i.high_days, i.critical_days, i.reason, i.overdue_reason
FROM obs.iam_account_settings s
CROSS JOIN LATERAL (VALUES
    ('root_access_key', s.root_access_keys > 0,
     NULL::timestamptz, NULL::integer, 'CRITICAL', NULL::integer, NULL::integer, 'the root user has access keys', NULL),
    ('root_without_mfa', NOT s.root_mfa_enabled AND s.root_password_present IS NOT false,
     NULL, NULL, 'CRITICAL', NULL, NULL, 'the root user has no MFA device', NULL)
) AS i (issue, holds, due_at, shown_days, severity, high_days, critical_days, reason, overdue_reason)
WHERE s.deleted_at IS NULL AND i.holds
