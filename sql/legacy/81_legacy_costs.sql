-- Costs. An account has one currency, as a rule; amounts of several are never added up.
CREATE VIEW legacy.services AS
SELECT legacy.id('service/' || account_id || '/' || usage_date || '/' || service || '/' || coalesce(currency, '')) AS id,
       legacy.account(account_id, 'global') AS account_id,
       service,
       usage_date AS date_from,
       usage_date + 1 AS date_to,
       sum(unblended_cost) AS cost,
       currency,
       CASE WHEN count(DISTINCT usage_unit) = 1 AND count(usage_unit) = count(*) THEN sum(usage_quantity) END AS utilization,
       CASE WHEN count(DISTINCT usage_unit) = 1 AND count(usage_unit) = count(*) THEN max(usage_unit) END AS utilization_unit,
       'Aggregated'::text AS usage_types,
       min(first_seen_at) AS created_at,
       max(collected_at) AS updated_at,
       account_id AS account,
       'Global'::text AS account_region
FROM obs.service_costs
WHERE deleted_at IS NULL
GROUP BY account_id, usage_date, service, currency;

-- Where an account has several currencies on a day, the report is of the one with the most
-- services.
CREATE VIEW legacy.cost_reports AS
WITH amount AS (
    SELECT account_id, usage_date, currency, sum(unblended_cost) AS cost, count(*) AS lines
    FROM summary.cost_days
    GROUP BY account_id, usage_date, currency
), day AS (
    SELECT DISTINCT ON (account_id, usage_date) account_id, usage_date, currency, cost
    FROM amount
    ORDER BY account_id, usage_date, lines DESC, currency
), saving AS (
    SELECT account_id, coalesce(currency, 'USD') AS currency, sum(estimated_monthly_savings) AS amount,
           count(*) FILTER (WHERE estimated_monthly_savings > 0) AS recommendations
    FROM obs.cost_recommendations
    WHERE deleted_at IS NULL
    GROUP BY account_id, coalesce(currency, 'USD')
), past AS (
    SELECT day, account_id, coalesce(nullif(dimension, ''), 'USD') AS currency, sum(value) AS amount
    FROM history.daily_measures
    WHERE measure = 'savings.monthly'
    GROUP BY day, account_id, coalesce(nullif(dimension, ''), 'USD')
), past_number AS (
    SELECT day, account_id, sum(value) AS recommendations
    FROM history.daily_measures
    WHERE measure = 'savings.opportunities'
    GROUP BY day, account_id
), pair AS (
    SELECT d.account_id, d.usage_date, d.currency, d.cost, coalesce(b.cost, 0) AS previous,
           d.usage_date = max(d.usage_date) OVER (PARTITION BY d.account_id) AS is_newest
    FROM day d LEFT JOIN day b ON b.account_id = d.account_id AND b.usage_date = d.usage_date - 1 AND b.currency = d.currency
)
SELECT legacy.id('cost/' || p.account_id || '/' || p.usage_date) AS id,
       legacy.account(p.account_id, 'global') AS account_id,
       p.cost AS current_period_cost,
       p.previous AS previous_period_cost,
       p.cost - p.previous AS cost_difference,
       CASE WHEN p.previous > 0 THEN (p.cost - p.previous) / p.previous * 100 ELSE 0 END AS cost_difference_percentage,
       coalesce(h.amount, CASE WHEN p.is_newest THEN s.amount END, 0) AS potential_monthly_savings,
       (SELECT count(*) FROM obs.cost_anomalies a
        WHERE a.account_id = p.account_id AND p.usage_date BETWEEN a.anomaly_start AND coalesce(a.anomaly_end, a.anomaly_start)) AS anomalies_detected,
       coalesce(n.recommendations, CASE WHEN p.is_newest THEN s.recommendations END, 0)::bigint AS saving_opportunities_count,
       p.usage_date AS period_start,
       p.usage_date + 1 AS period_end,
       'DAILY'::text AS period_granularity,
       (p.usage_date + 1)::timestamp AT TIME ZONE 'UTC' AS created_at,
       'Global'::text AS region,
       p.account_id AS account,
       'Global'::text AS account_region
FROM pair p
LEFT JOIN saving s ON s.account_id = p.account_id AND s.currency = p.currency
LEFT JOIN past h ON h.account_id = p.account_id AND h.day = p.usage_date AND h.currency = p.currency
LEFT JOIN past_number n ON n.account_id = p.account_id AND n.day = p.usage_date;

CREATE VIEW legacy.service_costs AS
SELECT legacy.id('service_cost/' || account_id || '/' || usage_date || '/' || service || '/' || currency) AS id,
       legacy.id('cost/' || account_id || '/' || usage_date) AS cost_report_id,
       service AS service_name,
       sum(unblended_cost) AS cost,
       (usage_date + 1)::timestamp AT TIME ZONE 'UTC' AS created_at,
       'Global'::text AS region,
       usage_date,
       account_id AS account,
       'Global'::text AS account_region
FROM summary.cost_days
GROUP BY account_id, usage_date, service, currency;

CREATE VIEW legacy.cost_forecasts AS
SELECT legacy.id('forecast/' || row_key) AS id,
       legacy.id('cost/' || account_id || '/' || (forecast_date - 1)) AS cost_report_id,
       period_start, period_end,
       mean_cost AS amount,
       lower_bound AS prediction_interval_lower_bound,
       upper_bound AS prediction_interval_upper_bound,
       first_seen_at AS created_at,
       'Global'::text AS region,
       forecast_date,
       account_id AS account,
       'Global'::text AS account_region
FROM obs.cost_forecasts
WHERE deleted_at IS NULL AND metric = 'UNBLENDED_COST';

CREATE VIEW legacy.marketplace_usage AS
SELECT legacy.id('marketplace/' || account_id || '/' || usage_date || '/' || product_name || '/' || coalesce(currency, '')) AS id,
       legacy.account(account_id, 'global') AS account_id,
       product_name AS product_code,
       product_name,
       sum(unblended_cost) AS cost_consumed,
       currency,
       usage_date AS period_start,
       usage_date + 1 AS period_end,
       'CONSUMED'::text AS status,
       min(first_seen_at) AS created_at,
       account_id AS account,
       'Global'::text AS account_region
FROM obs.marketplace_costs
WHERE deleted_at IS NULL
GROUP BY account_id, usage_date, product_name, currency;
