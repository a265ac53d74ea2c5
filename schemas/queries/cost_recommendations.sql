-- What to do first: savings that need little work and can be undone
SELECT account_id, resource_region, action_type, resource_id, current_resource_summary, recommended_resource_summary,
       estimated_monthly_savings, currency
FROM current_cost_recommendations
WHERE implementation_effort IN ('VeryLow', 'Low') AND rollback_possible
ORDER BY estimated_monthly_savings DESC
LIMIT 50;

-- Savings by account and action
SELECT account_id, action_type, currency, count(*) AS recommendations, sum(estimated_monthly_savings) AS savings
FROM current_cost_recommendations
GROUP BY account_id, action_type, currency
ORDER BY savings DESC;
