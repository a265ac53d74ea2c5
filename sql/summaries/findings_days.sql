-- Security findings by the day on which they were opened, and by that on which they were
-- closed, where they were collected and what they are about, as in live.findings. Samples
-- and findings that are gone do not count.
--
-- What is resolved, archived, passed or suppressed was closed when it was last observed, or
-- else updated. If that is not known, or was before it was opened, it was so on that day.
CREATE VIEW live.findings_days AS
WITH finding AS NOT MATERIALIZED (
    SELECT f.account_id, f.region,
           left(f.finding_account_id, 32) AS home_account_id,
           left(coalesce(f.finding_region, f.region), 32) AS home_region,
           left(coalesce(f.product_name, 'UNKNOWN'), 128) AS product_name,
           CASE WHEN f.severity_label IN ('INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL') THEN f.severity_label
                ELSE 'UNKNOWN' END AS severity,
           f.workflow_status IN ('RESOLVED', 'SUPPRESSED') OR f.record_state = 'ARCHIVED' OR f.compliance_status = 'PASSED' AS is_closed,
           (coalesce(f.first_observed_at, f.finding_created_at) AT TIME ZONE 'UTC')::date AS opened_on,
           (coalesce(f.last_observed_at, f.finding_updated_at) AT TIME ZONE 'UTC')::date AS updated_on
    FROM obs.security_findings f
    WHERE f.deleted_at IS NULL AND f.sample IS NOT TRUE AND coalesce(f.first_observed_at, f.finding_created_at) IS NOT NULL
), event AS (
    SELECT account_id, region, home_account_id, home_region, product_name, severity, opened_on AS day, count(*) AS opened, 0 AS closed
    FROM finding
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    UNION ALL
    SELECT account_id, region, home_account_id, home_region, product_name, severity, greatest(opened_on, updated_on), 0, count(*)
    FROM finding
    WHERE is_closed
    GROUP BY 1, 2, 3, 4, 5, 6, 7
)
SELECT account_id, region, home_account_id, home_region, product_name, severity, day,
       sum(opened)::integer AS opened, sum(closed)::integer AS closed
FROM event
GROUP BY 1, 2, 3, 4, 5, 6, 7;

ALTER TABLE summary.findings_days ADD PRIMARY KEY
    (account_id, region, home_account_id, home_region, product_name, severity, day);
CREATE INDEX ON summary.findings_days (home_account_id, day);

COMMENT ON VIEW live.findings_days IS 'Number of security findings by the day on which they were opened or closed.';
COMMENT ON COLUMN live.findings_days.account_id IS 'Account in which the findings were collected.';
COMMENT ON COLUMN live.findings_days.region IS 'Region in which the findings were collected.';
COMMENT ON COLUMN live.findings_days.home_account_id IS 'Account that the findings are about.';
COMMENT ON COLUMN live.findings_days.home_region IS 'Region that the findings are about.';
COMMENT ON COLUMN live.findings_days.product_name IS 'Product that made the findings. UNKNOWN: it does not say.';
COMMENT ON COLUMN live.findings_days.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN live.findings_days.day IS 'Day, in UTC.';
COMMENT ON COLUMN live.findings_days.opened IS 'Findings that were first observed, else created, on the day.';
COMMENT ON COLUMN live.findings_days.closed IS 'Findings that were closed on the day.';
