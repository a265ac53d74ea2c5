-- Secrets that are not rotated, oldest change first
SELECT account_id, region, name, last_changed_at, last_accessed_at
FROM current_secrets
WHERE deletion_requested_at IS NULL
  AND rotation_enabled IS NOT TRUE
ORDER BY last_changed_at;

-- Secrets with an overdue rotation
SELECT account_id, region, name, rotation_lambda_arn, last_rotated_at, next_rotation_at
FROM current_secrets
WHERE rotation_enabled
  AND next_rotation_at < now()
ORDER BY next_rotation_at;

-- Secrets that nobody read for 90 days
SELECT account_id, region, name, coalesce(last_accessed_at, secret_created_at) AS idle_since
FROM current_secrets
WHERE deletion_requested_at IS NULL
  AND coalesce(last_accessed_at, secret_created_at) < now() - interval '90 days'
ORDER BY idle_since;
