-- Accounts by their labels
SELECT account_id, account_name, account_alias, account_state, labels ->> 'product' AS product,
       labels ->> 'environment' AS environment
FROM current_accounts
ORDER BY product, environment, account_id;

-- Spokes that run another version than most, or are not allowed to read the account
SELECT account_id, account_name, spoke_version, denied_actions
FROM current_accounts
WHERE denied_actions IS NOT NULL
   OR spoke_version IS DISTINCT FROM (SELECT mode() WITHIN GROUP (ORDER BY spoke_version) FROM current_accounts)
ORDER BY account_id;
