-- How old open security findings are, and for how many days closed ones were open, where
-- they were collected and what they are about, as in live.findings. Samples, suppressed
-- findings and those that are gone do not count.
--
-- The days are whole ones up to a month, then weeks up to a year, then months up to ten
-- years, so that there are few rows for many findings.
CREATE VIEW live.findings_ages AS
WITH finding AS (
    SELECT f.account_id, f.region,
           left(f.finding_account_id, 32) AS home_account_id,
           left(coalesce(f.finding_region, f.region), 32) AS home_region,
           left(coalesce(f.product_name, 'UNKNOWN'), 128) AS product_name,
           CASE WHEN f.severity_label IN ('INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL') THEN f.severity_label
                ELSE 'UNKNOWN' END AS severity,
           coalesce(f.workflow_status = 'RESOLVED' OR f.record_state = 'ARCHIVED' OR f.compliance_status = 'PASSED', false) AS is_closed,
           coalesce(f.first_observed_at, f.finding_created_at) AS opened_at,
           (coalesce(f.last_observed_at, f.finding_updated_at) AT TIME ZONE 'UTC')::date
               - (coalesce(f.first_observed_at, f.finding_created_at) AT TIME ZONE 'UTC')::date AS open_days
    FROM obs.security_findings f
    WHERE f.deleted_at IS NULL AND f.sample IS NOT TRUE AND f.workflow_status IS DISTINCT FROM 'SUPPRESSED'
), aged AS (
    SELECT *, CASE WHEN is_closed AND open_days >= 0 THEN open_days END AS days FROM finding
)
SELECT account_id, region, home_account_id, home_region, product_name, severity, is_closed,
       CASE WHEN days IS NULL THEN -1
            WHEN days <= 30 THEN days
            WHEN days <= 364 THEN (days + 6) / 7 * 7
            ELSE least((days + 29) / 30 * 30, 3660) END AS days_at_most,
       count(*) AS findings,
       min(opened_at) AS oldest_opened_at,
       sum(days) AS days
FROM aged
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;

ALTER TABLE summary.findings_ages ADD PRIMARY KEY
    (account_id, region, home_account_id, home_region, product_name, severity, is_closed, days_at_most);
CREATE INDEX ON summary.findings_ages (home_account_id);

COMMENT ON VIEW live.findings_ages IS 'Number of security findings by the days for which they were open.';
COMMENT ON COLUMN live.findings_ages.account_id IS 'Account in which the findings were collected.';
COMMENT ON COLUMN live.findings_ages.region IS 'Region in which the findings were collected.';
COMMENT ON COLUMN live.findings_ages.home_account_id IS 'Account that the findings are about.';
COMMENT ON COLUMN live.findings_ages.home_region IS 'Region that the findings are about.';
COMMENT ON COLUMN live.findings_ages.product_name IS 'Product that made the findings. UNKNOWN: it does not say.';
COMMENT ON COLUMN live.findings_ages.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN live.findings_ages.is_closed IS 'Whether they are resolved, archived or passed.';
COMMENT ON COLUMN live.findings_ages.days_at_most IS 'For how many days they were open at most. -1: they are open, or it is not known.';
COMMENT ON COLUMN live.findings_ages.findings IS 'Number of findings.';
COMMENT ON COLUMN live.findings_ages.oldest_opened_at IS 'When the oldest of them was first observed, else created. Null: not known.';
COMMENT ON COLUMN live.findings_ages.days IS 'Days for which they were open, from day to day in UTC, added up. Null: they are open, or it is not known.';
