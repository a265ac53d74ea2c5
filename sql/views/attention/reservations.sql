SELECT r.row_key, r.account_id, r.region, 'reservation' AS kind,
       coalesce(r.reservation_arn, r.reservation_id) AS resource_arn,
       concat_ws(' ', left(r.service, 32), r.instance_count || ' ×', left(r.instance_type, 64), left(r.product_description, 64)) AS resource_name,
       NULL AS in_use, 'reservation_ends' AS issue, r.ends_at AS due_at, 60 AS shown_days,
       'LOW' AS severity, NULL AS high_days, NULL AS critical_days,
       'ends on ' || x.ending || '; what it covers costs the full price then' AS reason,
       'ended on ' || x.ending || '; what it covered costs the full price' AS overdue_reason
FROM obs.reservations r
CROSS JOIN LATERAL (SELECT to_char(r.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS ending) x
WHERE r.deleted_at IS NULL AND r.state = 'active' AND r.ends_at IS NOT NULL
