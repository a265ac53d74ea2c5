-- Customer managed keys that could be rotated and are not
SELECT account_id, region, key_arn, aliases, key_created_at
FROM current_kms_keys
WHERE key_manager = 'CUSTOMER'
  AND key_state = 'Enabled'
  AND origin = 'AWS_KMS'
  AND rotation_enabled IS FALSE
ORDER BY key_created_at;

-- What the collector was not allowed to know, so that null is not read as no
SELECT account_id, region, action, count(*) AS keys
FROM current_kms_keys, jsonb_array_elements_text(denied_actions) AS action
GROUP BY account_id, region, action
ORDER BY keys DESC;

-- Keys that are about to be deleted
SELECT account_id, region, key_arn, aliases, description, deletion_at
FROM current_kms_keys
WHERE key_state = 'PendingDeletion'
ORDER BY deletion_at;
