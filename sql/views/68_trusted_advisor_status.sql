-- Checks of Trusted Advisor; live.trusted_advisor_status has the rules.
CREATE VIEW trusted_advisor_status AS
SELECT account_id, category, status, sum(checks)::bigint AS checks, sum(resources_flagged) AS resources_flagged,
       sum(resources_suppressed) AS resources_suppressed, sum(monthly_savings) AS monthly_savings, min(oldest_refresh_at) AS oldest_refresh_at
FROM summary.trusted_advisor_status
GROUP BY account_id, category, status;

COMMENT ON VIEW trusted_advisor_status IS 'Checks of Trusted Advisor, a row per account, category and result.';
COMMENT ON COLUMN trusted_advisor_status.account_id IS 'Account that is checked.';
COMMENT ON COLUMN trusted_advisor_status.category IS 'cost_optimizing, security, fault_tolerance, performance, service_limits or operational_excellence.';
COMMENT ON COLUMN trusted_advisor_status.status IS 'ok (green), warning (yellow), error (red) or not_available.';
COMMENT ON COLUMN trusted_advisor_status.checks IS 'Number of checks.';
COMMENT ON COLUMN trusted_advisor_status.resources_flagged IS 'Resources that these checks flag.';
COMMENT ON COLUMN trusted_advisor_status.resources_suppressed IS 'Resources that somebody excluded from them.';
COMMENT ON COLUMN trusted_advisor_status.monthly_savings IS 'Estimated savings in USD a month. Null: none of them is about costs.';
COMMENT ON COLUMN trusted_advisor_status.oldest_refresh_at IS 'When the check that was run least recently was run. Null: none was.';
