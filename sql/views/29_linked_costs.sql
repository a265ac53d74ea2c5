-- Which costs count that a management account sees: those of an account that names it as its
-- own, on days without a cost line of the account itself. The same money is never added
-- up twice, and an account that no longer reads its costs keeps the days that it had.
CREATE VIEW linked_cost_daily AS
WITH own AS (
    SELECT DISTINCT ON (account_id) account_id, management_account_id
    FROM obs.accounts
    WHERE deleted_at IS NULL AND reported_account_id = account_id
    ORDER BY account_id, region = 'global' DESC, region, row_key
), month AS (
    SELECT account_id, month, bit_or(days) AS days FROM summary.costs GROUP BY account_id, month
)
SELECT l.linked_account_id AS account_id, l.account_id AS management_account_id, l.service, l.usage_date, l.currency,
       l.unblended_cost, l.net_unblended_cost, l.amortized_cost, l.net_amortized_cost, l.estimated, l.lines
FROM summary.linked_cost_days l
JOIN own ON own.account_id = l.linked_account_id AND own.management_account_id = l.account_id
LEFT JOIN month m ON m.account_id = l.linked_account_id AND m.month = date_trunc('month', l.usage_date::timestamp)::date
WHERE coalesce(m.days, 0) & (1 << extract(day FROM l.usage_date)::integer - 1) = 0;

COMMENT ON VIEW linked_cost_daily IS 'Cost by account, service, day and currency of days that the account has not collected itself, as the management account sees it that the account names. cost_daily and cost_monthly have them beside what accounts collect themselves.';
COMMENT ON COLUMN linked_cost_daily.account_id IS 'Account that used the service.';
COMMENT ON COLUMN linked_cost_daily.management_account_id IS 'Management account that says so, as the account itself names it.';
COMMENT ON COLUMN linked_cost_daily.service IS 'Service, by its name in Cost Explorer. other: what was sent beyond 1,000 services of the account and month.';
COMMENT ON COLUMN linked_cost_daily.usage_date IS 'Day of the usage.';
COMMENT ON COLUMN linked_cost_daily.currency IS 'Currency of all amounts of the row. UNKNOWN: AWS does not say.';
COMMENT ON COLUMN linked_cost_daily.unblended_cost IS 'Cost as it is charged on the day, less refunds and credits.';
COMMENT ON COLUMN linked_cost_daily.net_unblended_cost IS 'Unblended cost after discounts that AWS agreed on. Null: AWS does not report it for every line.';
COMMENT ON COLUMN linked_cost_daily.amortized_cost IS 'Cost with the fees of reservations and Savings Plans spread over their term. Null: AWS does not report it for every line.';
COMMENT ON COLUMN linked_cost_daily.net_amortized_cost IS 'Amortized cost after discounts that AWS agreed on. Null: AWS does not report it for every line.';
COMMENT ON COLUMN linked_cost_daily.estimated IS 'Whether AWS may still restate the day.';
COMMENT ON COLUMN linked_cost_daily.lines IS 'Number of cost lines.';
