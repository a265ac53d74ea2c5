-- Certificates, keys and secrets that somebody has to look after.
--
-- attention_facts is materialized and knows dates alone: time passes for a row
-- that nothing changes, too. needs_attention, over it, compares them with the
-- present. What could not be found out is an issue of its own, never an all-clear.
--
-- Names are cut to a length that can be read. Of each issue an account has 10,000 rows
-- at most, those that are due first, and one more that says how many there are besides.
CREATE MATERIALIZED VIEW attention_facts AS
WITH certificate AS (
    SELECT row_key, account_id, region, certificate_arn, coalesce(domain_name, certificate_arn) AS name,
           status, not_after, revoked_at, in_use, renewal_eligibility
    FROM obs.certificates
    WHERE deleted_at IS NULL
), key AS (
    SELECT row_key, account_id, region, key_arn, coalesce(aliases ->> 0, key_id) AS name,
           key_state, deletion_at, material_expires_at, rotation_enabled, next_rotation_at, key_manager, key_spec, origin,
           coalesce(denied_actions ? 'kms:GetKeyRotationStatus', false) AS rotation_denied
    FROM obs.kms_keys
    WHERE deleted_at IS NULL
), secret AS (
    SELECT row_key, account_id, region, secret_arn, name, rotation_enabled, next_rotation_at, deletion_requested_at,
           -- Replicas are rotated where they come from, managed external secrets by their partner.
           coalesce(primary_region, region) = region AND external_type IS NULL AS rotates_here,
           owning_service IS NOT NULL AS is_owned
    FROM obs.secrets
    WHERE deleted_at IS NULL
), fact AS (
    SELECT row_key, account_id, region, 'certificate' AS kind, certificate_arn AS resource_arn, name AS resource_name,
           'certificate_expiry' AS issue, not_after AS due_at, in_use
    FROM certificate
    WHERE not_after IS NOT NULL AND (status IS NULL OR status IN ('ISSUED', 'EXPIRED'))
    UNION ALL
    SELECT row_key, account_id, region, 'certificate', certificate_arn, name, 'certificate_not_renewable', not_after, in_use
    FROM certificate
    WHERE renewal_eligibility = 'INELIGIBLE' AND status = 'ISSUED' AND in_use IS NOT false
    UNION ALL
    SELECT row_key, account_id, region, 'certificate', certificate_arn, name, 'certificate_revoked', revoked_at, in_use
    FROM certificate
    WHERE status = 'REVOKED'
    UNION ALL
    SELECT row_key, account_id, region, 'kms_key', key_arn, name, 'key_pending_deletion', deletion_at, NULL
    FROM key
    WHERE key_state IN ('PendingDeletion', 'PendingReplicaDeletion')
    UNION ALL
    SELECT row_key, account_id, region, 'kms_key', key_arn, name, 'key_material_expiry', material_expires_at, NULL
    FROM key
    WHERE material_expires_at IS NOT NULL AND key_state IS DISTINCT FROM 'PendingDeletion'
    UNION ALL
    SELECT row_key, account_id, region, 'kms_key', key_arn, name, 'key_unavailable', NULL, NULL
    FROM key
    WHERE key_state = 'Unavailable'
    UNION ALL
    SELECT row_key, account_id, region, 'kms_key', key_arn, name, 'key_unknown', NULL, NULL
    FROM key
    WHERE key_state IS NULL
    UNION ALL
    SELECT row_key, account_id, region, 'kms_key', key_arn, name, 'key_rotation_off', NULL, NULL
    FROM key
    WHERE rotation_enabled = false AND key_manager IS DISTINCT FROM 'AWS' AND key_state = 'Enabled' AND origin = 'AWS_KMS'
    UNION ALL
    SELECT row_key, account_id, region, 'kms_key', key_arn, name, 'key_rotation_overdue', next_rotation_at, NULL
    FROM key
    WHERE rotation_enabled AND next_rotation_at IS NOT NULL AND key_state = 'Enabled'
    UNION ALL
    -- Null is also what keys have that cannot be rotated. This one could be.
    SELECT row_key, account_id, region, 'kms_key', key_arn, name, 'key_rotation_unknown', NULL, NULL
    FROM key
    WHERE rotation_enabled IS NULL AND key_manager IS DISTINCT FROM 'AWS'
      AND (rotation_denied OR key_state = 'Enabled' AND key_spec = 'SYMMETRIC_DEFAULT' AND origin = 'AWS_KMS')
    UNION ALL
    SELECT row_key, account_id, region, 'secret', secret_arn, name, 'secret_pending_deletion', deletion_requested_at + interval '7 days', NULL
    FROM secret
    WHERE deletion_requested_at IS NOT NULL
    UNION ALL
    SELECT row_key, account_id, region, 'secret', secret_arn, name, 'secret_rotation_off', NULL, NULL
    FROM secret
    WHERE rotation_enabled = false AND rotates_here AND deletion_requested_at IS NULL
    UNION ALL
    SELECT row_key, account_id, region, 'secret', secret_arn, name, 'secret_rotation_not_set_up', NULL, NULL
    FROM secret
    WHERE rotation_enabled IS NULL AND rotates_here AND NOT is_owned AND deletion_requested_at IS NULL
    UNION ALL
    SELECT row_key, account_id, region, 'secret', secret_arn, name, 'secret_rotation_overdue', next_rotation_at, NULL
    FROM secret
    WHERE rotation_enabled AND next_rotation_at IS NOT NULL AND rotates_here AND deletion_requested_at IS NULL
), ranked AS (
    SELECT *,
           row_number() OVER (PARTITION BY account_id, issue ORDER BY due_at, row_key) AS place,
           count(*) OVER (PARTITION BY account_id, issue) - 10000 AS more
    FROM fact
)
SELECT row_key, issue, account_id, region, kind,
       CASE WHEN place <= 10000 THEN left(resource_arn, 512) ELSE '' END AS resource_arn,
       CASE WHEN place <= 10000 THEN left(resource_name, 256) ELSE more || ' more' END AS resource_name,
       due_at,
       CASE WHEN place <= 10000 THEN in_use END AS in_use
FROM ranked
WHERE place <= 10001;

CREATE UNIQUE INDEX attention_facts_key ON attention_facts (row_key, issue);

COMMENT ON MATERIALIZED VIEW attention_facts IS 'What needs_attention is made of: the dates of certificates, keys and secrets, near or far, and their faults.';
COMMENT ON COLUMN attention_facts.row_key IS 'Key of the row in the table of the category.';
COMMENT ON COLUMN attention_facts.issue IS 'What may be wrong, as a code.';
COMMENT ON COLUMN attention_facts.account_id IS 'Account of the resource.';
COMMENT ON COLUMN attention_facts.region IS 'Region of the resource.';
COMMENT ON COLUMN attention_facts.kind IS 'certificate, kms_key or secret.';
COMMENT ON COLUMN attention_facts.resource_arn IS 'ARN of the resource.';
COMMENT ON COLUMN attention_facts.resource_name IS 'Domain name of the certificate, first alias or id of the key, name of the secret.';
COMMENT ON COLUMN attention_facts.due_at IS 'When it happens or happened, or had to. Null: no date belongs to the issue, or it is not known.';
COMMENT ON COLUMN attention_facts.in_use IS 'Whether the certificate is in use. Null: not known, or not a certificate.';

CREATE VIEW needs_attention AS
WITH fact AS (
    SELECT f.*,
           floor(extract(epoch FROM due_at - now()) / 86400)::integer AS days_left,
           to_char(due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day
    FROM attention_facts f
    WHERE CASE issue
              WHEN 'certificate_expiry' THEN due_at < now() + interval '45 days'
              WHEN 'key_material_expiry' THEN due_at < now() + interval '45 days'
              -- A rotation takes its time; a day later it is overdue.
              WHEN 'key_rotation_overdue' THEN due_at < now() - interval '1 day'
              WHEN 'secret_rotation_overdue' THEN due_at < now() - interval '1 day'
              ELSE true
          END
), judged AS (
    SELECT f.*,
           CASE issue
               WHEN 'certificate_expiry' THEN
                   CASE WHEN in_use = false THEN 'LOW' WHEN days_left < 7 THEN 'CRITICAL' WHEN days_left < 30 THEN 'HIGH' ELSE 'MEDIUM' END
               WHEN 'certificate_not_renewable' THEN 'LOW'
               WHEN 'certificate_revoked' THEN CASE WHEN in_use = false THEN 'LOW' ELSE 'CRITICAL' END
               WHEN 'key_pending_deletion' THEN CASE WHEN days_left < 7 THEN 'CRITICAL' ELSE 'HIGH' END
               WHEN 'key_material_expiry' THEN CASE WHEN days_left < 7 THEN 'CRITICAL' ELSE 'HIGH' END
               WHEN 'key_unavailable' THEN 'HIGH'
               WHEN 'key_unknown' THEN 'LOW'
               WHEN 'key_rotation_off' THEN 'MEDIUM'
               WHEN 'key_rotation_overdue' THEN 'MEDIUM'
               WHEN 'key_rotation_unknown' THEN 'LOW'
               WHEN 'secret_pending_deletion' THEN 'HIGH'
               WHEN 'secret_rotation_off' THEN 'MEDIUM'
               WHEN 'secret_rotation_not_set_up' THEN 'LOW'
               WHEN 'secret_rotation_overdue' THEN 'HIGH'
           END AS severity,
           CASE issue
               WHEN 'certificate_expiry' THEN CASE WHEN days_left < 0 THEN 'expired on ' ELSE 'expires on ' END || day
               WHEN 'certificate_not_renewable' THEN 'in use, but ACM cannot renew it' || coalesce('; expires on ' || day, '')
               WHEN 'certificate_revoked' THEN 'revoked' || coalesce(' on ' || day, '')
               WHEN 'key_pending_deletion' THEN 'will be deleted' || coalesce(' after ' || day, '') || ', and nothing that it encrypted can be read then'
               WHEN 'key_material_expiry' THEN CASE WHEN days_left < 0 THEN 'imported key material expired on ' ELSE 'imported key material expires on ' END || day
               WHEN 'key_unavailable' THEN 'cannot be used: its key store is not connected'
               WHEN 'key_unknown' THEN 'not known: its description was denied'
               WHEN 'key_rotation_off' THEN 'is not rotated'
               WHEN 'key_rotation_overdue' THEN 'should have been rotated by ' || day
               WHEN 'key_rotation_unknown' THEN 'not known whether it is rotated: the answer was denied or missing'
               WHEN 'secret_pending_deletion' THEN 'will be deleted; can be restored until ' || day || ' at least'
               WHEN 'secret_rotation_off' THEN 'rotation was turned off'
               WHEN 'secret_rotation_not_set_up' THEN 'rotation was never set up'
               WHEN 'secret_rotation_overdue' THEN 'should have been rotated by ' || day
           END AS reason
    FROM fact f
)
SELECT account_id, region, kind, resource_name, resource_arn, severity,
       array_position(ARRAY['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'], severity) AS severity_order,
       issue, reason, due_at, days_left, in_use
FROM judged;

COMMENT ON VIEW needs_attention IS 'Certificates, KMS keys and secrets that somebody has to look after now, a row per resource and issue: expired or expiring within 45 days, not renewable, revoked, pending deletion, not rotated, overdue, or not known.';
COMMENT ON COLUMN needs_attention.account_id IS 'Account of the resource.';
COMMENT ON COLUMN needs_attention.region IS 'Region of the resource.';
COMMENT ON COLUMN needs_attention.kind IS 'certificate, kms_key or secret.';
COMMENT ON COLUMN needs_attention.resource_name IS 'Domain name of the certificate, first alias or id of the key, name of the secret.';
COMMENT ON COLUMN needs_attention.resource_arn IS 'ARN of the resource. Empty: the row stands for further ones of the account and issue, and resource_name says how many.';
COMMENT ON COLUMN needs_attention.severity IS 'CRITICAL, HIGH, MEDIUM or LOW. A certificate that is not in use is LOW; one of which that is not known counts as in use.';
COMMENT ON COLUMN needs_attention.severity_order IS '1 for CRITICAL to 4 for LOW, to sort by.';
COMMENT ON COLUMN needs_attention.issue IS 'What is wrong, as a code.';
COMMENT ON COLUMN needs_attention.reason IS 'What is wrong, for people.';
COMMENT ON COLUMN needs_attention.due_at IS 'When it happens or happened, or had to. Null: no date belongs to the issue, or it is not known.';
COMMENT ON COLUMN needs_attention.days_left IS 'Whole days from now to due_at, negative after it.';
COMMENT ON COLUMN needs_attention.in_use IS 'Whether the certificate is in use. Null: not known, or not a certificate.';
