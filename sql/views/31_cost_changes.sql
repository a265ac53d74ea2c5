-- How costs move, from day to day and from month to month.
--
-- The views look at one account's rows side by side, so a query for some accounts reads
-- theirs alone.

CREATE VIEW cost_daily AS
WITH daily AS (
    SELECT account_id, service, usage_date, currency,
           sum(unblended_cost) AS unblended_cost,
           CASE WHEN count(*) = count(amortized_cost) THEN sum(amortized_cost) END AS amortized_cost,
           bool_or(estimated) AS estimated
    FROM cost_lines
    GROUP BY account_id, service, usage_date, currency
), compared AS (
    SELECT *,
           coalesce(sum(unblended_cost) OVER (series RANGE BETWEEN '1 day' PRECEDING AND '1 day' PRECEDING), 0) AS previous_day,
           coalesce(sum(unblended_cost) OVER (series RANGE BETWEEN '7 days' PRECEDING AND '7 days' PRECEDING), 0) AS week_before,
           sum(unblended_cost) OVER (PARTITION BY account_id, service, currency, extract(year FROM usage_date), extract(month FROM usage_date)
                                     ORDER BY usage_date) AS month_to_date
    FROM daily
    WINDOW series AS (PARTITION BY account_id, service, currency ORDER BY usage_date)
)
SELECT account_id, service, usage_date, currency, unblended_cost, amortized_cost, estimated,
       previous_day, week_before, unblended_cost - week_before AS change_to_week_before, month_to_date
FROM compared;

COMMENT ON VIEW cost_daily IS 'Cost by account, service, day and currency, beside that of the day and of the week before. A day without a cost line of the service has no row.';
COMMENT ON COLUMN cost_daily.account_id IS 'Account that used the service.';
COMMENT ON COLUMN cost_daily.service IS 'Service, by its name in Cost Explorer. other: what the account sent beyond 1,000 services of the month.';
COMMENT ON COLUMN cost_daily.usage_date IS 'Day of the usage.';
COMMENT ON COLUMN cost_daily.currency IS 'Currency of all amounts of the row. UNKNOWN: AWS does not say.';
COMMENT ON COLUMN cost_daily.unblended_cost IS 'Cost as it is charged on the day, less refunds and credits.';
COMMENT ON COLUMN cost_daily.amortized_cost IS 'Cost with the fees of reservations and Savings Plans spread over their term. Null: AWS does not report it for every line.';
COMMENT ON COLUMN cost_daily.estimated IS 'Whether AWS may still restate the day.';
COMMENT ON COLUMN cost_daily.previous_day IS 'unblended_cost of the day before; 0: the service had none.';
COMMENT ON COLUMN cost_daily.week_before IS 'unblended_cost of the day a week before; 0: the service had none.';
COMMENT ON COLUMN cost_daily.change_to_week_before IS 'unblended_cost less week_before.';
COMMENT ON COLUMN cost_daily.month_to_date IS 'Sum of unblended_cost from the first day of the month to the day.';

-- A service that an account does not use any more has a row for the month after, if the
-- account has costs of a later month at all: else that month was not collected.
CREATE VIEW cost_change AS
WITH amount AS (
    SELECT account_id, service, month, currency, unblended_cost AS cost, 0 AS previous_cost, estimated
    FROM cost_monthly
    UNION ALL
    SELECT account_id, service, (month + interval '1 month')::date, currency, 0, unblended_cost, NULL
    FROM cost_monthly before
    WHERE EXISTS (SELECT FROM cost_monthly later WHERE later.account_id = before.account_id AND later.month > before.month)
), compared AS (
    SELECT account_id, service, month, currency,
           sum(cost) AS cost, sum(previous_cost) AS previous_cost, coalesce(bool_or(estimated), true) AS estimated
    FROM amount
    GROUP BY account_id, service, month, currency
)
SELECT account_id, service, month, currency, cost, previous_cost, cost - previous_cost AS change,
       round((cost - previous_cost) / nullif(abs(previous_cost), 0) * 100, 2) AS change_percentage, estimated
FROM compared;

COMMENT ON VIEW cost_change IS 'What became dearer or cheaper from one month to the next: cost by account, service, month and currency, beside that of the month before. The newest month is not over yet, as a rule.';
COMMENT ON COLUMN cost_change.account_id IS 'Account that used the service.';
COMMENT ON COLUMN cost_change.service IS 'Service, by its name in Cost Explorer. other: what the account sent beyond 1,000 services of the month.';
COMMENT ON COLUMN cost_change.month IS 'First day of the month.';
COMMENT ON COLUMN cost_change.currency IS 'Currency of all amounts of the row. UNKNOWN: AWS does not say.';
COMMENT ON COLUMN cost_change.cost IS 'Unblended cost of the month; 0: the service had none.';
COMMENT ON COLUMN cost_change.previous_cost IS 'Unblended cost of the month before; 0: the service had none.';
COMMENT ON COLUMN cost_change.change IS 'cost less previous_cost.';
COMMENT ON COLUMN cost_change.change_percentage IS 'change in percent of the size of previous_cost. Null: that is 0.';
COMMENT ON COLUMN cost_change.estimated IS 'Whether AWS may still restate a part of the month. True where the service had no cost in it.';
