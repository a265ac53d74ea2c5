-- Active keys that are older than 90 days, the oldest first
SELECT account_id, user_name, access_key_id, key_created_at, last_used_at, last_used_service
FROM current_iam_access_keys
WHERE status = 'Active' AND key_created_at < now() - interval '90 days'
ORDER BY key_created_at;

-- Active keys that were never used, or not for 90 days
SELECT account_id, user_name, access_key_id, key_created_at, last_used_at
FROM current_iam_access_keys
WHERE status = 'Active'
  AND coalesce(last_used_at, key_created_at) < now() - interval '90 days'
ORDER BY last_used_at NULLS FIRST, account_id, user_name;
