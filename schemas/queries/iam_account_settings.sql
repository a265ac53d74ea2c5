-- Accounts with a root user that has access keys or no MFA
SELECT account_id, root_access_keys, root_mfa_enabled, root_password_present
FROM current_iam_account_settings
WHERE root_access_keys > 0 OR NOT root_mfa_enabled
ORDER BY account_id;

-- Accounts that ask for less than 14 characters in a password, or have no rules of their own
SELECT account_id, users, password_policy_set, minimum_password_length, password_reuse_prevention
FROM current_iam_account_settings
WHERE NOT password_policy_set OR minimum_password_length < 14
ORDER BY users DESC, account_id;
