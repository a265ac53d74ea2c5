-- Rules of AWS Config, counted: for account_overview and the history of compliance, which
-- must not read each rule.
CREATE VIEW live.config_rules AS
SELECT account_id, region,
       CASE WHEN compliance_type IN ('COMPLIANT', 'NON_COMPLIANT', 'NOT_APPLICABLE', 'INSUFFICIENT_DATA') THEN compliance_type
            ELSE 'UNKNOWN' END AS compliance_type,
       coalesce((last_evaluated_at AT TIME ZONE 'UTC')::date, '-infinity') AS evaluated_on,
       count(*) AS rules
FROM obs.config_rules
WHERE deleted_at IS NULL
GROUP BY 1, 2, 3, 4;

ALTER TABLE summary.config_rules ADD PRIMARY KEY (account_id, region, compliance_type, evaluated_on);

COMMENT ON VIEW live.config_rules IS 'Number of rules of AWS Config by what they say and when they were evaluated last.';
COMMENT ON COLUMN live.config_rules.account_id IS 'Account of the rules.';
COMMENT ON COLUMN live.config_rules.region IS 'Region of the rules.';
COMMENT ON COLUMN live.config_rules.compliance_type IS 'COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE or INSUFFICIENT_DATA; UNKNOWN: none of these.';
COMMENT ON COLUMN live.config_rules.evaluated_on IS 'Day of the last evaluation in UTC; -infinity: there was none.';
COMMENT ON COLUMN live.config_rules.rules IS 'Number of rules.';
