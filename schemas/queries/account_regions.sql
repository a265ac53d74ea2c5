-- Regions that were enabled and need not be, by how many accounts have them
SELECT region_name, count(*) AS accounts
FROM current_account_regions
WHERE opt_status = 'ENABLED'
GROUP BY region_name
ORDER BY accounts DESC, region_name;

-- Enabled regions without anything that is collected
SELECT r.account_id, r.region_name
FROM current_account_regions AS r
WHERE r.opt_status IN ('ENABLED', 'ENABLED_BY_DEFAULT')
  AND NOT EXISTS (SELECT FROM current_kms_keys AS k WHERE k.account_id = r.account_id AND k.region = r.region_name)
ORDER BY r.account_id, r.region_name;
