-- Buckets that have a public policy, or may become public
SELECT account_id, bucket_region, bucket_name, policy_is_public, block_public_policy, restrict_public_buckets
FROM current_s3_buckets
WHERE policy_is_public
   OR block_public_policy IS NOT TRUE
ORDER BY policy_is_public DESC NULLS LAST, account_id, bucket_name;

-- Buckets that keep no versions, or never delete old ones
SELECT account_id, bucket_name, versioning, lifecycle_rule_count
FROM current_s3_buckets
WHERE versioning IS DISTINCT FROM 'Enabled'
   OR lifecycle_rule_count = 0
ORDER BY account_id, bucket_name;

-- Buckets with something unknown, because it was denied
SELECT account_id, bucket_name, denied_actions
FROM current_s3_buckets
WHERE denied_actions IS NOT NULL
ORDER BY account_id, bucket_name;
