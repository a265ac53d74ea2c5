-- Security findings by the days on which they were opened and closed, where they were
-- collected and what they are about, as in live.findings. Samples and findings that are
-- gone do not count.
--
-- Findings come in bursts, when a standard is turned on or mended, so that there are far
-- fewer rows than findings. The days are those of UTC.
CREATE VIEW live.findings_days AS
WITH finding AS (
    SELECT f.account_id, f.region,
           left(f.finding_account_id, 32) AS home_account_id,
           left(coalesce(f.finding_region, f.region), 32) AS home_region,
           left(coalesce(f.product_name, 'UNKNOWN'), 128) AS product_name,
           CASE WHEN f.severity_label IN ('INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL') THEN f.severity_label
                ELSE 'UNKNOWN' END AS severity,
           CASE WHEN f.workflow_status = 'SUPPRESSED' THEN 'suppressed'
                WHEN f.workflow_status = 'RESOLVED' OR f.record_state = 'ARCHIVED' OR f.compliance_status = 'PASSED' THEN 'closed'
                ELSE 'open' END AS state,
           coalesce(f.first_observed_at, f.finding_created_at) AS opened_at,
           coalesce(f.last_observed_at, f.finding_updated_at) AS updated_at
    FROM obs.security_findings f
    WHERE f.deleted_at IS NULL AND f.sample IS NOT TRUE
), dated AS (
    SELECT *, CASE WHEN state <> 'open' AND updated_at >= opened_at THEN updated_at END AS closed_at FROM finding
)
SELECT account_id, region, home_account_id, home_region, product_name, severity, state,
       coalesce((opened_at AT TIME ZONE 'UTC')::date, '-infinity') AS opened_on,
       coalesce((closed_at AT TIME ZONE 'UTC')::date, 'infinity') AS closed_on,
       count(*) AS findings,
       min(opened_at) AS oldest_opened_at,
       sum(extract(epoch FROM closed_at - opened_at)) AS seconds_to_close
FROM dated
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;

ALTER TABLE summary.findings_days ADD PRIMARY KEY
    (account_id, region, home_account_id, home_region, product_name, severity, state, opened_on, closed_on);
CREATE INDEX ON summary.findings_days (home_account_id);

COMMENT ON VIEW live.findings_days IS 'Number of security findings by the days on which they were opened and closed.';
COMMENT ON COLUMN live.findings_days.account_id IS 'Account in which the findings were collected.';
COMMENT ON COLUMN live.findings_days.region IS 'Region in which the findings were collected.';
COMMENT ON COLUMN live.findings_days.home_account_id IS 'Account that the findings are about.';
COMMENT ON COLUMN live.findings_days.home_region IS 'Region that the findings are about.';
COMMENT ON COLUMN live.findings_days.product_name IS 'Product that made the findings. UNKNOWN: it does not say.';
COMMENT ON COLUMN live.findings_days.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN live.findings_days.state IS 'open, closed (resolved, archived or passed) or suppressed.';
COMMENT ON COLUMN live.findings_days.opened_on IS 'Day on which they were first observed, else created. -infinity: neither is known.';
COMMENT ON COLUMN live.findings_days.closed_on IS 'Day on which they were last observed, else updated, if they are not open. infinity: they are open, or it is not known, or was before they were opened.';
COMMENT ON COLUMN live.findings_days.findings IS 'Number of findings.';
COMMENT ON COLUMN live.findings_days.oldest_opened_at IS 'When the oldest of them was opened. Null: not known.';
COMMENT ON COLUMN live.findings_days.seconds_to_close IS 'Seconds for which they were open, added up. Null: they are open, or it is not known.';
