-- How much is paid for on demand, by account and service
SELECT account_id, commitment_kind, service, round(avg(coverage_percentage), 1) AS coverage_percentage,
       sum(on_demand_cost) AS on_demand_cost
FROM current_commitment_coverage
WHERE usage_date >= current_date - 16
GROUP BY account_id, commitment_kind, service
ORDER BY on_demand_cost DESC NULLS LAST;

-- Coverage by day
SELECT usage_date, commitment_kind, service, 100 * sum(covered_hours) / nullif(sum(total_hours), 0) AS of_hours,
       100 * sum(covered_cost) / nullif(sum(total_cost), 0) AS of_costs
FROM current_commitment_coverage
GROUP BY usage_date, commitment_kind, service
ORDER BY usage_date DESC, commitment_kind, service;
