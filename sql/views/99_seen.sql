-- What people see who may not see all accounts. Policies on rows would not reach them: views
-- have the rights of their owner, and materialized views have no policies. So each view has
-- a second one in schema seen, with the rows of the accounts that hub.access grants to the
-- principals of the transaction: hub.principals, an array that the dashboard sets.

CREATE VIEW seen.principal AS
SELECT DISTINCT principal FROM hub.access
WHERE principal = ANY (nullif(current_setting('hub.principals', true), '')::text[]);

COMMENT ON VIEW seen.principal IS 'Principals of the transaction that hub.access names.';
COMMENT ON COLUMN seen.principal.principal IS 'Who: group: or user: and a name.';

CREATE VIEW seen.visible_account AS
SELECT DISTINCT a.account_id FROM hub.access a JOIN seen.principal USING (principal);

COMMENT ON VIEW seen.visible_account IS 'Accounts that the principals of the transaction may see.';
COMMENT ON COLUMN seen.visible_account.account_id IS 'Account. *: all accounts.';

CREATE VIEW seen.viewer AS
SELECT count(*) FILTER (WHERE account_id <> '*') AS accounts, coalesce(bool_or(account_id = '*'), false) AS sees_all,
       md5(coalesce(string_agg(account_id, ' ' ORDER BY account_id), '')) AS rules,
       (SELECT max(refreshed_at) FROM hub.view_refresh) AS refreshed_at
FROM seen.visible_account;

COMMENT ON VIEW seen.viewer IS 'How much the principals of the transaction may see.';
COMMENT ON COLUMN seen.viewer.accounts IS 'Number of accounts that are granted one by one.';
COMMENT ON COLUMN seen.viewer.sees_all IS 'Whether all accounts are granted. The views of this schema show those that are granted one by one; schema public has all.';
COMMENT ON COLUMN seen.viewer.rules IS 'Changes whenever other accounts are granted.';
COMMENT ON COLUMN seen.viewer.refreshed_at IS 'When a view was refreshed last.';

-- Views without the column account_id have totals over all accounts, and none here. A row
-- belongs to the account that it is about, where a column names that one, and not to the
-- account that has told of it: an administrator account sees findings of others.
--
-- The accounts are an array that PostgreSQL computes once: a condition on it goes down into
-- what a view adds up, and a join would not.
DO $$
DECLARE
    v record;
    comment record;
BEGIN
    FOR v IN
        SELECT c.oid, c.relname AS name,
               CASE
                   WHEN about.column_name IS NULL THEN 'v.account_id'
                   WHEN about.may_be_null THEN format('coalesce(v.%I, v.account_id)', about.column_name)
                   ELSE format('v.%I', about.column_name)
               END AS owner
        FROM pg_class c
        LEFT JOIN LATERAL (
            SELECT column_name, may_be_null
            FROM (VALUES ('finding_account_id', false), ('home_account_id', false), ('member_account_id', false), ('reported_account_id', false),
                         ('linked_account_id', true), ('entity_account_id', true), ('resource_account_id', true)) AS a (column_name, may_be_null)
            JOIN pg_attribute ON attrelid = c.oid AND attname = column_name
        ) about ON true
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm') AND c.xmin = pg_current_xact_id()::xid
          AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'account_id')
        ORDER BY c.relname
    LOOP
        EXECUTE format('CREATE VIEW seen.%I WITH (security_barrier) AS SELECT * FROM public.%1$I v '
            'WHERE %s = ANY (ARRAY(SELECT account_id FROM seen.visible_account))', v.name, v.owner);
        FOR comment IN
            SELECT CASE WHEN d.objsubid = 0 THEN format('VIEW seen.%I', v.name) ELSE format('COLUMN seen.%I.%I', v.name, a.attname) END AS object,
                   d.description
            FROM pg_description d LEFT JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
            WHERE d.classoid = 'pg_class'::regclass AND d.objoid = v.oid
        LOOP
            EXECUTE format('COMMENT ON %s IS %L', comment.object, comment.description);
        END LOOP;
    END LOOP;
END $$;
