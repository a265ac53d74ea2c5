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
CREATE MATERIALIZED VIEW findings_places AS
WITH place AS (
    SELECT account_id, region, home_account_id, home_region, count(*) AS groups FROM summary.findings GROUP BY 1, 2, 3, 4
), ordered AS (
    SELECT p.*,
           row_number() OVER (PARTITION BY home_account_id, home_region, account_id
                              ORDER BY c.account_id IS NOT NULL DESC, region = home_region DESC, region) AS place,
           bool_or(account_id = home_account_id) OVER (PARTITION BY home_account_id, home_region) AS is_seen_at_home
    FROM place p LEFT JOIN summary.findings_collected c USING (account_id, region)
)
SELECT o.account_id, o.region, o.home_account_id, o.home_region,
       CASE
           WHEN o.home_account_id = 'other' THEN true
           WHEN home.account_id IS NOT NULL THEN o.account_id = o.home_account_id AND o.region = o.home_region
           ELSE o.place = 1 AND (o.account_id = o.home_account_id OR NOT o.is_seen_at_home)
       END AS counts,
       o.groups
FROM ordered o LEFT JOIN summary.findings_collected home ON home.account_id = o.home_account_id AND home.region = o.home_region
WITH NO DATA;

CREATE UNIQUE INDEX findings_places_key ON findings_places (account_id, region, home_account_id, home_region);

COMMENT ON MATERIALIZED VIEW findings_places IS 'Where security findings were collected, what they are about, and whether they count as they were collected there.';
COMMENT ON COLUMN findings_places.account_id IS 'Account in which the findings were collected.';
COMMENT ON COLUMN findings_places.region IS 'Region in which the findings were collected.';
COMMENT ON COLUMN findings_places.home_account_id IS 'Account that the findings are about. other: what the account sent in the region beyond 20,000 rows.';
COMMENT ON COLUMN findings_places.home_region IS 'Region that the findings are about, or other.';
COMMENT ON COLUMN findings_places.counts IS 'Whether the findings count as they were collected here. No: they count as they were collected elsewhere.';

COMMENT ON COLUMN findings_places.groups IS 'Number of groups of such findings, by product, severity and state.';

-- Groups of security findings, counted where findings_places says.
--
-- An account adds 20,000 rows to the view at most, from all its regions (see
-- live.findings), besides 'other'.
--
-- Views look up what does not count, and not what does: those are few places, and PostgreSQL
-- knows how many rows are left.
CREATE VIEW findings_groups AS
WITH large AS (
    -- Most accounts need not be sorted.
    SELECT account_id FROM findings_places WHERE counts GROUP BY account_id HAVING sum(groups) > 20000
), counted AS NOT MATERIALIZED (
    SELECT f.* FROM summary.findings f
    WHERE NOT EXISTS (SELECT FROM findings_places p
                      WHERE NOT p.counts AND p.account_id = f.account_id AND p.region = f.region
                        AND p.home_account_id = f.home_account_id AND p.home_region = f.home_region)
), bounded AS (
    SELECT home_account_id AS account_id, home_region AS region, product_name, severity, workflow_status, record_state, compliance_status,
           findings, first_observed_at, last_updated_at, closed_days, closed_findings
    FROM counted
    WHERE account_id NOT IN (SELECT account_id FROM large)
    UNION ALL
    SELECT CASE WHEN is_other THEN 'other' ELSE home_account_id END,
           CASE WHEN is_other THEN 'other' ELSE home_region END,
           CASE WHEN is_other THEN 'other' ELSE product_name END,
           severity, workflow_status, record_state, compliance_status,
           findings, first_observed_at, last_updated_at, closed_days, closed_findings
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
       findings, first_observed_at, last_updated_at, closed_days, closed_findings
FROM bounded;

COMMENT ON VIEW findings_groups IS 'What findings_summary and findings_by_product add up: groups of security findings, as they were collected where they count.';
COMMENT ON COLUMN findings_groups.account_id IS 'Account that the findings are about, whichever account has seen them. other: what an account sent beyond 20,000 rows of this view.';
COMMENT ON COLUMN findings_groups.region IS 'Region that the findings are about, or other.';
COMMENT ON COLUMN findings_groups.product_name IS 'Product that made the findings, or other. UNKNOWN: it does not say.';
COMMENT ON COLUMN findings_groups.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_groups.workflow_status IS 'NEW, NOTIFIED, RESOLVED or SUPPRESSED; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_groups.record_state IS 'ACTIVE or ARCHIVED; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_groups.compliance_status IS 'PASSED, WARNING, FAILED or NOT_AVAILABLE; NONE: the findings come from no control; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_groups.is_open IS 'Whether somebody has to act: neither archived, resolved, suppressed nor passed. An unknown state counts as open.';
COMMENT ON COLUMN findings_groups.findings IS 'Number of findings.';
COMMENT ON COLUMN findings_groups.first_observed_at IS 'When the oldest of the findings was first observed. Null: none says.';
COMMENT ON COLUMN findings_groups.last_updated_at IS 'When one of the findings was last updated. Null: none says.';
COMMENT ON COLUMN findings_groups.closed_days IS 'Days for which findings that are resolved, archived or passed were open, from day to day in UTC, added up. Null: they are open, or it is not known.';
COMMENT ON COLUMN findings_groups.closed_findings IS 'Number of findings in closed_days.';

CREATE VIEW findings_summary AS
SELECT account_id, region, product_name, severity, workflow_status, record_state, compliance_status, is_open,
       sum(findings)::bigint AS findings,
       min(first_observed_at) AS first_observed_at,
       max(last_updated_at) AS last_updated_at
FROM findings_groups
GROUP BY account_id, region, product_name, severity, workflow_status, record_state, compliance_status, is_open;

COMMENT ON VIEW findings_summary IS 'Number of security findings by account, region, product, severity and state. These are totals of what there is now, not of what changed; each finding counts in the account and region that it is about, as it was collected there; what is not collected there counts as others have seen it. Samples are left out, and so are findings that Security Hub has deleted, once a run has read everything.';
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

-- What most people ask, in a tenth of the rows of findings_summary.
CREATE MATERIALIZED VIEW findings_by_product AS
SELECT account_id, region, product_name, severity,
       coalesce(sum(findings) FILTER (WHERE is_open), 0)::bigint AS open_findings,
       min(first_observed_at) FILTER (WHERE is_open) AS first_observed_at,
       max(last_updated_at) FILTER (WHERE is_open) AS last_updated_at,
       coalesce(sum(findings) FILTER (WHERE is_closed), 0)::bigint AS closed_findings,
       sum(closed_days) FILTER (WHERE is_closed)::bigint AS days_to_close,
       coalesce(sum(closed_findings) FILTER (WHERE is_closed), 0)::bigint AS findings_with_days
FROM (SELECT *, NOT is_open AND workflow_status <> 'SUPPRESSED' AS is_closed FROM findings_groups) f
GROUP BY account_id, region, product_name, severity
WITH NO DATA;

CREATE UNIQUE INDEX findings_by_product_key ON findings_by_product (account_id, region, product_name, severity);

COMMENT ON MATERIALIZED VIEW findings_by_product IS 'Number of open and closed security findings by account, region, product and severity. They count as in findings_summary; open: neither archived, resolved, suppressed nor passed.';
COMMENT ON COLUMN findings_by_product.account_id IS 'Account that the findings are about. other: what an account sent beyond 20,000 rows of findings_summary.';
COMMENT ON COLUMN findings_by_product.region IS 'Region that the findings are about, or other.';
COMMENT ON COLUMN findings_by_product.product_name IS 'Product that made the findings, or other. UNKNOWN: it does not say.';
COMMENT ON COLUMN findings_by_product.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_by_product.open_findings IS 'Open findings.';
COMMENT ON COLUMN findings_by_product.first_observed_at IS 'When the oldest open finding was first observed. Null: there is none, or none says.';
COMMENT ON COLUMN findings_by_product.last_updated_at IS 'When an open one was updated last. Null: nothing is open, or no time is known.';
COMMENT ON COLUMN findings_by_product.closed_findings IS 'Findings that are resolved, archived or passed, but for suppressed ones.';
COMMENT ON COLUMN findings_by_product.days_to_close IS 'Days for which closed findings were open, from day to day in UTC, added up. Null: there is none, or it is not known.';
COMMENT ON COLUMN findings_by_product.findings_with_days IS 'Number of closed findings in days_to_close.';

CREATE VIEW open_findings AS
SELECT account_id, region,
       coalesce(sum(open_findings) FILTER (WHERE severity = 'CRITICAL'), 0)::bigint AS critical,
       coalesce(sum(open_findings) FILTER (WHERE severity = 'HIGH'), 0)::bigint AS high,
       coalesce(sum(open_findings) FILTER (WHERE severity = 'MEDIUM'), 0)::bigint AS medium,
       coalesce(sum(open_findings) FILTER (WHERE severity = 'LOW'), 0)::bigint AS low,
       coalesce(sum(open_findings) FILTER (WHERE severity = 'INFORMATIONAL'), 0)::bigint AS informational,
       coalesce(sum(open_findings) FILTER (WHERE severity NOT IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL')), 0)::bigint AS unknown,
       sum(open_findings)::bigint AS findings,
       min(first_observed_at) AS first_observed_at
FROM findings_by_product
WHERE open_findings > 0
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
