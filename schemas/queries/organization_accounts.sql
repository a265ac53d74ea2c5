-- Accounts of the organization that have no spoke
SELECT o.member_account_id, o.account_name, o.ou_path, o.state, o.joined_at
FROM current_organization_accounts AS o
WHERE o.state = 'ACTIVE'
  AND NOT EXISTS (SELECT FROM current_accounts AS a WHERE a.account_id = o.member_account_id)
ORDER BY o.ou_path, o.account_name;

-- Accounts by organizational unit
SELECT organization_id, ou_path, count(*) AS accounts, count(*) FILTER (WHERE state <> 'ACTIVE') AS not_active
FROM current_organization_accounts
GROUP BY organization_id, ou_path
ORDER BY organization_id, ou_path;
