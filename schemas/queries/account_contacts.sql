-- Accounts that AWS can tell nobody about security
SELECT a.account_id, a.account_name
FROM current_accounts AS a
WHERE NOT EXISTS (SELECT FROM current_account_contacts AS c
                  WHERE c.account_id = a.account_id AND c.contact_type = 'SECURITY')
ORDER BY a.account_id;

-- Whom AWS writes to, by contact
SELECT contact_type, email, count(*) AS accounts
FROM current_account_contacts
WHERE email IS NOT NULL
GROUP BY contact_type, email
ORDER BY contact_type, accounts DESC, email;
