-- Cost per account in the last 30 days, as the management account sees it
SELECT linked_account_id, currency, sum(unblended_cost) AS cost
FROM current_linked_account_costs
WHERE usage_date >= current_date - 30
GROUP BY linked_account_id, currency
ORDER BY cost DESC
LIMIT 20;

-- Accounts with costs in the organization that are not collected themselves
SELECT DISTINCT linked_account_id
FROM current_linked_account_costs
WHERE linked_account_id NOT IN (SELECT account_id FROM current_accounts)
ORDER BY linked_account_id;
