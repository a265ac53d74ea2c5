SELECT o.row_key, o.account_id, o.region, 'service_level_objective' AS kind,
       o.slo_arn AS resource_arn, coalesce(o.name, o.slo_arn) AS resource_name, NULL AS in_use,
       CASE o.budget_status WHEN 'BREACHED' THEN 'objective_breached' ELSE 'objective_at_risk' END AS issue,
       NULL AS due_at, NULL AS shown_days, CASE o.budget_status WHEN 'BREACHED' THEN 'HIGH' ELSE 'MEDIUM' END AS severity,
       NULL AS high_days, NULL AS critical_days,
       CASE o.budget_status WHEN 'BREACHED' THEN 'the budget of errors is used up' ELSE 'the budget of errors is nearly used up' END
           || coalesce(': reached ' || o.attainment || ' % of ' || o.attainment_goal || ' %', '') AS reason,
       NULL AS overdue_reason
FROM obs.service_level_objectives o
WHERE o.deleted_at IS NULL AND o.budget_status IN ('BREACHED', 'WARNING')
