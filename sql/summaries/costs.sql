-- Costs by month. Amounts of different currencies are never added up.
--
-- A sum is null if one of its amounts is: what AWS reports for a part of the lines only
-- would look like a total. The texts are cut for the same reason as in live.findings,
-- and an account has 1,000 services a month at most, those with the most lines: the rest
-- is the service 'other', and its currency UNKNOWN where that is no code.
CREATE VIEW live.costs AS
WITH line AS (
    SELECT account_id, region,
           date_trunc('month', usage_date::timestamp)::date AS month,
           left(service, 256) AS service,
           left(coalesce(currency, 'UNKNOWN'), 16) AS currency,
           usage_date, unblended_cost, net_unblended_cost, amortized_cost, net_amortized_cost, estimated
    FROM obs.service_costs
    WHERE deleted_at IS NULL
), counted AS (
    SELECT account_id, region, month, service, currency,
           sum(unblended_cost) AS unblended_cost,
           CASE WHEN count(*) = count(net_unblended_cost) THEN sum(net_unblended_cost) END AS net_unblended_cost,
           CASE WHEN count(*) = count(amortized_cost) THEN sum(amortized_cost) END AS amortized_cost,
           CASE WHEN count(*) = count(net_amortized_cost) THEN sum(net_amortized_cost) END AS net_amortized_cost,
           coalesce(sum(unblended_cost) FILTER (WHERE estimated), 0) AS estimated_cost,
           bool_or(estimated) AS estimated,
           count(*) AS lines,
           bit_or(1 << extract(day FROM usage_date)::integer - 1) AS days,
           max(usage_date) AS last_day
    FROM line
    GROUP BY account_id, region, month, service, currency
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY account_id, region, month ORDER BY lines DESC, service, currency) > 1000 AS is_other
    FROM counted
)
SELECT account_id, region, month,
       CASE WHEN is_other THEN 'other' ELSE service END AS service,
       CASE WHEN is_other AND currency !~ '^[A-Z]{3}$' THEN 'UNKNOWN' ELSE currency END AS currency,
       sum(unblended_cost) AS unblended_cost,
       CASE WHEN count(*) = count(net_unblended_cost) THEN sum(net_unblended_cost) END AS net_unblended_cost,
       CASE WHEN count(*) = count(amortized_cost) THEN sum(amortized_cost) END AS amortized_cost,
       CASE WHEN count(*) = count(net_amortized_cost) THEN sum(net_amortized_cost) END AS net_amortized_cost,
       sum(estimated_cost) AS estimated_cost,
       bool_or(estimated) AS estimated,
       sum(lines)::bigint AS lines,
       bit_or(days) AS days,
       max(last_day) AS last_day
FROM ranked
GROUP BY 1, 2, 3, 4, 5;

ALTER TABLE summary.costs ADD PRIMARY KEY (account_id, region, month, service, currency);

COMMENT ON VIEW live.costs IS 'Cost by account, region of collection, month, service and currency.';
COMMENT ON COLUMN live.costs.account_id IS 'Account that used the service.';
COMMENT ON COLUMN live.costs.region IS 'Region in which costs are collected: global.';
COMMENT ON COLUMN live.costs.month IS 'First day of the month.';
COMMENT ON COLUMN live.costs.service IS 'Service, by its name in Cost Explorer. other: what the account sent beyond 1,000 services of the month.';
COMMENT ON COLUMN live.costs.currency IS 'Currency of all amounts of the row. UNKNOWN: AWS does not say.';
COMMENT ON COLUMN live.costs.unblended_cost IS 'Cost as it is charged on the days of usage, less refunds and credits.';
COMMENT ON COLUMN live.costs.net_unblended_cost IS 'Unblended cost after discounts that AWS agreed on. Null: AWS does not report it for every line.';
COMMENT ON COLUMN live.costs.amortized_cost IS 'Cost with the fees of reservations and Savings Plans spread over their term. Null: AWS does not report it for every line.';
COMMENT ON COLUMN live.costs.net_amortized_cost IS 'Amortized cost after discounts that AWS agreed on. Null: AWS does not report it for every line.';
COMMENT ON COLUMN live.costs.estimated_cost IS 'The part of unblended_cost that AWS may still restate.';
COMMENT ON COLUMN live.costs.estimated IS 'Whether AWS may still restate a part of the month.';
COMMENT ON COLUMN live.costs.lines IS 'Number of cost lines.';
COMMENT ON COLUMN live.costs.days IS 'Days of the month with a cost line, the first one being the lowest bit: bit_or adds those of several rows up, bit_count(days::bit(32)) counts them.';
COMMENT ON COLUMN live.costs.last_day IS 'Last of those days.';
