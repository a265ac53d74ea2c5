-- Active findings of Inspector, counted by vulnerability, the account and region in which
-- they were collected and the account that they are about. Which of these count, where
-- several have collected the same finding, is up to the view vulnerabilities.
--
-- The texts are cut as in live.findings.
CREATE VIEW live.vulnerabilities AS
SELECT account_id, region, left(finding_account_id, 32) AS home_account_id, left(vulnerability_id, 64) AS vulnerability_id,
       (ARRAY['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL', 'UNTRIAGED', 'UNKNOWN'])[
           min(coalesce(array_position(ARRAY['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL', 'UNTRIAGED'], severity), 7))] AS severity,
       max(inspector_score) AS inspector_score,
       max(epss_score) AS epss_score,
       bool_or(exploit_available = 'YES') AS exploit_available,
       bool_or(fix_available IN ('YES', 'PARTIAL')) AS fix_available,
       count(DISTINCT resource_id) AS resources,
       count(*) AS findings,
       nullif(array_to_string((array_agg(DISTINCT left(package_name, 128)))[:20], ', '), '') AS packages,
       min(first_observed_at) AS first_observed_at,
       max(last_observed_at) AS last_observed_at
FROM obs.inspector_findings
WHERE deleted_at IS NULL AND status = 'ACTIVE' AND vulnerability_id IS NOT NULL
GROUP BY account_id, region, left(finding_account_id, 32), left(vulnerability_id, 64);

ALTER TABLE summary.vulnerabilities ADD PRIMARY KEY (account_id, region, home_account_id, vulnerability_id);

COMMENT ON VIEW live.vulnerabilities IS 'Vulnerabilities by the account and region in which they were collected, and by the account that they are about.';
COMMENT ON COLUMN live.vulnerabilities.account_id IS 'Account in which the findings were collected.';
COMMENT ON COLUMN live.vulnerabilities.region IS 'Region in which the findings were collected.';
COMMENT ON COLUMN live.vulnerabilities.home_account_id IS 'Account that the findings are about.';
COMMENT ON COLUMN live.vulnerabilities.vulnerability_id IS 'Vulnerability, mostly a CVE.';
COMMENT ON COLUMN live.vulnerabilities.severity IS 'Worst severity of the findings: CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL or UNTRIAGED; UNKNOWN: none of these.';
COMMENT ON COLUMN live.vulnerabilities.inspector_score IS 'Highest score of Inspector, from 0 to 10. Null: there is none.';
COMMENT ON COLUMN live.vulnerabilities.epss_score IS 'Probability from 0 to 1 that it is exploited within 30 days. Null: not known.';
COMMENT ON COLUMN live.vulnerabilities.exploit_available IS 'Whether an exploit is known. Null: AWS does not say.';
COMMENT ON COLUMN live.vulnerabilities.fix_available IS 'Whether a package with the vulnerability has a fix. Null: AWS does not say.';
COMMENT ON COLUMN live.vulnerabilities.resources IS 'Number of resources with the vulnerability.';
COMMENT ON COLUMN live.vulnerabilities.findings IS 'Number of active findings.';
COMMENT ON COLUMN live.vulnerabilities.packages IS 'First 20 packages that have it, by name. Null: none is named.';
COMMENT ON COLUMN live.vulnerabilities.first_observed_at IS 'When it was first observed. Null: not known.';
COMMENT ON COLUMN live.vulnerabilities.last_observed_at IS 'When it was last observed. Null: not known.';
