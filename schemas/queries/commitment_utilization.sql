-- Commitments that were hardly used on the last day that AWS tells
SELECT account_id, commitment_kind, commitment_id, service, instance_type, utilization_percentage, net_savings
FROM current_commitment_utilization AS u
WHERE usage_date = (SELECT max(usage_date) FROM current_commitment_utilization WHERE account_id = u.account_id)
  AND utilization_percentage < 80
ORDER BY utilization_percentage;

-- What commitments saved by month
SELECT account_id, commitment_kind, date_trunc('month', usage_date::timestamp)::date AS month,
       sum(net_savings) AS saved, currency
FROM current_commitment_utilization
GROUP BY account_id, commitment_kind, month, currency
ORDER BY month DESC, saved;
