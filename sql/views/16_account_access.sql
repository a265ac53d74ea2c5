-- Dashboards that ask the database as one role learn here what to show to whom.
CREATE VIEW account_access AS
SELECT substr(principal, length('group:') + 1) AS group_name, account_id
FROM hub.access
WHERE principal LIKE 'group:%';

COMMENT ON VIEW account_access IS 'Which accounts a group of people may see in dashboards, as hub.access says.';
COMMENT ON COLUMN account_access.group_name IS 'Name of the group.';
COMMENT ON COLUMN account_access.account_id IS 'Account that the group sees. *: all accounts.';
