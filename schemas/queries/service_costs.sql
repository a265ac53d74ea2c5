-- Cost per service in the last 30 days, over all accounts
SELECT service, currency, sum(unblended_cost) AS cost
FROM current_service_costs
WHERE usage_date >= current_date - 30
GROUP BY service, currency
ORDER BY cost DESC
LIMIT 20;

-- Cost per account and month, with the part that AWS may still restate
SELECT account_id, date_trunc('month', usage_date)::date AS month, currency,
       sum(unblended_cost) AS cost,
       sum(unblended_cost) FILTER (WHERE estimated) AS estimated_cost
FROM current_service_costs
GROUP BY account_id, month, currency
ORDER BY month DESC, cost DESC;

-- Services that cost much more than on the same day a week before
SELECT t.account_id, t.usage_date, t.service, sum(t.unblended_cost) AS cost, w.cost AS week_before
FROM current_service_costs AS t
JOIN (SELECT account_id, usage_date, service, sum(unblended_cost) AS cost
      FROM current_service_costs
      GROUP BY account_id, usage_date, service) AS w
  ON w.account_id = t.account_id AND w.service = t.service AND w.usage_date = t.usage_date - 7
WHERE t.usage_date >= current_date - 7
GROUP BY t.account_id, t.usage_date, t.service, w.cost
HAVING sum(t.unblended_cost) > 1.5 * w.cost AND sum(t.unblended_cost) - w.cost > 10
ORDER BY sum(t.unblended_cost) - w.cost DESC;
