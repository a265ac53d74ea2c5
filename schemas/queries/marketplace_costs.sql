-- What each product of the Marketplace costs in 30 days
SELECT product_name, currency, count(DISTINCT account_id) AS accounts, sum(unblended_cost) AS cost
FROM current_marketplace_costs
WHERE usage_date >= current_date - 30
GROUP BY product_name, currency
ORDER BY cost DESC;

-- Products that an account began to pay for within 14 days
SELECT account_id, product_name, min(usage_date) AS since, sum(unblended_cost) AS cost
FROM current_marketplace_costs
GROUP BY account_id, product_name
HAVING min(usage_date) > current_date - 14
ORDER BY cost DESC;
