-- Reservations and Savings Plans by month: what was bought, used, covered and saved. Sums
-- are kept, so that percentages are those of the month and not means of days.
CREATE VIEW live.commitments AS
WITH line AS (
    SELECT account_id, region, commitment_kind, date_trunc('month', usage_date::timestamp)::date AS month, currency,
           commitment_id, utilization_percentage,
           coalesce(purchased_hours, total_commitment) AS bought, coalesce(used_hours, used_commitment) AS used,
           coalesce(total_commitment, total_amortized_fee) AS committed_cost, on_demand_cost_equivalent, net_savings,
           unused_hours, unused_commitment,
           NULL::numeric AS covered, NULL::numeric AS coverable
    FROM obs.commitment_utilization
    WHERE deleted_at IS NULL
    UNION ALL
    SELECT account_id, region, commitment_kind, date_trunc('month', usage_date::timestamp)::date, NULL,
           NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           coalesce(covered_hours, covered_cost), coalesce(total_hours, total_cost)
    FROM obs.commitment_coverage
    WHERE deleted_at IS NULL
)
SELECT account_id, region,
       CASE WHEN commitment_kind IN ('reservation', 'savings_plan') THEN commitment_kind ELSE 'other' END AS commitment_kind, month,
       left(max(currency), 16) AS currency,
       count(DISTINCT commitment_id) AS commitments,
       avg(utilization_percentage) AS mean_utilization,
       sum(bought) FILTER (WHERE used IS NOT NULL) AS bought,
       sum(used) FILTER (WHERE bought IS NOT NULL) AS used,
       sum(covered) FILTER (WHERE coverable IS NOT NULL) AS covered,
       sum(coverable) FILTER (WHERE covered IS NOT NULL) AS coverable,
       sum(committed_cost) AS committed_cost,
       sum(on_demand_cost_equivalent) AS on_demand_equivalent,
       sum(net_savings) AS net_savings,
       sum(unused_hours) AS unused_hours,
       sum(unused_commitment) AS unused_commitment
FROM line
GROUP BY 1, 2, 3, 4;

ALTER TABLE summary.commitments ADD PRIMARY KEY (account_id, region, commitment_kind, month);

COMMENT ON VIEW live.commitments IS 'Use and coverage of reservations and Savings Plans by month.';
COMMENT ON COLUMN live.commitments.account_id IS 'Account that owns the commitments.';
COMMENT ON COLUMN live.commitments.region IS 'Region in which they are collected: global.';
COMMENT ON COLUMN live.commitments.commitment_kind IS 'reservation or savings_plan; other: none of these.';
COMMENT ON COLUMN live.commitments.month IS 'First day of the month.';
COMMENT ON COLUMN live.commitments.currency IS 'Currency of the amounts. Null: there is coverage alone.';
COMMENT ON COLUMN live.commitments.commitments IS 'Number of commitments.';
COMMENT ON COLUMN live.commitments.mean_utilization IS 'Mean of the days'' utilization in percent.';
COMMENT ON COLUMN live.commitments.bought IS 'Hours of reservations, or amounts of Savings Plans, that were paid for.';
COMMENT ON COLUMN live.commitments.used IS 'How many of those were used.';
COMMENT ON COLUMN live.commitments.covered IS 'Hours that reservations covered, or costs that Savings Plans did.';
COMMENT ON COLUMN live.commitments.coverable IS 'Hours, or costs, that could have been covered.';
COMMENT ON COLUMN live.commitments.committed_cost IS 'What the commitments cost.';
COMMENT ON COLUMN live.commitments.on_demand_equivalent IS 'What the same usage would have cost on demand.';
COMMENT ON COLUMN live.commitments.net_savings IS 'What was saved.';
COMMENT ON COLUMN live.commitments.unused_hours IS 'Hours of reservations that were not used.';
COMMENT ON COLUMN live.commitments.unused_commitment IS 'Amount of Savings Plans that was not used.';
