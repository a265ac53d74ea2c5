-- Accounts without a trail that logs all regions
SELECT account_id
FROM current_cloudtrail_trails
GROUP BY account_id
HAVING NOT coalesce(bool_or(is_logging AND is_multi_region), false);

-- Trails that do not deliver
SELECT account_id, region, name, is_logging, latest_delivery_at, latest_delivery_error, latest_logs_delivery_error
FROM current_cloudtrail_trails
WHERE owner_account_id = account_id
  AND (NOT is_logging OR latest_delivery_error IS NOT NULL OR latest_delivery_at < now() - interval '1 day')
ORDER BY account_id, region, name;

-- Trails with logs that can be changed unnoticed or are not encrypted by a key of the
-- account
SELECT account_id, region, name, s3_bucket, log_file_validation, kms_key_id
FROM current_cloudtrail_trails
WHERE owner_account_id = account_id
  AND (NOT log_file_validation OR kms_key_id IS NULL)
ORDER BY account_id, region, name;
