-- What the rest of this month and the next ones will cost, by the newest forecast of each account
SELECT f.account_id, f.period_start, f.period_end, f.mean_cost, f.lower_bound, f.upper_bound, f.currency
FROM current_cost_forecasts AS f
JOIN (SELECT account_id, max(forecast_date) AS forecast_date
      FROM current_cost_forecasts
      GROUP BY account_id) AS newest USING (account_id, forecast_date)
ORDER BY f.account_id, f.period_start;

-- How the forecast of a whole month moved from day to day
SELECT account_id, period_start, forecast_date, mean_cost,
       mean_cost - lag(mean_cost) OVER (PARTITION BY account_id, period_start ORDER BY forecast_date) AS change
FROM current_cost_forecasts
WHERE period_start > forecast_date
ORDER BY account_id, period_start, forecast_date;
