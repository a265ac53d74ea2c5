-- Costs by day. The rules are those of live.costs: amounts of different currencies are
-- never added up, a sum is null if one of its amounts is, texts are cut, and what an
-- account has in a month beyond 1,000 services is 'other'.
CREATE VIEW live.cost_days AS
WITH line AS NOT MATERIALIZED (
    SELECT account_id, region, usage_date,
           date_trunc('month', usage_date::timestamp)::date AS month,
           left(service, 256) AS service,
           left(coalesce(currency, 'UNKNOWN'), 16) AS currency,
           unblended_cost, amortized_cost, estimated
    FROM obs.service_costs
    WHERE deleted_at IS NULL
), ranked AS (
    SELECT account_id, region, month, service, currency,
           row_number() OVER (PARTITION BY account_id, region, month ORDER BY count(*) DESC, service, currency) > 1000 AS is_other
    FROM line
    GROUP BY account_id, region, month, service, currency
)
SELECT account_id, region, usage_date,
       CASE WHEN is_other THEN 'other' ELSE service END AS service,
       CASE WHEN is_other AND currency !~ '^[A-Z]{3}$' THEN 'UNKNOWN' ELSE currency END AS currency,
       sum(unblended_cost) AS unblended_cost,
       CASE WHEN count(*) = count(amortized_cost) THEN sum(amortized_cost) END AS amortized_cost,
       bool_or(estimated) AS estimated
FROM line JOIN ranked USING (account_id, region, month, service, currency)
GROUP BY 1, 2, 3, 4, 5;

ALTER TABLE summary.cost_days ADD PRIMARY KEY (account_id, region, service, usage_date, currency);
CREATE INDEX ON summary.cost_days (service, usage_date);

COMMENT ON VIEW live.cost_days IS 'Cost by account, region of collection, service, day and currency.';
COMMENT ON COLUMN live.cost_days.account_id IS 'Account that used the service.';
COMMENT ON COLUMN live.cost_days.region IS 'Region in which costs are collected: global.';
COMMENT ON COLUMN live.cost_days.usage_date IS 'Day of the usage.';
COMMENT ON COLUMN live.cost_days.service IS 'Service, by its name in Cost Explorer. other: what the account sent beyond 1,000 services of the month.';
COMMENT ON COLUMN live.cost_days.currency IS 'Currency of all amounts of the row. UNKNOWN: AWS does not say.';
COMMENT ON COLUMN live.cost_days.unblended_cost IS 'Cost as it is charged on the day, less refunds and credits.';
COMMENT ON COLUMN live.cost_days.amortized_cost IS 'Cost with the fees of reservations and Savings Plans spread over their term. Null: AWS does not report it for every line.';
COMMENT ON COLUMN live.cost_days.estimated IS 'Whether AWS may still restate the day.';
