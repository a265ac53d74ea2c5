-- Ninety days are what the CIS benchmark of AWS allows.
SELECT k.row_key, k.account_id, k.region, 'access_key' AS kind,
       k.access_key_id AS resource_arn, k.user_name AS resource_name, k.last_used_at IS NOT NULL AS in_use,
       i.issue, i.due_at, i.shown_days, i.severity, i.high_days, i.critical_days, i.reason, i.overdue_reason
FROM obs.iam_access_keys k
CROSS JOIN LATERAL (VALUES
    ('access_key_old', k.key_created_at IS NOT NULL,
     k.key_created_at + interval '2160 hours', 0, 'MEDIUM', -275, NULL,
     'key ' || left(k.access_key_id, 128) || ' was created on ' || to_char(k.key_created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')
         || ' and never replaced', NULL),
    ('access_key_unused', coalesce(k.last_used_at, k.key_created_at) IS NOT NULL,
     coalesce(k.last_used_at, k.key_created_at) + interval '2160 hours', 0, 'MEDIUM', NULL, NULL,
     'key ' || left(k.access_key_id, 128) || coalesce(' was used last on ' || to_char(k.last_used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), ' was never used'),
     NULL)
) AS i (issue, holds, due_at, shown_days, severity, high_days, critical_days, reason, overdue_reason)
WHERE k.deleted_at IS NULL AND k.status = 'Active' AND i.holds
