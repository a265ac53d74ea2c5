-- Security findings, counted by the account and region in which they were collected, and
-- by the ones that they are about. Which of these count, where several have collected
-- the same finding, is up to findings_summary. Samples and findings that are gone do not
-- count.
--
-- The texts are cut to the lengths that AWS documents, at most. They are the key of the
-- summary, and an index refuses a key of some kilobytes; such a text from one sender
-- would keep everybody's view from being refreshed. States that AWS does not document
-- are UNKNOWN, so that a sender cannot make any number of them.
--
-- For the same reason an account has 20,000 rows in a region at most, besides 'other':
-- what a finding says of its account, region and product is up to the sender. Its own
-- account comes first, then the groups with the most findings.
CREATE VIEW live.findings AS
WITH labelled AS (
    SELECT f.account_id, f.region,
           left(f.finding_account_id, 32) AS home_account_id,
           left(coalesce(f.finding_region, f.region), 32) AS home_region,
           left(coalesce(f.product_name, 'UNKNOWN'), 128) AS product_name,
           CASE WHEN f.severity_label IN ('INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL') THEN f.severity_label
                ELSE 'UNKNOWN' END AS severity,
           CASE WHEN f.workflow_status IN ('NEW', 'NOTIFIED', 'RESOLVED', 'SUPPRESSED') THEN f.workflow_status
                ELSE 'UNKNOWN' END AS workflow_status,
           CASE WHEN f.record_state IN ('ACTIVE', 'ARCHIVED') THEN f.record_state ELSE 'UNKNOWN' END AS record_state,
           CASE WHEN f.compliance_status IN ('PASSED', 'WARNING', 'FAILED', 'NOT_AVAILABLE') THEN f.compliance_status
                WHEN f.compliance_status IS NULL THEN 'NONE' ELSE 'UNKNOWN' END AS compliance_status,
           f.first_observed_at, f.finding_updated_at,
           CASE WHEN f.workflow_status = 'RESOLVED' OR f.record_state = 'ARCHIVED' OR f.compliance_status = 'PASSED'
                THEN (coalesce(f.last_observed_at, f.finding_updated_at) AT TIME ZONE 'UTC')::date
                     - (coalesce(f.first_observed_at, f.finding_created_at) AT TIME ZONE 'UTC')::date END AS days
    FROM obs.security_findings f
    WHERE f.deleted_at IS NULL AND f.sample IS NOT TRUE
), counted AS (
    SELECT account_id, region, home_account_id, home_region, product_name, severity, workflow_status, record_state, compliance_status,
           count(*) AS findings, min(first_observed_at) AS first_observed_at, max(finding_updated_at) AS last_updated_at,
           sum(days) FILTER (WHERE days >= 0) AS closed_days, count(*) FILTER (WHERE days >= 0) AS closed_findings
    FROM labelled
    GROUP BY account_id, region, home_account_id, home_region, product_name, severity, workflow_status, record_state, compliance_status
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY account_id, region
                                 ORDER BY home_account_id = account_id DESC, findings DESC, home_account_id, home_region, product_name,
                                          severity, workflow_status, record_state, compliance_status) > 20000 AS is_other
    FROM counted
)
SELECT account_id, region,
       CASE WHEN is_other THEN 'other' ELSE home_account_id END AS home_account_id,
       CASE WHEN is_other THEN 'other' ELSE home_region END AS home_region,
       CASE WHEN is_other THEN 'other' ELSE product_name END AS product_name,
       severity, workflow_status, record_state, compliance_status,
       sum(findings)::bigint AS findings,
       min(first_observed_at) AS first_observed_at,
       max(last_updated_at) AS last_updated_at,
       sum(closed_days)::bigint AS closed_days,
       sum(closed_findings)::bigint AS closed_findings
FROM ranked
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;

ALTER TABLE summary.findings ADD PRIMARY KEY
    (account_id, region, home_account_id, home_region, product_name, severity, workflow_status, record_state, compliance_status);
CREATE INDEX ON summary.findings (home_account_id);

COMMENT ON VIEW live.findings IS 'Number of security findings by the account and region in which they were collected, and by those that they are about.';
COMMENT ON COLUMN live.findings.account_id IS 'Account in which the findings were collected.';
COMMENT ON COLUMN live.findings.region IS 'Region in which the findings were collected.';
COMMENT ON COLUMN live.findings.home_account_id IS 'Account that the findings are about. other: what the account sent in the region beyond 20,000 rows.';
COMMENT ON COLUMN live.findings.home_region IS 'Region that the findings are about, or other.';
COMMENT ON COLUMN live.findings.product_name IS 'Product that made the findings, or other. UNKNOWN: it does not say.';
COMMENT ON COLUMN live.findings.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN live.findings.workflow_status IS 'NEW, NOTIFIED, RESOLVED or SUPPRESSED; UNKNOWN: none of these.';
COMMENT ON COLUMN live.findings.record_state IS 'ACTIVE or ARCHIVED; UNKNOWN: none of these.';
COMMENT ON COLUMN live.findings.compliance_status IS 'PASSED, WARNING, FAILED or NOT_AVAILABLE; NONE: the findings come from no control; UNKNOWN: none of these.';
COMMENT ON COLUMN live.findings.findings IS 'Number of findings.';
COMMENT ON COLUMN live.findings.first_observed_at IS 'When the oldest of the findings was first observed. Null: none says.';
COMMENT ON COLUMN live.findings.last_updated_at IS 'When one of the findings was last updated. Null: none says.';
COMMENT ON COLUMN live.findings.closed_days IS 'Days for which findings that are resolved, archived or passed were open, from day to day in UTC, added up. Null: they are open, or it is not known.';
COMMENT ON COLUMN live.findings.closed_findings IS 'Number of findings in closed_days.';
