-- An administrator account and an aggregation region see findings of others, so the same
-- finding may have been collected in several places. It counts where it belongs:
--
-- 1. What is about an account and region that was collected completely once counts as it
--    was collected there, and nowhere else.
-- 2. Else it counts as the account itself has collected it, and
-- 3. else as others have: none of them can hide what another one says.
--
-- Of the regions in which an account has collected the same, one counts: one that was
-- collected completely, the region that it is about, or the first by name. The rule looks
-- at places and not at findings, so that it costs what there are groups, and the rows
-- behind a number are easily found.
CREATE VIEW findings_places AS
WITH place AS (
    SELECT f.account_id, f.region, f.home_account_id, f.home_region, bool_or(c.account_id IS NOT NULL) AS is_collected
    FROM summary.findings f LEFT JOIN summary.findings_collected c USING (account_id, region)
    GROUP BY 1, 2, 3, 4
), ordered AS (
    SELECT *,
           row_number() OVER (PARTITION BY home_account_id, home_region, account_id
                              ORDER BY is_collected DESC, region = home_region DESC, region) AS place,
           bool_or(account_id = home_account_id) OVER (PARTITION BY home_account_id, home_region) AS is_seen_at_home
    FROM place
)
SELECT o.account_id, o.region, o.home_account_id, o.home_region,
       CASE
           WHEN o.home_account_id = 'other' THEN true
           WHEN home.account_id IS NOT NULL THEN o.account_id = o.home_account_id AND o.region = o.home_region
           ELSE o.place = 1 AND (o.account_id = o.home_account_id OR NOT o.is_seen_at_home)
       END AS counts
FROM ordered o LEFT JOIN summary.findings_collected home ON home.account_id = o.home_account_id AND home.region = o.home_region;

COMMENT ON VIEW findings_places IS 'Where security findings were collected, what they are about, and whether they count as they were collected there.';
COMMENT ON COLUMN findings_places.account_id IS 'Account in which the findings were collected.';
COMMENT ON COLUMN findings_places.region IS 'Region in which the findings were collected.';
COMMENT ON COLUMN findings_places.home_account_id IS 'Account that the findings are about. other: what the account sent in the region beyond 20,000 rows.';
COMMENT ON COLUMN findings_places.home_region IS 'Region that the findings are about, or other.';
COMMENT ON COLUMN findings_places.counts IS 'Whether the findings count as they were collected here. No: they count as they were collected elsewhere.';

-- Security findings, counted where findings_places says.
--
-- An account adds 20,000 rows to the view at most, from all its regions (see
-- live.findings), besides 'other'.
CREATE MATERIALIZED VIEW findings_summary AS
WITH counted AS (
    SELECT f.* FROM summary.findings f JOIN findings_places p USING (account_id, region, home_account_id, home_region)
    WHERE p.counts
), large AS (
    -- Most accounts need not be sorted.
    SELECT account_id FROM counted GROUP BY account_id HAVING count(*) > 20000
), bounded AS (
    SELECT home_account_id AS account_id, home_region AS region, product_name,
           severity, workflow_status, record_state, compliance_status, findings, first_observed_at, last_updated_at
    FROM counted
    WHERE account_id NOT IN (SELECT account_id FROM large)
    UNION ALL
    SELECT CASE WHEN is_other THEN 'other' ELSE home_account_id END,
           CASE WHEN is_other THEN 'other' ELSE home_region END,
           CASE WHEN is_other THEN 'other' ELSE product_name END,
           severity, workflow_status, record_state, compliance_status, findings, first_observed_at, last_updated_at
    FROM (
        SELECT *, row_number() OVER (PARTITION BY account_id, home_account_id = 'other'
                                     ORDER BY home_account_id = account_id DESC, findings DESC, home_account_id, home_region, product_name,
                                              severity, workflow_status, record_state, compliance_status, region) > 20000 AS is_other
        FROM counted
        WHERE account_id IN (SELECT account_id FROM large)
    ) ranked
)
SELECT account_id, region, product_name, severity, workflow_status, record_state, compliance_status,
       record_state <> 'ARCHIVED' AND workflow_status NOT IN ('RESOLVED', 'SUPPRESSED') AND compliance_status <> 'PASSED' AS is_open,
       sum(findings)::bigint AS findings,
       min(first_observed_at) AS first_observed_at,
       max(last_updated_at) AS last_updated_at
FROM bounded
GROUP BY account_id, region, product_name, severity, workflow_status, record_state, compliance_status
WITH NO DATA;

CREATE UNIQUE INDEX findings_summary_key ON findings_summary
    (account_id, region, product_name, severity, workflow_status, record_state, compliance_status);

COMMENT ON MATERIALIZED VIEW findings_summary IS 'Number of security findings by account, region, product, severity and state. These are totals of what there is now, not of what changed; each finding counts in the account and region that it is about, as it was collected there; what is not collected there counts as others have seen it. Samples are left out, and so are findings that Security Hub has deleted, once a run has read everything.';
COMMENT ON COLUMN findings_summary.account_id IS 'Account that the findings are about, whichever account has seen them. other: what an account sent beyond 20,000 rows of this view.';
COMMENT ON COLUMN findings_summary.region IS 'Region that the findings are about, or other.';
COMMENT ON COLUMN findings_summary.product_name IS 'Product that made the findings, or other. UNKNOWN: it does not say.';
COMMENT ON COLUMN findings_summary.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_summary.workflow_status IS 'NEW, NOTIFIED, RESOLVED or SUPPRESSED; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_summary.record_state IS 'ACTIVE or ARCHIVED; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_summary.compliance_status IS 'PASSED, WARNING, FAILED or NOT_AVAILABLE; NONE: the findings come from no control; UNKNOWN: none of these.';
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
