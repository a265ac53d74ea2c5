-- Anomalies of the last 30 days, the most expensive first
SELECT coalesce(linked_account_id, account_id) AS costs_of, anomaly_start, anomaly_end, service, usage_region, usage_type,
       total_impact, total_expected_spend, feedback
FROM current_cost_anomalies
WHERE anomaly_start >= current_date - 30
ORDER BY total_impact DESC;

-- Services that are often unusual
SELECT service, count(*) AS anomalies, sum(total_impact) AS impact
FROM current_cost_anomalies
WHERE feedback IS DISTINCT FROM 'PLANNED_ACTIVITY'
GROUP BY service
ORDER BY impact DESC;
