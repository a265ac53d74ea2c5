-- Conformance packs with the resources that their rules find not compliant. A resource that
-- several rules find so counts once. What was only about to be made is no resource.
--
-- AWS allows 50 packs in a region. Of more than 100 the resources are not counted: one
-- sender must not keep the refresh busy.
CREATE VIEW live.compliance_by_pack AS
WITH pack AS NOT MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY account_id, region ORDER BY row_key) AS place
    FROM obs.conformance_packs
    WHERE deleted_at IS NULL
), rule AS (
    SELECT DISTINCT p.account_id, p.region, p.row_key, r ->> 'ConfigRuleName' AS rule_name
    FROM pack p CROSS JOIN LATERAL hub.elements(p.rules) AS r
    WHERE p.place <= 100
), counted AS (
    SELECT r.account_id, r.region, r.row_key, count(DISTINCT (n.resource_type, n.resource_id)) AS resources
    FROM rule r JOIN obs.config_noncompliant_resources n USING (account_id, region, rule_name)
    WHERE n.deleted_at IS NULL AND n.evaluation_mode <> 'PROACTIVE'
    GROUP BY 1, 2, 3
)
SELECT p.account_id, p.region, p.row_key, left(p.pack_name, 256) AS pack_name, left(p.state, 64) AS state,
       left(p.compliance_status, 64) AS compliance_status, p.score_percentage,
       p.rule_count, p.compliant_rule_count, p.noncompliant_rule_count,
       CASE WHEN p.place <= 100 THEN coalesce(c.resources, 0) END AS noncompliant_resources, p.score_updated_at
FROM pack p LEFT JOIN counted c USING (account_id, region, row_key);

ALTER TABLE summary.compliance_by_pack ADD PRIMARY KEY (account_id, region, row_key);

COMMENT ON VIEW live.compliance_by_pack IS 'Conformance packs with the resources that are not compliant.';
COMMENT ON COLUMN live.compliance_by_pack.account_id IS 'Account of the pack.';
COMMENT ON COLUMN live.compliance_by_pack.region IS 'Region of the pack.';
COMMENT ON COLUMN live.compliance_by_pack.row_key IS 'Key of the row in conformance_packs.';
COMMENT ON COLUMN live.compliance_by_pack.pack_name IS 'Name of the pack.';
COMMENT ON COLUMN live.compliance_by_pack.state IS 'State of the pack, such as CREATE_COMPLETE.';
COMMENT ON COLUMN live.compliance_by_pack.compliance_status IS 'COMPLIANT, NON_COMPLIANT or INSUFFICIENT_DATA. Null: the pack was never evaluated.';
COMMENT ON COLUMN live.compliance_by_pack.score_percentage IS 'Part of the pairs of rule and resource that is compliant, in percent. Null: there is no score.';
COMMENT ON COLUMN live.compliance_by_pack.rule_count IS 'Number of rules.';
COMMENT ON COLUMN live.compliance_by_pack.compliant_rule_count IS 'Rules that are COMPLIANT.';
COMMENT ON COLUMN live.compliance_by_pack.noncompliant_rule_count IS 'Rules that are NON_COMPLIANT.';
COMMENT ON COLUMN live.compliance_by_pack.noncompliant_resources IS 'Resources that one of the rules finds not compliant, each once. Null: the region has more than 100 packs, and they are not counted.';
COMMENT ON COLUMN live.compliance_by_pack.score_updated_at IS 'When the score changed. Null: there is none.';
