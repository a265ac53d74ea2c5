-- What costs most in the last 14 days, over all accounts
SELECT service, usage_type, usage_unit, currency, sum(unblended_cost) AS cost, sum(usage_quantity) AS used
FROM current_usage_costs
WHERE usage_date >= current_date - 14
GROUP BY service, usage_type, usage_unit, currency
ORDER BY cost DESC
LIMIT 20;

-- Traffic that leaves AWS or a region, by account
SELECT account_id, usage_type, currency, sum(usage_quantity) AS gigabytes, sum(unblended_cost) AS cost
FROM current_usage_costs
WHERE usage_type LIKE '%DataTransfer%' AND usage_unit = 'GB'
GROUP BY account_id, usage_type, currency
ORDER BY cost DESC;
