-- Clients that check certificates cannot connect any more once it has expired.
SELECT d.row_key, d.account_id, d.region, 'rds_instance' AS kind,
       d.db_instance_arn AS resource_arn, d.db_instance_id AS resource_name, NULL AS in_use,
       'database_certificate_expiry' AS issue, d.certificate_valid_till AS due_at, 90 AS shown_days,
       'MEDIUM' AS severity, 30 AS high_days, 7 AS critical_days,
       'server certificate of ' || coalesce(left(d.ca_certificate, 64), 'an unknown authority') || ' expires on ' || x.expiry AS reason,
       'server certificate of ' || coalesce(left(d.ca_certificate, 64), 'an unknown authority') || ' expired on ' || x.expiry AS overdue_reason
FROM obs.rds_instances d
CROSS JOIN LATERAL (SELECT to_char(d.certificate_valid_till AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS expiry) x
WHERE d.deleted_at IS NULL AND d.certificate_valid_till IS NOT NULL
