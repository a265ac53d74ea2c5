-- Replicas are rotated where they come from, managed external secrets by their partner.
-- A secret that will be deleted can be restored for seven days at least. A rotation takes
-- its time: a day after its date it is overdue.
SELECT s.row_key, s.account_id, s.region, 'secret' AS kind,
       s.secret_arn AS resource_arn, s.name AS resource_name, NULL AS in_use,
       i.issue, i.due_at, i.shown_days, i.severity, i.high_days, i.critical_days, i.reason, i.overdue_reason
FROM obs.secrets s
CROSS JOIN LATERAL (SELECT s.deletion_requested_at + interval '168 hours' AS deletion_at,
                           coalesce(s.primary_region, s.region) = s.region AND s.external_type IS NULL
                               AND s.deletion_requested_at IS NULL AS rotates_here) x
CROSS JOIN LATERAL (VALUES
    ('secret_pending_deletion', s.deletion_requested_at IS NOT NULL,
     deletion_at, NULL, 'HIGH', NULL, NULL,
     'will be deleted; can be restored until ' || to_char(deletion_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') || ' at least', NULL),
    ('secret_rotation_off', s.rotation_enabled = false AND rotates_here,
     NULL, NULL, 'MEDIUM', NULL, NULL,
     'rotation was turned off', NULL),
    ('secret_rotation_not_set_up', s.rotation_enabled IS NULL AND rotates_here AND s.owning_service IS NULL,
     NULL, NULL, 'LOW', NULL, NULL,
     'rotation was never set up', NULL),
    ('secret_rotation_overdue', s.rotation_enabled AND s.next_rotation_at IS NOT NULL AND rotates_here,
     s.next_rotation_at, -1, 'HIGH', NULL, NULL,
     'should have been rotated by ' || to_char(s.next_rotation_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), NULL)
) AS i (issue, holds, due_at, shown_days, severity, high_days, critical_days, reason, overdue_reason)
WHERE s.deleted_at IS NULL AND i.holds
