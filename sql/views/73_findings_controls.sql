-- An account adds 20,000 rows to findings_by_control at most. Most accounts have less, and need
-- not be sorted.
CREATE MATERIALIZED VIEW crowded_controls AS
SELECT account_id FROM summary.findings_controls GROUP BY account_id HAVING count(*) > 20000
WITH NO DATA;

CREATE UNIQUE INDEX crowded_controls_key ON crowded_controls (account_id);

COMMENT ON MATERIALIZED VIEW crowded_controls IS 'Accounts that add more than 20,000 rows to findings_by_control: it has the rest as other.';
COMMENT ON COLUMN crowded_controls.account_id IS 'Account in which the findings were collected.';

-- Controls that fail. Their findings count where findings_places says.
--
-- An account adds 20,000 rows at most, from all its regions (see live.findings_controls),
-- besides 'other'.
CREATE VIEW findings_by_control AS
WITH counted AS NOT MATERIALIZED (
    SELECT f.* FROM summary.findings_controls f
    WHERE NOT EXISTS (SELECT FROM findings_places p
                      WHERE NOT p.counts AND p.account_id = f.account_id AND p.region = f.region
                        AND p.home_account_id = f.home_account_id AND p.home_region = f.home_region)
), bounded AS (
    SELECT home_account_id, home_region, control, severity, title, findings
    FROM counted
    WHERE account_id NOT IN (SELECT account_id FROM crowded_controls)
    UNION ALL
    SELECT CASE WHEN is_other THEN 'other' ELSE home_account_id END,
           CASE WHEN is_other THEN 'other' ELSE home_region END,
           CASE WHEN is_other THEN 'other' ELSE control END,
           severity, title, findings
    FROM (
        SELECT *, row_number() OVER (PARTITION BY account_id, home_account_id = 'other'
                                     ORDER BY home_account_id = account_id DESC, findings DESC, home_account_id, home_region, control, severity,
                                              region) > 20000 AS is_other
        FROM counted
        WHERE account_id IN (SELECT account_id FROM crowded_controls)
    ) ranked
)
SELECT home_account_id AS account_id, home_region AS region, control, severity, min(title) AS title,
       sum(findings)::bigint AS findings, 1 AS places
FROM bounded
GROUP BY home_account_id, home_region, control, severity;

COMMENT ON VIEW findings_by_control IS 'Number of open security findings by account, region, control and severity. They count where findings_places says.';
COMMENT ON COLUMN findings_by_control.account_id IS 'Account that the findings are about. other: what an account sent beyond 20,000 rows of this view.';
COMMENT ON COLUMN findings_by_control.region IS 'Region that the findings are about, or other.';
COMMENT ON COLUMN findings_by_control.control IS 'Control that fails, such as S3.5, or other.';
COMMENT ON COLUMN findings_by_control.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN findings_by_control.title IS 'Title of one of the findings.';
COMMENT ON COLUMN findings_by_control.findings IS 'Number of findings.';
COMMENT ON COLUMN findings_by_control.places IS 'Accounts and regions in which the control fails: 1.';

-- What all accounts have together, less what does not count, as in findings_flow. What fails
-- in most places comes first, so that no account alone can keep others out.
CREATE MATERIALIZED VIEW failing_controls AS
SELECT region, control, severity, min(title) AS title, sum(findings)::bigint AS findings, sum(places)::bigint AS places
FROM (
    SELECT home_region AS region, control, severity, min(title) AS title, sum(findings) AS findings, count(*) AS places
    FROM summary.findings_controls
    GROUP BY home_region, control, severity
    UNION ALL
    SELECT c.home_region, c.control, c.severity, NULL, -c.findings, -1
    FROM findings_places p JOIN summary.findings_controls c USING (account_id, region, home_account_id, home_region)
    WHERE NOT p.counts
) counted
GROUP BY region, control, severity
HAVING sum(findings) > 0
ORDER BY sum(places) DESC, sum(findings) DESC, region, control, severity
LIMIT 100000
WITH NO DATA;

CREATE UNIQUE INDEX failing_controls_key ON failing_controls (region, control, severity);

COMMENT ON MATERIALIZED VIEW failing_controls IS 'Number of open security findings by region, control and severity: findings_by_control, added up over accounts.';
COMMENT ON COLUMN failing_controls.region IS 'Region that the findings are about, or other.';
COMMENT ON COLUMN failing_controls.control IS 'Control that fails, such as S3.5, or other.';
COMMENT ON COLUMN failing_controls.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN failing_controls.title IS 'Title of one of the findings.';
COMMENT ON COLUMN failing_controls.findings IS 'Number of findings.';
COMMENT ON COLUMN failing_controls.places IS 'Accounts and regions in which the control fails: an account counts once for each region.';
