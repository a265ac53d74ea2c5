-- Users with a password and without MFA, the root user first
SELECT account_id, user_name, is_root, password_last_used_at
FROM current_iam_users
WHERE NOT mfa_active AND (password_enabled OR is_root)
ORDER BY is_root DESC, account_id, user_name;

-- Users that nobody has used for 90 days
SELECT account_id, user_name, user_created_at,
       greatest(password_last_used_at, access_key_1_last_used_at, access_key_2_last_used_at) AS last_used_at
FROM current_iam_users
WHERE NOT is_root
  AND coalesce(greatest(password_last_used_at, access_key_1_last_used_at, access_key_2_last_used_at), user_created_at)
      < now() - interval '90 days'
ORDER BY last_used_at NULLS FIRST, account_id, user_name;
