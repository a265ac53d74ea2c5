-- Patches that are missing or failed on most nodes
SELECT kb_id, title, severity, count(*) AS nodes, count(DISTINCT account_id) AS accounts
FROM current_ssm_patches
WHERE lower(state) IN ('missing', 'failed')
GROUP BY kb_id, title, severity
ORDER BY nodes DESC
LIMIT 100;

-- Nodes that lack the patch of one vulnerability
SELECT account_id, region, instance_id, kb_id, title, state
FROM current_ssm_patches
WHERE cve_ids LIKE '%CVE-2026-1000%'
  AND lower(state) IN ('missing', 'failed')
ORDER BY account_id, region, instance_id;
