SELECT p.row_key, p.account_id, p.region, 'savings_plan' AS kind,
       p.savings_plan_arn AS resource_arn,
       concat_ws(' ', left(p.savings_plan_type, 64), trim_scale(p.commitment_per_hour)::text, left(p.currency, 16), 'an hour') AS resource_name,
       NULL AS in_use, 'savings_plan_ends' AS issue, p.ends_at AS due_at, 60 AS shown_days,
       'LOW' AS severity, NULL AS high_days, NULL AS critical_days,
       'ends on ' || x.ending || '; what it covers costs the full price then' AS reason,
       'ended on ' || x.ending || '; what it covered costs the full price' AS overdue_reason
FROM obs.savings_plans p
CROSS JOIN LATERAL (SELECT to_char(p.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS ending) x
WHERE p.deleted_at IS NULL AND p.state = 'active' AND p.ends_at IS NOT NULL
