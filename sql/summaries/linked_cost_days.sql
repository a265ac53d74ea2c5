-- Costs of the accounts of an organization by day, as an account that says to manage it sees
-- them. linked_cost_daily says which of them count. The rules are those of live.cost_days.
CREATE VIEW live.linked_cost_days AS
WITH line AS NOT MATERIALIZED (
    SELECT account_id, region, linked_account_id, usage_date,
           date_trunc('month', usage_date::timestamp)::date AS month,
           left(service, 256) AS service,
           left(coalesce(currency, 'UNKNOWN'), 16) AS currency,
           unblended_cost, net_unblended_cost, amortized_cost, net_amortized_cost, estimated
    FROM obs.linked_account_costs
    WHERE deleted_at IS NULL AND linked_account_id ~ '^[0-9]{12}$'
), ranked AS (
    SELECT account_id, region, linked_account_id, month, service, currency,
           row_number() OVER (PARTITION BY account_id, region, linked_account_id, month ORDER BY count(*) DESC, service, currency) > 1000 AS is_other
    FROM line
    GROUP BY account_id, region, linked_account_id, month, service, currency
)
SELECT account_id, region, linked_account_id, usage_date,
       CASE WHEN is_other THEN 'other' ELSE service END AS service,
       CASE WHEN is_other AND currency !~ '^[A-Z]{3}$' THEN 'UNKNOWN' ELSE currency END AS currency,
       sum(unblended_cost) AS unblended_cost,
       CASE WHEN count(*) = count(net_unblended_cost) THEN sum(net_unblended_cost) END AS net_unblended_cost,
       CASE WHEN count(*) = count(amortized_cost) THEN sum(amortized_cost) END AS amortized_cost,
       CASE WHEN count(*) = count(net_amortized_cost) THEN sum(net_amortized_cost) END AS net_amortized_cost,
       bool_or(estimated) AS estimated,
       count(*) AS lines
FROM line JOIN ranked USING (account_id, region, linked_account_id, month, service, currency)
GROUP BY 1, 2, 3, 4, 5, 6;

ALTER TABLE summary.linked_cost_days ADD PRIMARY KEY (account_id, region, linked_account_id, service, usage_date, currency);
CREATE INDEX ON summary.linked_cost_days (linked_account_id);

COMMENT ON VIEW live.linked_cost_days IS 'Cost by the account that says so, region of collection, account, service, day and currency.';
COMMENT ON COLUMN live.linked_cost_days.account_id IS 'Account that says so.';
COMMENT ON COLUMN live.linked_cost_days.region IS 'Region in which costs are collected: global.';
COMMENT ON COLUMN live.linked_cost_days.linked_account_id IS 'Account that used the service.';
COMMENT ON COLUMN live.linked_cost_days.usage_date IS 'Day of the usage.';
COMMENT ON COLUMN live.linked_cost_days.service IS 'Service, by its name in Cost Explorer. other: what was sent beyond 1,000 services of the account and month.';
COMMENT ON COLUMN live.linked_cost_days.currency IS 'Currency of all amounts of the row. UNKNOWN: AWS does not say.';
COMMENT ON COLUMN live.linked_cost_days.unblended_cost IS 'Cost as it is charged on the day, less refunds and credits.';
COMMENT ON COLUMN live.linked_cost_days.net_unblended_cost IS 'Unblended cost after discounts that AWS agreed on. Null: AWS does not report it for every line.';
COMMENT ON COLUMN live.linked_cost_days.amortized_cost IS 'Cost with the fees of reservations and Savings Plans spread over their term. Null: AWS does not report it for every line.';
COMMENT ON COLUMN live.linked_cost_days.net_amortized_cost IS 'Amortized cost after discounts that AWS agreed on. Null: AWS does not report it for every line.';
COMMENT ON COLUMN live.linked_cost_days.estimated IS 'Whether AWS may still restate the day.';
COMMENT ON COLUMN live.linked_cost_days.lines IS 'Number of cost lines.';
