-- Costs by month, from all regions, those of linked_cost_daily among them. live.costs has the rules; here, too, an account has
-- 1,000 services a month at most, and the rest is 'other'.
CREATE MATERIALIZED VIEW cost_monthly AS
WITH known AS (
    SELECT account_id, month, service, currency, unblended_cost, net_unblended_cost, amortized_cost, net_amortized_cost,
           estimated_cost, estimated, lines, days, last_day
    FROM summary.costs
    UNION ALL
    SELECT account_id, date_trunc('month', usage_date::timestamp)::date, service, currency, unblended_cost, net_unblended_cost,
           amortized_cost, net_amortized_cost, CASE WHEN estimated THEN unblended_cost ELSE 0 END, estimated, lines,
           1 << extract(day FROM usage_date)::integer - 1, usage_date
    FROM linked_cost_daily
), service AS (
    SELECT account_id, month, service, currency,
           row_number() OVER (PARTITION BY account_id, month, service = 'other' ORDER BY sum(lines) DESC, service, currency) > 1000 AS is_other
    FROM known
    GROUP BY account_id, month, service, currency
), monthly AS (
    SELECT account_id, month,
           CASE WHEN is_other THEN 'other' ELSE service END AS service,
           CASE WHEN is_other AND currency !~ '^[A-Z]{3}$' THEN 'UNKNOWN' ELSE currency END AS currency,
           sum(unblended_cost) AS unblended_cost,
           CASE WHEN count(*) = count(net_unblended_cost) THEN sum(net_unblended_cost) END AS net_unblended_cost,
           CASE WHEN count(*) = count(amortized_cost) THEN sum(amortized_cost) END AS amortized_cost,
           CASE WHEN count(*) = count(net_amortized_cost) THEN sum(net_amortized_cost) END AS net_amortized_cost,
           sum(estimated_cost) AS estimated_cost,
           bool_or(estimated) AS estimated,
           bit_count(bit_or(days)::bit(32)) AS days,
           max(last_day) AS last_day
    FROM known JOIN service USING (account_id, month, service, currency)
    GROUP BY 1, 2, 3, 4
)
SELECT account_id, service, month, currency,
       unblended_cost, net_unblended_cost, amortized_cost, net_amortized_cost,
       round(unblended_cost / nullif(sum(unblended_cost) OVER (PARTITION BY account_id, month, currency), 0), 6) AS share,
       estimated, estimated_cost, days, last_day
FROM monthly
WITH NO DATA;

CREATE UNIQUE INDEX cost_monthly_key ON cost_monthly (account_id, month, service, currency);

COMMENT ON MATERIALIZED VIEW cost_monthly IS 'Cost by account, service, month and currency. Every account has its own costs alone, from all regions, as it collects them itself, else as the management account that it names sees them; currencies are never added up.';
COMMENT ON COLUMN cost_monthly.account_id IS 'Account that used the service.';
COMMENT ON COLUMN cost_monthly.service IS 'Service, by its name in Cost Explorer. other: what the account sent beyond 1,000 services of the month.';
COMMENT ON COLUMN cost_monthly.month IS 'First day of the month.';
COMMENT ON COLUMN cost_monthly.currency IS 'Currency of all amounts of the row. UNKNOWN: AWS does not say.';
COMMENT ON COLUMN cost_monthly.unblended_cost IS 'Cost as it is charged on the days of usage, less refunds and credits.';
COMMENT ON COLUMN cost_monthly.net_unblended_cost IS 'Unblended cost after discounts that AWS agreed on. Null: AWS does not report it for every line.';
COMMENT ON COLUMN cost_monthly.amortized_cost IS 'Cost with the fees of reservations and Savings Plans spread over their term. Null: AWS does not report it for every line.';
COMMENT ON COLUMN cost_monthly.net_amortized_cost IS 'Amortized cost after discounts that AWS agreed on. Null: AWS does not report it for every line.';
COMMENT ON COLUMN cost_monthly.share IS 'Part of the account''s unblended cost in the month and currency, 1 being all of it; credits can make it negative or more than 1. Null: that cost is 0.';
COMMENT ON COLUMN cost_monthly.estimated IS 'Whether AWS may still restate a part of the month.';
COMMENT ON COLUMN cost_monthly.estimated_cost IS 'The part of unblended_cost that AWS may still restate.';
COMMENT ON COLUMN cost_monthly.days IS 'Number of days of the month with a cost line of the service.';
COMMENT ON COLUMN cost_monthly.last_day IS 'Last of those days.';

CREATE VIEW cost_lines AS
SELECT account_id, service, usage_date, currency, unblended_cost, amortized_cost, estimated FROM summary.cost_days
UNION ALL
SELECT account_id, service, usage_date, currency, unblended_cost, amortized_cost, estimated FROM linked_cost_daily;

COMMENT ON VIEW cost_lines IS 'What the views of costs by day add up: costs that an account has collected itself, from each region, and those of linked_cost_daily.';
COMMENT ON COLUMN cost_lines.account_id IS 'Account that used the service.';
COMMENT ON COLUMN cost_lines.service IS 'Service, by its name in Cost Explorer. other: what the account sent beyond 1,000 services of the month.';
COMMENT ON COLUMN cost_lines.usage_date IS 'Day of the usage.';
COMMENT ON COLUMN cost_lines.currency IS 'Currency of all amounts of the row. UNKNOWN: AWS does not say.';
COMMENT ON COLUMN cost_lines.unblended_cost IS 'Cost as it is charged on the day, less refunds and credits.';
COMMENT ON COLUMN cost_lines.amortized_cost IS 'Cost with the fees of reservations and Savings Plans spread over their term. Null: AWS does not report it for every line.';
COMMENT ON COLUMN cost_lines.estimated IS 'Whether AWS may still restate the day.';

-- Costs by day, added up over services or over accounts: few rows for many accounts.
CREATE MATERIALIZED VIEW account_cost_daily AS
SELECT account_id, usage_date, currency,
       sum(unblended_cost) AS unblended_cost,
       CASE WHEN count(*) = count(amortized_cost) THEN sum(amortized_cost) END AS amortized_cost,
       bool_or(estimated) AS estimated
FROM cost_lines
GROUP BY account_id, usage_date, currency
WITH NO DATA;

CREATE UNIQUE INDEX account_cost_daily_key ON account_cost_daily (account_id, usage_date, currency);

COMMENT ON MATERIALIZED VIEW account_cost_daily IS 'Cost by account, day and currency: cost_daily, added up over services.';
COMMENT ON COLUMN account_cost_daily.account_id IS 'Account that has the costs.';
COMMENT ON COLUMN account_cost_daily.usage_date IS 'Day of the usage.';
COMMENT ON COLUMN account_cost_daily.currency IS 'Currency of all amounts of the row. UNKNOWN: AWS does not say.';
COMMENT ON COLUMN account_cost_daily.unblended_cost IS 'Cost as it is charged on the day, less refunds and credits.';
COMMENT ON COLUMN account_cost_daily.amortized_cost IS 'Cost with the fees of reservations and Savings Plans spread over their term. Null: AWS does not report it for every line.';
COMMENT ON COLUMN account_cost_daily.estimated IS 'Whether AWS may still restate the day.';

CREATE MATERIALIZED VIEW service_cost_daily AS
SELECT service, usage_date, currency,
       sum(unblended_cost) AS unblended_cost,
       CASE WHEN count(*) = count(amortized_cost) THEN sum(amortized_cost) END AS amortized_cost,
       bool_or(estimated) AS estimated
FROM cost_lines
GROUP BY service, usage_date, currency
WITH NO DATA;

CREATE UNIQUE INDEX service_cost_daily_key ON service_cost_daily (service, usage_date, currency);

COMMENT ON MATERIALIZED VIEW service_cost_daily IS 'Cost by service, day and currency: cost_daily, added up over accounts.';
COMMENT ON COLUMN service_cost_daily.service IS 'Service, by its name in Cost Explorer. other: what accounts sent beyond 1,000 services of a month.';
COMMENT ON COLUMN service_cost_daily.usage_date IS 'Day of the usage.';
COMMENT ON COLUMN service_cost_daily.currency IS 'Currency of all amounts of the row. UNKNOWN: AWS does not say.';
COMMENT ON COLUMN service_cost_daily.unblended_cost IS 'Cost as it is charged on the day, less refunds and credits.';
COMMENT ON COLUMN service_cost_daily.amortized_cost IS 'Cost with the fees of reservations and Savings Plans spread over their term. Null: AWS does not report it for every line.';
COMMENT ON COLUMN service_cost_daily.estimated IS 'Whether AWS may still restate the day.';
