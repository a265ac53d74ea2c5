-- Objectives that are missed or nearly so
SELECT account_id, region, service_name, name, budget_status, attainment, attainment_goal
FROM current_service_level_objectives
WHERE budget_status IN ('BREACHED', 'WARNING')
ORDER BY budget_status, attainment - attainment_goal;

-- What is left of the budget, in percent
SELECT account_id, region, name,
       100.0 * coalesce(budget_seconds_remaining, budget_requests_remaining)
           / nullif(coalesce(total_budget_seconds, total_budget_requests), 0) AS percent_left
FROM current_service_level_objectives
ORDER BY percent_left NULLS LAST;
