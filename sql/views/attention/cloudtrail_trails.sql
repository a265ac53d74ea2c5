-- A trail of the organization is a row of each account that it logs, and an issue of its
-- owner alone.
SELECT t.row_key, t.account_id, t.region, 'trail' AS kind,
       t.trail_arn AS resource_arn, coalesce(t.name, t.trail_arn) AS resource_name, NULL AS in_use,
       i.issue, i.due_at, i.shown_days, i.severity, i.high_days, i.critical_days, i.reason, i.overdue_reason
FROM obs.cloudtrail_trails t
CROSS JOIN LATERAL (VALUES
    ('trail_stopped', NOT t.is_logging,
     t.logging_stopped_at, NULL::integer, 'HIGH', NULL::integer, NULL::integer,
     'does not log' || coalesce(' since ' || to_char(t.logging_stopped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), ''), NULL),
    ('trail_delivery_failed', t.is_logging AND coalesce(t.latest_delivery_error, '') <> '',
     NULL, NULL, 'HIGH', NULL, NULL, 'cannot deliver its logs: ' || left(t.latest_delivery_error, 200), NULL),
    ('trail_unknown', t.is_logging IS NULL,
     NULL, NULL, 'LOW', NULL, NULL, 'not known whether it logs: its status was denied or missing', NULL)
) AS i (issue, holds, due_at, shown_days, severity, high_days, critical_days, reason, overdue_reason)
WHERE t.deleted_at IS NULL AND t.owner_account_id IS NOT DISTINCT FROM t.account_id AND i.holds
