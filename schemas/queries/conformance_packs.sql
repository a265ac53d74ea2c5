-- Packs by score, the worst first
SELECT account_id, region, pack_name, score_percentage, noncompliant_rule_count, rule_count
FROM current_conformance_packs
ORDER BY score_percentage NULLS LAST;

-- Rules of packs that are not compliant, with the controls that they check
SELECT account_id, region, pack_name, rule ->> 'ConfigRuleName' AS rule_name, rule -> 'Controls' AS controls
FROM current_conformance_packs
CROSS JOIN jsonb_array_elements(rules) AS rule
WHERE rule ->> 'ComplianceType' = 'NON_COMPLIANT'
ORDER BY account_id, region, pack_name, rule_name;

-- Packs that could not be made, changed or deleted
SELECT account_id, region, pack_name, state, state_reason
FROM current_conformance_packs
WHERE state LIKE '%FAILED'
ORDER BY account_id, region, pack_name;
