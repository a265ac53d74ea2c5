CREATE VIEW conformance_pack_rules AS
SELECT account_id, region, pack_name,
       r ->> 'ConfigRuleName' AS rule_name,
       r ->> 'ComplianceType' AS compliance_type,
       r -> 'Controls' AS controls
FROM obs.conformance_packs, hub.elements(rules) AS r
WHERE deleted_at IS NULL AND r ->> 'ConfigRuleName' IS NOT NULL;

COMMENT ON VIEW conformance_pack_rules IS 'Rules of AWS Config by the conformance packs that they are in. A rule of two packs is two rows.';
COMMENT ON COLUMN conformance_pack_rules.account_id IS 'Account.';
COMMENT ON COLUMN conformance_pack_rules.region IS 'Region.';
COMMENT ON COLUMN conformance_pack_rules.pack_name IS 'Name of the conformance pack.';
COMMENT ON COLUMN conformance_pack_rules.rule_name IS 'Name of the rule.';
COMMENT ON COLUMN conformance_pack_rules.compliance_type IS 'Compliance of the rule in the pack: COMPLIANT, NON_COMPLIANT or INSUFFICIENT_DATA.';
COMMENT ON COLUMN conformance_pack_rules.controls IS 'JSON array of the controls that the rule stands for.';
