-- Checks that found something, the red ones first
SELECT account_id, category, name, status, resources_flagged, estimated_monthly_savings, refreshed_at
FROM current_trusted_advisor_checks
WHERE status IN ('error', 'warning')
ORDER BY status, resources_flagged DESC;

-- Savings that Trusted Advisor estimates, in USD a month
SELECT account_id, sum(estimated_monthly_savings) AS savings
FROM current_trusted_advisor_checks
WHERE category = 'cost_optimizing'
GROUP BY account_id
ORDER BY savings DESC NULLS LAST;
