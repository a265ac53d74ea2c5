-- Rules of Config with the resources that are not compliant. What was only about to be made
-- is no resource.
CREATE VIEW live.compliance_by_rule AS
WITH counted AS (
    SELECT account_id, region, rule_name, count(*) AS resources, max(result_recorded_at) AS newest_at
    FROM obs.config_noncompliant_resources
    WHERE deleted_at IS NULL AND evaluation_mode <> 'PROACTIVE'
    GROUP BY account_id, region, rule_name
), pack AS (
    SELECT account_id, region, r ->> 'ConfigRuleName' AS rule_name,
           array_to_string((array_agg(DISTINCT left(pack_name, 256)))[:20], ', ') AS packs
    FROM obs.conformance_packs CROSS JOIN LATERAL hub.elements(rules) AS r
    WHERE deleted_at IS NULL AND r ->> 'ConfigRuleName' IS NOT NULL
    GROUP BY 1, 2, 3
)
SELECT c.account_id, c.region, c.row_key, left(c.rule_name, 256) AS rule_name, left(c.source_identifier, 256) AS source_identifier,
       left(c.compliance_type, 64) AS compliance_type, coalesce(n.resources, 0) AS noncompliant_resources, n.newest_at AS newest_result_at,
       p.packs, c.last_evaluated_at, left(c.last_error_code, 128) AS last_error_code
FROM obs.config_rules c
LEFT JOIN counted n USING (account_id, region, rule_name)
LEFT JOIN pack p USING (account_id, region, rule_name)
WHERE c.deleted_at IS NULL;

ALTER TABLE summary.compliance_by_rule ADD PRIMARY KEY (account_id, region, row_key);

COMMENT ON VIEW live.compliance_by_rule IS 'Rules of Config with the resources that are not compliant.';
COMMENT ON COLUMN live.compliance_by_rule.account_id IS 'Account of the rule.';
COMMENT ON COLUMN live.compliance_by_rule.region IS 'Region of the rule.';
COMMENT ON COLUMN live.compliance_by_rule.row_key IS 'Key of the row in config_rules.';
COMMENT ON COLUMN live.compliance_by_rule.rule_name IS 'Name of the rule.';
COMMENT ON COLUMN live.compliance_by_rule.source_identifier IS 'Identifier of the managed rule, or ARN of the Lambda function. Null: the rule is a policy.';
COMMENT ON COLUMN live.compliance_by_rule.compliance_type IS 'COMPLIANT, NON_COMPLIANT, INSUFFICIENT_DATA or NOT_APPLICABLE. Null: not known.';
COMMENT ON COLUMN live.compliance_by_rule.noncompliant_resources IS 'Resources that are not compliant. One without a region counts in each region in which Config records it.';
COMMENT ON COLUMN live.compliance_by_rule.newest_result_at IS 'When Config recorded the newest of these results. Null: there is none.';
COMMENT ON COLUMN live.compliance_by_rule.packs IS 'First 20 conformance packs with the rule, by name. Null: it is in none.';
COMMENT ON COLUMN live.compliance_by_rule.last_evaluated_at IS 'Last evaluation that succeeded. Null: none did.';
COMMENT ON COLUMN live.compliance_by_rule.last_error_code IS 'Error code of the last evaluation that failed. Null: none did.';
