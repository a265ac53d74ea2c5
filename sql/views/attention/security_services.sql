-- Services that are set up and do not work. Those that were never set up are in the view
-- security_coverage.
SELECT s.row_key, s.account_id, s.region, 'security_service' AS kind,
       coalesce(s.resource_arn, s.resource_id) AS resource_arn, concat_ws(' ', left(s.service, 32), left(s.resource_id, 128)) AS resource_name,
       NULL AS in_use,
       i.issue, i.due_at, i.shown_days, i.severity, i.high_days, i.critical_days, i.reason, i.overdue_reason
FROM obs.security_services s
CROSS JOIN LATERAL (VALUES
    ('security_service_off', NOT s.enabled,
     NULL::timestamptz, NULL::integer, 'HIGH', NULL::integer, NULL::integer,
     'is set up and does not work' || coalesce(': ' || left(s.status, 64), ''), NULL),
    ('recorder_failed', s.service = 'config' AND (s.last_status = 'Failure' OR coalesce(s.last_error, '') <> ''),
     NULL, NULL, 'MEDIUM', NULL, NULL, 'could not deliver what it recorded' || coalesce(': ' || left(s.last_error, 200), ''), NULL)
) AS i (issue, holds, due_at, shown_days, severity, high_days, critical_days, reason, overdue_reason)
WHERE s.deleted_at IS NULL AND i.holds
