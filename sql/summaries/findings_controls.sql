-- Open security findings by the control that fails, where they were collected and what they
-- are about, as in live.findings. Findings of no control do not count.
--
-- An account has 20,000 rows in a region at most, besides 'other': its own account comes
-- first, then the controls with the most findings.
CREATE VIEW live.findings_controls AS
WITH counted AS (
    SELECT f.account_id, f.region,
           left(f.finding_account_id, 32) AS home_account_id,
           left(coalesce(f.finding_region, f.region), 32) AS home_region,
           left(f.security_control_id, 128) AS control,
           CASE WHEN f.severity_label IN ('INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL') THEN f.severity_label
                ELSE 'UNKNOWN' END AS severity,
           left(min(f.title), 256) AS title, count(*) AS findings
    FROM obs.security_findings f
    WHERE f.deleted_at IS NULL AND f.sample IS NOT TRUE AND f.record_state IS DISTINCT FROM 'ARCHIVED'
      AND f.workflow_status IS DISTINCT FROM 'RESOLVED' AND f.workflow_status IS DISTINCT FROM 'SUPPRESSED'
      AND f.compliance_status IS DISTINCT FROM 'PASSED' AND f.security_control_id IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY account_id, region
                                 ORDER BY home_account_id = account_id DESC, findings DESC, home_account_id, home_region, control, severity)
              > 20000 AS is_other
    FROM counted
)
SELECT account_id, region,
       CASE WHEN is_other THEN 'other' ELSE home_account_id END AS home_account_id,
       CASE WHEN is_other THEN 'other' ELSE home_region END AS home_region,
       CASE WHEN is_other THEN 'other' ELSE control END AS control,
       severity,
       min(title) AS title,
       sum(findings)::bigint AS findings
FROM ranked
GROUP BY 1, 2, 3, 4, 5, 6;

ALTER TABLE summary.findings_controls ADD PRIMARY KEY (account_id, region, home_account_id, home_region, control, severity);
CREATE INDEX ON summary.findings_controls (home_account_id);

COMMENT ON VIEW live.findings_controls IS 'Number of open security findings by the control that fails.';
COMMENT ON COLUMN live.findings_controls.account_id IS 'Account in which the findings were collected.';
COMMENT ON COLUMN live.findings_controls.region IS 'Region in which the findings were collected.';
COMMENT ON COLUMN live.findings_controls.home_account_id IS 'Account that the findings are about. other: what the account sent in the region beyond 20,000 rows.';
COMMENT ON COLUMN live.findings_controls.home_region IS 'Region that the findings are about, or other.';
COMMENT ON COLUMN live.findings_controls.control IS 'Control that fails, such as S3.5, or other.';
COMMENT ON COLUMN live.findings_controls.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN live.findings_controls.title IS 'Title of one of the findings.';
COMMENT ON COLUMN live.findings_controls.findings IS 'Number of findings.';
