-- Plans that end within 90 days
SELECT account_id, savings_plan_id, savings_plan_type, commitment_per_hour, currency, ends_at
FROM current_savings_plans
WHERE state = 'active' AND ends_at < now() + interval '90 days'
ORDER BY ends_at;

-- What accounts committed themselves to in a month of 730 hours
SELECT account_id, savings_plan_type, currency, count(*) AS plans, sum(commitment_per_hour) * 730 AS commitment
FROM current_savings_plans
WHERE state = 'active'
GROUP BY account_id, savings_plan_type, currency
ORDER BY commitment DESC;
