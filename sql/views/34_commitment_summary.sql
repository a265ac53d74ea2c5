-- Reservations and Savings Plans by month; live.commitments has the rules.
CREATE VIEW commitment_summary AS
SELECT account_id, commitment_kind, month,
       sum(commitments)::bigint AS commitments,
       round(coalesce(100 * sum(used) / nullif(sum(bought), 0), avg(mean_utilization)), 2) AS utilization_percentage,
       round(100 * sum(covered) / nullif(sum(coverable), 0), 2) AS coverage_percentage,
       max(currency) AS currency,
       sum(committed_cost) AS committed_cost,
       sum(on_demand_equivalent) AS on_demand_equivalent,
       sum(net_savings) AS net_savings,
       sum(unused_hours) AS unused_hours,
       sum(unused_commitment) AS unused_commitment
FROM summary.commitments
GROUP BY account_id, commitment_kind, month;

COMMENT ON VIEW commitment_summary IS 'Reservations and Savings Plans by account and month: how far they were used, what they covered, and what they saved.';
COMMENT ON COLUMN commitment_summary.account_id IS 'Account that owns the commitments.';
COMMENT ON COLUMN commitment_summary.commitment_kind IS 'reservation or savings_plan; other: none of these.';
COMMENT ON COLUMN commitment_summary.month IS 'First day of the month.';
COMMENT ON COLUMN commitment_summary.commitments IS 'Number of commitments.';
COMMENT ON COLUMN commitment_summary.utilization_percentage IS 'How much of what was paid for was used in percent: of hours, for Savings Plans of the amount. Null: not known.';
COMMENT ON COLUMN commitment_summary.coverage_percentage IS 'How much of what could be covered was covered in percent: of hours, for Savings Plans of costs. Null: not known.';
COMMENT ON COLUMN commitment_summary.currency IS 'Currency of the amounts. Null: only coverage is known.';
COMMENT ON COLUMN commitment_summary.committed_cost IS 'What the commitments cost, fees paid upfront divided by days. Null: not known.';
COMMENT ON COLUMN commitment_summary.on_demand_equivalent IS 'What the same usage would have cost on demand. Null: not known.';
COMMENT ON COLUMN commitment_summary.net_savings IS 'What was saved. Negative: the commitments cost more than they saved. Null: not known.';
COMMENT ON COLUMN commitment_summary.unused_hours IS 'Hours of reservations that were paid for and not used. Null for Savings Plans.';
COMMENT ON COLUMN commitment_summary.unused_commitment IS 'Amount of Savings Plans that was paid for and not used. Null for reservations.';
