-- The newest forecast of the next month, beside what the last whole month before the
-- forecast has cost, if each day of it is known.
SELECT f.row_key, f.account_id, f.region, 'forecast' AS kind,
       'forecast/' || f.period_start AS resource_arn, 'costs of ' || to_char(f.period_start::timestamp, 'YYYY-MM') AS resource_name, NULL AS in_use,
       'forecast_above_last_month' AS issue, f.period_start::timestamp AT TIME ZONE 'UTC' AS due_at, NULL AS shown_days,
       CASE WHEN f.mean_cost > 2 * s.cost THEN 'HIGH' WHEN f.mean_cost > 1.5 * s.cost THEN 'MEDIUM' ELSE 'LOW' END AS severity,
       NULL AS high_days, NULL AS critical_days,
       format('forecast is %s %s, and the last whole month has cost %s', round(f.mean_cost, 2), left(f.currency, 16), round(s.cost, 2)) AS reason,
       NULL AS overdue_reason
FROM (
    SELECT *, row_number() OVER (PARTITION BY account_id, region ORDER BY forecast_date DESC, period_start, row_key) AS place
    FROM obs.cost_forecasts
    WHERE deleted_at IS NULL AND metric = 'UNBLENDED_COST' AND period_start > forecast_date
) f
JOIN (
    SELECT account_id, region, currency, date_trunc('month', usage_date::timestamp) AS month, sum(unblended_cost) AS cost,
           count(DISTINCT usage_date) AS days
    FROM obs.service_costs
    WHERE deleted_at IS NULL
    GROUP BY account_id, region, currency, date_trunc('month', usage_date::timestamp)
) s ON s.account_id = f.account_id AND s.region = f.region AND s.currency = f.currency
   AND s.month = date_trunc('month', f.forecast_date::timestamp) - interval '1 month'
WHERE f.place = 1 AND s.days = extract(day FROM s.month + interval '1 month' - interval '1 day') AND f.mean_cost > 1.2 * s.cost
