-- Where all findings were read completely once. It is a summary so that a run that
-- completes changes nothing above it, but the first full one of its account and region.
CREATE VIEW live.findings_collected AS
SELECT account_id, region
FROM hub.scope
WHERE category = 'security_findings' AND full_run IS NOT NULL
GROUP BY account_id, region;

ALTER TABLE summary.findings_collected ADD PRIMARY KEY (account_id, region);

COMMENT ON VIEW live.findings_collected IS 'Accounts and regions in which all security findings were collected completely at least once.';
COMMENT ON COLUMN live.findings_collected.account_id IS 'Account that is collected.';
COMMENT ON COLUMN live.findings_collected.region IS 'Region that is collected.';
