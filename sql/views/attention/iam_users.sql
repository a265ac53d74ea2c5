-- The root user is in iam_account_settings.
SELECT u.row_key, u.account_id, u.region, 'user' AS kind,
       u.user_arn AS resource_arn, u.user_name AS resource_name, u.password_last_used_at IS NOT NULL AS in_use,
       'user_without_mfa' AS issue, NULL AS due_at, NULL AS shown_days, 'HIGH' AS severity, NULL AS high_days, NULL AS critical_days,
       'has a password and no MFA device' AS reason, NULL AS overdue_reason
FROM obs.iam_users u
WHERE u.deleted_at IS NULL AND NOT u.is_root AND u.password_enabled AND NOT u.mfa_active
