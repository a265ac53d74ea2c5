-- A rotation takes its time: a day after its date it is overdue. That rotation_enabled
-- is null is also so of keys that cannot be rotated, and an issue for those that can.
SELECT k.row_key, k.account_id, k.region, 'kms_key' AS kind,
       k.key_arn AS resource_arn, coalesce(k.aliases ->> 0, k.key_id) AS resource_name, NULL AS in_use,
       i.issue, i.due_at, i.shown_days, i.severity, i.high_days, i.critical_days, i.reason, i.overdue_reason
FROM obs.kms_keys k
CROSS JOIN LATERAL (SELECT to_char(k.deletion_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS deletion,
                           to_char(k.material_expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS expiry,
                           to_char(k.next_rotation_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS rotation) x
CROSS JOIN LATERAL (VALUES
    ('key_pending_deletion', k.key_state IN ('PendingDeletion', 'PendingReplicaDeletion'),
     k.deletion_at, NULL, 'HIGH', NULL, 7,
     'will be deleted' || coalesce(' after ' || deletion, '') || ', and nothing that it encrypted can be read then', NULL),
    ('key_material_expiry', k.material_expires_at IS NOT NULL AND k.key_state IS DISTINCT FROM 'PendingDeletion',
     k.material_expires_at, 45, 'HIGH', NULL, 7,
     'imported key material expires on ' || expiry, 'imported key material expired on ' || expiry),
    ('key_unavailable', k.key_state = 'Unavailable',
     NULL, NULL, 'HIGH', NULL, NULL,
     'cannot be used: its key store is not connected', NULL),
    ('key_unknown', k.key_state IS NULL,
     NULL, NULL, 'LOW', NULL, NULL,
     'not known: its description was denied', NULL),
    ('key_rotation_off', k.rotation_enabled = false AND k.key_manager IS DISTINCT FROM 'AWS' AND k.key_state = 'Enabled' AND k.origin = 'AWS_KMS',
     NULL, NULL, 'MEDIUM', NULL, NULL,
     'is not rotated', NULL),
    ('key_rotation_overdue', k.rotation_enabled AND k.next_rotation_at IS NOT NULL AND k.key_state = 'Enabled',
     k.next_rotation_at, -1, 'MEDIUM', NULL, NULL,
     'should have been rotated by ' || rotation, NULL),
    ('key_rotation_unknown', k.rotation_enabled IS NULL AND k.key_manager IS DISTINCT FROM 'AWS'
        AND (k.denied_actions ? 'kms:GetKeyRotationStatus' OR k.key_state = 'Enabled' AND k.key_spec = 'SYMMETRIC_DEFAULT' AND k.origin = 'AWS_KMS'),
     NULL, NULL, 'LOW', NULL, NULL,
     'not known whether it is rotated: the answer was denied or missing', NULL)
) AS i (issue, holds, due_at, shown_days, severity, high_days, critical_days, reason, overdue_reason)
WHERE k.deleted_at IS NULL AND i.holds
