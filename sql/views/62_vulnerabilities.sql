-- Vulnerabilities of an account, from all its regions. An administrator sees the findings
-- of its members: what is about an account counts as it was collected there, and as others
-- have seen it only in regions in which the account itself is not collected.
CREATE VIEW vulnerabilities AS
WITH home AS (
    SELECT account_id, region FROM hub.scope WHERE category = 'inspector_findings' AND full_run IS NOT NULL
    UNION
    SELECT account_id, region FROM summary.vulnerabilities WHERE account_id = home_account_id
), counted AS (
    SELECT *
    FROM summary.vulnerabilities v
    WHERE account_id = home_account_id
       OR NOT EXISTS (SELECT FROM home h WHERE h.account_id = v.home_account_id AND h.region = v.region)
)
SELECT home_account_id AS account_id, vulnerability_id,
       (ARRAY['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL', 'UNTRIAGED', 'UNKNOWN'])[
           min(array_position(ARRAY['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL', 'UNTRIAGED', 'UNKNOWN'], severity))] AS severity,
       max(inspector_score) AS inspector_score,
       max(epss_score) AS epss_score,
       bool_or(exploit_available) AS exploit_available,
       bool_or(fix_available) AS fix_available,
       sum(resources)::bigint AS resources,
       sum(findings)::bigint AS findings,
       (SELECT string_agg(DISTINCT name, ', ' ORDER BY name) FROM unnest(string_to_array(string_agg(packages, ', '), ', ')) AS p (name)) AS packages,
       min(first_observed_at) AS first_observed_at,
       max(last_observed_at) AS last_observed_at
FROM counted
GROUP BY home_account_id, vulnerability_id;

COMMENT ON VIEW vulnerabilities IS 'Vulnerabilities that Inspector finds now, a row per account and vulnerability: how many resources have it, whether there is a fix, and whether it is exploited. A finding that an administrator and the account itself have collected counts once.';
COMMENT ON COLUMN vulnerabilities.account_id IS 'Account that has the vulnerability.';
COMMENT ON COLUMN vulnerabilities.vulnerability_id IS 'Vulnerability, mostly a CVE.';
COMMENT ON COLUMN vulnerabilities.severity IS 'Worst severity of the findings: CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL or UNTRIAGED; UNKNOWN: none of these.';
COMMENT ON COLUMN vulnerabilities.inspector_score IS 'Highest score of Inspector, from 0 to 10. Null: there is none.';
COMMENT ON COLUMN vulnerabilities.epss_score IS 'Probability from 0 to 1 that it is exploited within 30 days. Null: not known.';
COMMENT ON COLUMN vulnerabilities.exploit_available IS 'Whether an exploit is known. Null: AWS does not say.';
COMMENT ON COLUMN vulnerabilities.fix_available IS 'Whether a package with the vulnerability has a fix. Null: AWS does not say.';
COMMENT ON COLUMN vulnerabilities.resources IS 'Number of resources with the vulnerability.';
COMMENT ON COLUMN vulnerabilities.findings IS 'Number of active findings.';
COMMENT ON COLUMN vulnerabilities.packages IS 'Packages that have it, by name, the first 20 of each region. Null: none is named.';
COMMENT ON COLUMN vulnerabilities.first_observed_at IS 'When it was first observed. Null: not known.';
COMMENT ON COLUMN vulnerabilities.last_observed_at IS 'When it was last observed. Null: not known.';
