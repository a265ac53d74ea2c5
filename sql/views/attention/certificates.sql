-- A certificate counts as used if it is not known whether it is in use. ACM leaves the
-- date out until a certificate is issued.
SELECT c.row_key, c.account_id, c.region, 'certificate' AS kind,
       c.certificate_arn AS resource_arn, coalesce(c.domain_name, c.certificate_arn) AS resource_name, c.in_use,
       i.issue, i.due_at, i.shown_days, i.severity, i.high_days, i.critical_days, i.reason, i.overdue_reason
FROM obs.certificates c
CROSS JOIN LATERAL (SELECT to_char(c.not_after AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS expiry, c.in_use IS NOT false AS used) x
CROSS JOIN LATERAL (VALUES
    ('certificate_expiry', c.not_after IS NOT NULL AND (c.status IS NULL OR c.status IN ('ISSUED', 'EXPIRED')),
     c.not_after, 45, CASE WHEN used THEN 'MEDIUM' ELSE 'LOW' END, CASE WHEN used THEN 30 END, CASE WHEN used THEN 7 END,
     'expires on ' || expiry, 'expired on ' || expiry),
    ('certificate_not_renewable', c.renewal_eligibility = 'INELIGIBLE' AND c.status = 'ISSUED' AND used,
     c.not_after, NULL, 'LOW', NULL, NULL,
     'in use, but ACM cannot renew it' || coalesce('; expires on ' || expiry, ''), NULL),
    ('certificate_revoked', c.status = 'REVOKED',
     c.revoked_at, NULL, CASE WHEN used THEN 'CRITICAL' ELSE 'LOW' END, NULL, NULL,
     'revoked' || coalesce(' on ' || to_char(c.revoked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), ''), NULL)
) AS i (issue, holds, due_at, shown_days, severity, high_days, critical_days, reason, overdue_reason)
WHERE c.deleted_at IS NULL AND i.holds
