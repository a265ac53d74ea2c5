-- Rules of Config; live.compliance_by_rule says how they are counted.
CREATE VIEW compliance_by_rule AS
SELECT account_id, region, rule_name, source_identifier, compliance_type, noncompliant_resources, newest_result_at, packs,
       last_evaluated_at, last_error_code
FROM summary.compliance_by_rule;

COMMENT ON VIEW compliance_by_rule IS 'Rules of AWS Config with the number of resources that are not compliant, and the conformance packs that they are in. A row per rule, those that could not be evaluated among them.';
COMMENT ON COLUMN compliance_by_rule.account_id IS 'Account of the rule.';
COMMENT ON COLUMN compliance_by_rule.region IS 'Region of the rule.';
COMMENT ON COLUMN compliance_by_rule.rule_name IS 'Name of the rule.';
COMMENT ON COLUMN compliance_by_rule.source_identifier IS 'Identifier of the managed rule, or ARN of the Lambda function. Null: the rule is a policy.';
COMMENT ON COLUMN compliance_by_rule.compliance_type IS 'COMPLIANT, NON_COMPLIANT, INSUFFICIENT_DATA or NOT_APPLICABLE. Null: not known.';
COMMENT ON COLUMN compliance_by_rule.noncompliant_resources IS 'Resources that are not compliant. One without a region counts in each region in which Config records it.';
COMMENT ON COLUMN compliance_by_rule.newest_result_at IS 'When Config recorded the newest of these results. Null: there is none.';
COMMENT ON COLUMN compliance_by_rule.packs IS 'First 20 conformance packs with the rule, by name. Null: it is in none.';
COMMENT ON COLUMN compliance_by_rule.last_evaluated_at IS 'Last evaluation that succeeded. Null: none did.';
COMMENT ON COLUMN compliance_by_rule.last_error_code IS 'Error code of the last evaluation that failed. Null: none did.';
