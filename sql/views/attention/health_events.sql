-- Public events are the same for every account: the view health_now has them once.
SELECT e.row_key, e.account_id, e.region, 'health_event' AS kind,
       e.event_arn AS resource_arn, concat_ws(' ', left(e.service, 64), left(e.event_type_code, 128), left(e.event_region, 32)) AS resource_name, NULL AS in_use,
       i.issue, i.due_at, i.shown_days, i.severity, i.high_days, i.critical_days, i.reason, i.overdue_reason
FROM obs.health_events e
CROSS JOIN LATERAL (SELECT e.actionability = 'ACTION_REQUIRED' AS required,
                           to_char(e.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS start) x
CROSS JOIN LATERAL (VALUES
    ('health_issue', e.event_type_category IN ('issue', 'investigation') AND e.status = 'open',
     e.started_at, NULL, 'HIGH', NULL, NULL, 'AWS has a problem' || coalesce(' since ' || start, ''), NULL),
    ('health_change', e.event_type_category = 'scheduledChange',
     e.started_at, 30, CASE WHEN required THEN 'HIGH' ELSE 'MEDIUM' END, 7, CASE WHEN required THEN 2 END,
     'AWS will change it on ' || start, 'AWS changes it since ' || start),
    ('health_action', e.event_type_category = 'accountNotification' AND e.actionability IN ('ACTION_REQUIRED', 'ACTION_MAY_BE_REQUIRED'),
     e.started_at, NULL, CASE WHEN required THEN 'HIGH' ELSE 'MEDIUM' END, NULL, NULL,
     CASE WHEN required THEN 'AWS asks for an action' ELSE 'AWS may need an action' END, NULL)
) AS i (issue, holds, due_at, shown_days, severity, high_days, critical_days, reason, overdue_reason)
WHERE e.deleted_at IS NULL AND e.status IN ('open', 'upcoming') AND e.event_scope IS DISTINCT FROM 'PUBLIC' AND i.holds
