-- Costs by product. An account with several products gives each the same part, so that the
-- products add up to what the accounts cost.
CREATE VIEW product_costs AS
WITH account AS (
    SELECT account_id, month, currency, sum(unblended_cost) AS unblended_cost,
           CASE WHEN count(*) = count(amortized_cost) THEN sum(amortized_cost) END AS amortized_cost
    FROM cost_monthly
    GROUP BY account_id, month, currency
), part AS (
    SELECT account_id, product, count(*) OVER (PARTITION BY account_id) AS products FROM account_products
)
SELECT coalesce(product, 'NONE') AS product, month, currency, count(*) AS accounts,
       round(sum(unblended_cost / coalesce(products, 1)), 10) AS unblended_cost,
       CASE WHEN count(*) = count(amortized_cost) THEN round(sum(amortized_cost / coalesce(products, 1)), 10) END AS amortized_cost
FROM account LEFT JOIN part USING (account_id)
GROUP BY 1, 2, 3;

COMMENT ON VIEW product_costs IS 'Cost by product, month and currency. The cost of an account with several products is divided among them in equal parts. An account belongs to its products of today, in all months.';
COMMENT ON COLUMN product_costs.product IS 'Product, as account_products has it. NONE: accounts without one.';
COMMENT ON COLUMN product_costs.month IS 'First day of the month.';
COMMENT ON COLUMN product_costs.currency IS 'Currency of all amounts of the row. UNKNOWN: AWS does not say.';
COMMENT ON COLUMN product_costs.accounts IS 'Number of accounts of the product that have costs in the month and currency.';
COMMENT ON COLUMN product_costs.unblended_cost IS 'Cost as it is charged on the days of usage, less refunds and credits.';
COMMENT ON COLUMN product_costs.amortized_cost IS 'Cost with the fees of reservations and Savings Plans spread over their term. Null: AWS does not report it for every line.';
