-- Checks of Trusted Advisor by category and result. The texts are cut as in live.findings.
-- What an account sends may be too large for the sum of two: it is no bigint.
CREATE VIEW live.trusted_advisor_status AS
SELECT account_id, region, left(coalesce(category, 'unknown'), 64) AS category,
       CASE WHEN status IN ('ok', 'warning', 'error') THEN status ELSE 'not_available' END AS status,
       count(*) AS checks,
       coalesce(sum(resources_flagged), 0) AS resources_flagged,
       coalesce(sum(resources_suppressed), 0) AS resources_suppressed,
       sum(estimated_monthly_savings) AS monthly_savings,
       min(refreshed_at) AS oldest_refresh_at
FROM obs.trusted_advisor_checks
WHERE deleted_at IS NULL
GROUP BY 1, 2, 3, 4;

ALTER TABLE summary.trusted_advisor_status ADD PRIMARY KEY (account_id, region, category, status);

COMMENT ON VIEW live.trusted_advisor_status IS 'Checks of Trusted Advisor by category and result.';
COMMENT ON COLUMN live.trusted_advisor_status.account_id IS 'Account that is checked.';
COMMENT ON COLUMN live.trusted_advisor_status.region IS 'Region in which Trusted Advisor is collected: global.';
COMMENT ON COLUMN live.trusted_advisor_status.category IS 'cost_optimizing, security, fault_tolerance, performance, service_limits or operational_excellence.';
COMMENT ON COLUMN live.trusted_advisor_status.status IS 'ok (green), warning (yellow), error (red) or not_available.';
COMMENT ON COLUMN live.trusted_advisor_status.checks IS 'Number of checks.';
COMMENT ON COLUMN live.trusted_advisor_status.resources_flagged IS 'Resources that these checks flag.';
COMMENT ON COLUMN live.trusted_advisor_status.resources_suppressed IS 'Resources that somebody excluded from them.';
COMMENT ON COLUMN live.trusted_advisor_status.monthly_savings IS 'Estimated savings in USD a month. Null: none of them is about costs.';
COMMENT ON COLUMN live.trusted_advisor_status.oldest_refresh_at IS 'When the check that was run least recently was run. Null: none was.';
