-- Conformance packs; live.compliance_by_pack says how they are counted.
CREATE VIEW compliance_by_pack AS
SELECT account_id, region, pack_name, state, compliance_status, score_percentage, rule_count, compliant_rule_count, noncompliant_rule_count,
       noncompliant_resources, score_updated_at
FROM summary.compliance_by_pack;

COMMENT ON VIEW compliance_by_pack IS 'Conformance packs of AWS Config with their score, and with the resources that are not compliant with one of their rules. A row per pack.';
COMMENT ON COLUMN compliance_by_pack.account_id IS 'Account of the pack.';
COMMENT ON COLUMN compliance_by_pack.region IS 'Region of the pack.';
COMMENT ON COLUMN compliance_by_pack.pack_name IS 'Name of the pack.';
COMMENT ON COLUMN compliance_by_pack.state IS 'State of the pack, such as CREATE_COMPLETE.';
COMMENT ON COLUMN compliance_by_pack.compliance_status IS 'COMPLIANT, NON_COMPLIANT or INSUFFICIENT_DATA. Null: the pack was never evaluated.';
COMMENT ON COLUMN compliance_by_pack.score_percentage IS 'Part of the pairs of rule and resource that is compliant, in percent. Null: there is no score.';
COMMENT ON COLUMN compliance_by_pack.rule_count IS 'Number of rules.';
COMMENT ON COLUMN compliance_by_pack.compliant_rule_count IS 'Rules that are COMPLIANT.';
COMMENT ON COLUMN compliance_by_pack.noncompliant_rule_count IS 'Rules that are NON_COMPLIANT.';
COMMENT ON COLUMN compliance_by_pack.noncompliant_resources IS 'Resources that one of the rules finds not compliant, each once. Null: the region has more than 100 packs, and they are not counted.';
COMMENT ON COLUMN compliance_by_pack.score_updated_at IS 'When the score changed. Null: there is none.';
