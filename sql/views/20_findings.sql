-- Security Hub deletes findings that were not updated for 90 days, archived ones
-- after 30, and nobody says so. But a full read names every finding that there is,
-- and moves its collected_at. There is one before the first and then whenever the
-- last is 24 hours old, so no run begins more than 24 hours after the full read
-- before it; two hours more are for clocks that were set.
--
-- The newest complete run counts, not the newest row: a full read that fails half
-- way has moved the rows that it reached, and the others exist all the same. And
-- not the present time: an outage deletes nothing.
CREATE VIEW findings_horizon AS
SELECT s.account_id, s.region, r.collected_at - interval '26 hours' AS horizon
FROM hub.scope s
JOIN hub.run r ON r.scope = s.scope AND r.run = s.complete_run
WHERE s.category = 'security_findings';

COMMENT ON VIEW findings_horizon IS 'Which security findings still exist, a row per account and region that was collected completely once: those that were collected at the horizon or later.';
COMMENT ON COLUMN findings_horizon.account_id IS 'Account in which findings were collected.';
COMMENT ON COLUMN findings_horizon.region IS 'Region in which findings were collected.';
COMMENT ON COLUMN findings_horizon.horizon IS '26 hours before the start of the newest complete run. Each finding that there was is named at least every 24 hours: Security Hub has deleted the ones that were collected earlier.';

-- Security findings, counted.
--
-- An administrator account and an aggregation region see findings of others, so
-- the same finding may have been collected in several places. It counts once,
-- where it belongs: the row that was collected there, or if there is none the
-- newest of the others. Findings that were deleted and samples do not count. An account that names a finding of another can never
-- hide it that way.
--
-- The texts are cut to the lengths that AWS documents, at most. They are the key
-- of the view, and an index refuses a key of some kilobytes; whoever sent such a
-- text would keep everybody's view from being refreshed.
--
-- For the same reason an account adds 20,000 rows to the view at most: what a finding
-- says of its account, region and product is up to the sender. Its own account comes
-- first, then the groups with the most findings; the rest is counted under 'other'.
CREATE MATERIALIZED VIEW findings_summary AS
WITH seen AS NOT MATERIALIZED (
    SELECT *,
           coalesce(finding_region, region) AS home_region,
           -- As bare equalities they would be taken for rare, and joined row by row.
           coalesce(account_id = finding_account_id AND region = coalesce(finding_region, region), false) AS is_home
    FROM obs.security_findings
    LEFT JOIN findings_horizon USING (account_id, region)
    WHERE deleted_at IS NULL AND (collected_at < horizon) IS NOT TRUE AND sample IS NOT TRUE
), away_only AS (
    SELECT DISTINCT ON (finding_account_id, home_region, product_arn, finding_id)
           account_id AS sender, finding_account_id, home_region, product_name, severity_label, workflow_status, record_state, compliance_status,
           first_observed_at, finding_updated_at
    FROM seen
    WHERE NOT is_home
      AND NOT EXISTS (
          SELECT FROM seen AS home
          WHERE is_home
            AND home.account_id = seen.finding_account_id AND home.region = seen.home_region
            AND home.product_arn = seen.product_arn AND home.finding_id = seen.finding_id)
    ORDER BY finding_account_id, home_region, product_arn, finding_id,
             (account_id = finding_account_id) DESC, collected_at DESC, row_key
), finding AS (
    SELECT account_id AS sender, finding_account_id, home_region, product_name, severity_label, workflow_status, record_state, compliance_status,
           first_observed_at, finding_updated_at
    FROM seen
    WHERE is_home
    UNION ALL
    SELECT * FROM away_only
), labelled AS (
    SELECT sender,
           left(finding_account_id, 32) AS account_id,
           left(home_region, 32) AS region,
           left(coalesce(product_name, 'UNKNOWN'), 128) AS product_name,
           left(coalesce(severity_label, 'UNKNOWN'), 32) AS severity,
           left(coalesce(workflow_status, 'UNKNOWN'), 32) AS workflow_status,
           left(coalesce(record_state, 'UNKNOWN'), 32) AS record_state,
           left(coalesce(compliance_status, 'NONE'), 32) AS compliance_status,
           first_observed_at, finding_updated_at
    FROM finding
), counted AS (
    SELECT sender, account_id, region, product_name, severity, workflow_status, record_state, compliance_status,
           count(*) AS findings,
           min(first_observed_at) AS first_observed_at,
           max(finding_updated_at) AS last_updated_at
    FROM labelled
    GROUP BY sender, account_id, region, product_name, severity, workflow_status, record_state, compliance_status
), ranked AS (
    SELECT *,
           row_number() OVER (PARTITION BY sender ORDER BY (account_id = sender) IS TRUE DESC, findings DESC, account_id, region, product_name,
                              severity, workflow_status, record_state, compliance_status) > 20000 AS is_other
    FROM counted
), bounded AS (
    -- What is no state that AWS documents says as little as none.
    SELECT CASE WHEN is_other THEN 'other' ELSE account_id END AS account_id,
           CASE WHEN is_other THEN 'other' ELSE region END AS region,
           CASE WHEN is_other THEN 'other' ELSE product_name END AS product_name,
           CASE WHEN is_other AND severity NOT IN ('INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL') THEN 'UNKNOWN' ELSE severity END AS severity,
           CASE WHEN is_other AND workflow_status NOT IN ('NEW', 'NOTIFIED', 'RESOLVED', 'SUPPRESSED') THEN 'UNKNOWN' ELSE workflow_status END AS workflow_status,
           CASE WHEN is_other AND record_state NOT IN ('ACTIVE', 'ARCHIVED') THEN 'UNKNOWN' ELSE record_state END AS record_state,
           CASE WHEN is_other AND compliance_status NOT IN ('PASSED', 'WARNING', 'FAILED', 'NOT_AVAILABLE') THEN 'NONE' ELSE compliance_status END AS compliance_status,
           findings, first_observed_at, last_updated_at
    FROM ranked
)
SELECT account_id, region, product_name, severity, workflow_status, record_state, compliance_status,
       record_state <> 'ARCHIVED' AND workflow_status NOT IN ('RESOLVED', 'SUPPRESSED') AND compliance_status <> 'PASSED' AS is_open,
       sum(findings)::bigint AS findings,
       min(first_observed_at) AS first_observed_at,
       max(last_updated_at) AS last_updated_at
FROM bounded
GROUP BY account_id, region, product_name, severity, workflow_status, record_state, compliance_status;

CREATE UNIQUE INDEX findings_summary_key ON findings_summary
    (account_id, region, product_name, severity, workflow_status, record_state, compliance_status);

COMMENT ON MATERIALIZED VIEW findings_summary IS 'Number of security findings by account, region, product, severity and state. These are totals of what there is now, not of what changed; each finding counts once, in the account and region that it is about. Findings that Security Hub has deleted are left out as soon as another finding changes; samples always are.';
COMMENT ON COLUMN findings_summary.account_id IS 'Account that the findings are about, whichever account saw them. other: what an account sent beyond 20,000 rows of this view.';
COMMENT ON COLUMN findings_summary.region IS 'Region that the findings are about, or other.';
COMMENT ON COLUMN findings_summary.product_name IS 'Product that made the findings, or other. UNKNOWN: it does not say.';
COMMENT ON COLUMN findings_summary.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: the finding does not say.';
COMMENT ON COLUMN findings_summary.workflow_status IS 'NEW, NOTIFIED, RESOLVED or SUPPRESSED; UNKNOWN: the finding does not say.';
COMMENT ON COLUMN findings_summary.record_state IS 'ACTIVE or ARCHIVED; UNKNOWN: the finding does not say.';
COMMENT ON COLUMN findings_summary.compliance_status IS 'PASSED, WARNING, FAILED or NOT_AVAILABLE; NONE: the findings come from no control.';
COMMENT ON COLUMN findings_summary.is_open IS 'Whether somebody has to act: neither archived, resolved, suppressed nor passed. An unknown state counts as open.';
COMMENT ON COLUMN findings_summary.findings IS 'Number of findings.';
COMMENT ON COLUMN findings_summary.first_observed_at IS 'When the oldest of the findings was first observed. Null: none says.';
COMMENT ON COLUMN findings_summary.last_updated_at IS 'When one of the findings was last updated. Null: none says.';

CREATE VIEW open_findings AS
SELECT account_id, region,
       coalesce(sum(findings) FILTER (WHERE severity = 'CRITICAL'), 0)::bigint AS critical,
       coalesce(sum(findings) FILTER (WHERE severity = 'HIGH'), 0)::bigint AS high,
       coalesce(sum(findings) FILTER (WHERE severity = 'MEDIUM'), 0)::bigint AS medium,
       coalesce(sum(findings) FILTER (WHERE severity = 'LOW'), 0)::bigint AS low,
       coalesce(sum(findings) FILTER (WHERE severity = 'INFORMATIONAL'), 0)::bigint AS informational,
       coalesce(sum(findings) FILTER (WHERE severity NOT IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL')), 0)::bigint AS unknown,
       sum(findings)::bigint AS findings,
       min(first_observed_at) AS first_observed_at
FROM findings_summary
WHERE is_open
GROUP BY account_id, region;

COMMENT ON VIEW open_findings IS 'Number of open security findings by account and region, a column per severity. Open: neither archived, resolved, suppressed nor passed.';
COMMENT ON COLUMN open_findings.account_id IS 'Account that the findings are about.';
COMMENT ON COLUMN open_findings.region IS 'Region that the findings are about.';
COMMENT ON COLUMN open_findings.critical IS 'Open findings of severity CRITICAL.';
COMMENT ON COLUMN open_findings.high IS 'Open findings of severity HIGH.';
COMMENT ON COLUMN open_findings.medium IS 'Open findings of severity MEDIUM.';
COMMENT ON COLUMN open_findings.low IS 'Open findings of severity LOW.';
COMMENT ON COLUMN open_findings.informational IS 'Open findings of severity INFORMATIONAL.';
COMMENT ON COLUMN open_findings.unknown IS 'Open findings of any other severity, or none.';
COMMENT ON COLUMN open_findings.findings IS 'Open findings of all severities.';
COMMENT ON COLUMN open_findings.first_observed_at IS 'When the oldest open finding was first observed. Null: none says.';
