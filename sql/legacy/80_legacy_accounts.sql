-- The predecessor's relations, as views over our own tables, in a schema of their own. What
-- they mean is in relations.txt; docs/migrating.md tells people about it.
--
-- Each table has the columns account and account_region besides its own: views join by
-- them, because an id is a hash that takes long to compute for a million rows. What has no
-- region hangs on the account's row of the region Global, so that it counts once.
--
-- No number is cast to a smaller type and no text to another one: one row that a spoke sent
-- would break the view for everybody.
CREATE SCHEMA IF NOT EXISTS legacy;
COMMENT ON SCHEMA legacy IS 'The tables and views of the system that came before this one, for dashboards that were made for it. All of them are views over schema obs.';

-- 52 bits, so that a program that takes numbers for doubles keeps them apart.
CREATE OR REPLACE FUNCTION legacy.id(text) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ('x' || pg_catalog.substr(pg_catalog.md5($1), 1, 13))::bit(52)::bigint
$$;
COMMENT ON FUNCTION legacy.id IS 'The id of a row by its key: the same in every database.';

CREATE OR REPLACE FUNCTION legacy.place(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE $1 WHEN 'global' THEN 'Global' ELSE $1 END
$$;
COMMENT ON FUNCTION legacy.place IS 'A region as legacy.accounts calls it.';

CREATE OR REPLACE FUNCTION legacy.account(text, text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT legacy.id($1 || '/' || legacy.place($2))
$$;
COMMENT ON FUNCTION legacy.account IS 'The id of the row of legacy.accounts of an account and region.';

-- Every account has the row Global, also while nothing without a region was collected.
CREATE VIEW legacy.accounts AS
WITH place AS (
    SELECT account_id, region FROM hub.scope
    UNION
    SELECT account_id, 'global' FROM hub.scope
), label AS (
    SELECT account_id,
           max(value) FILTER (WHERE label = 'partner') AS partner,
           max(value) FILTER (WHERE label = 'customer') AS customer,
           max(value) FILTER (WHERE label = 'environment') AS environment,
           max(value) FILTER (WHERE label = 'category') AS category
    FROM public.account_labels
    GROUP BY account_id
)
SELECT legacy.account(p.account_id, p.region) AS id,
       p.account_id,
       coalesce(d.account_name, p.account_id) AS account_name,
       d.email AS account_email,
       coalesce(d.state, 'ACTIVE') AS account_status,
       d.account_arn,
       coalesce(nullif(l.partner, ''), 'None') AS partner_name,
       coalesce(nullif(l.customer, ''), 'None') AS customer_name,
       d.joined_method,
       coalesce(d.joined_at, d.account_created_at) AS joined_timestamp,
       coalesce(nullif(l.environment, ''), 'None') AS account_type,
       'AWS'::text AS csp,
       legacy.place(p.region) AS region,
       coalesce(nullif(l.category, ''), 'None') AS category,
       coalesce(d.first_seen_at,
                (SELECT min(r.collected_at) FROM hub.scope s JOIN hub.run r USING (scope)
                 WHERE s.account_id = p.account_id AND s.region = p.region)) AS created_at,
       (SELECT max(r.collected_at) FROM hub.scope s JOIN hub.run r ON r.scope = s.scope AND r.run = s.complete_run
        WHERE s.account_id = p.account_id AND s.region = p.region) AS updated_at
FROM place p
LEFT JOIN public.account_details d USING (account_id)
LEFT JOIN label l USING (account_id);

-- A product is what a label names, or what people wrote down.
CREATE VIEW legacy.products AS
SELECT legacy.id('product/' || lower(coalesce(p.name, n.product))) AS id,
       coalesce(p.name, n.product) AS name,
       coalesce(p.owner, 'System') AS owner,
       p.position,
       p.description,
       coalesce(p.created_at, n.seen_at) AS created_at,
       coalesce(p.updated_at, n.seen_at) AS updated_at
FROM (
    SELECT min(ap.product) AS product, min(d.first_seen_at) AS seen_at
    FROM public.account_products ap LEFT JOIN public.account_details d USING (account_id)
    GROUP BY lower(ap.product)
) n
FULL JOIN org.products p ON lower(p.name) = lower(n.product);

CREATE VIEW legacy.product_accounts AS
SELECT legacy.id('product_account/' || lower(ap.product) || '/' || a.account_id || '/' || a.region) AS id,
       legacy.id('product/' || lower(ap.product)) AS product_id,
       a.id AS account_id,
       a.created_at,
       a.updated_at,
       a.account_id AS account,
       a.region AS account_region
FROM public.account_products ap JOIN legacy.accounts a USING (account_id);

-- What every view says of an account, a row per account that is collected. Of several
-- products it names the first. DISTINCT ON tells PostgreSQL that an account is one row, so
-- that a query that needs none of it does not read it.
CREATE VIEW legacy.account_card AS
SELECT DISTINCT ON (a.account_id)
       a.account_id AS account,
       a.account_name,
       a.account_type,
       a.category AS account_category,
       a.account_status,
       a.partner_name AS account_partner,
       a.customer_name AS account_customer,
       a.account_id || '-' || a.account_name AS account_full,
       p.product AS project_product_name
FROM legacy.accounts a LEFT JOIN public.account_products p ON p.account_id = a.account_id AND p.position = 1
WHERE a.region = 'Global'
ORDER BY a.account_id;

CREATE VIEW legacy.contact_info AS
SELECT legacy.id('contact/' || row_key) AS id,
       legacy.account(account_id, 'global') AS account_id,
       address_line1, address_line2, address_line3, city, country_code, postal_code, state_or_region,
       company_name, phone_number, website_url, full_name,
       first_seen_at AS created_at,
       collected_at AS updated_at,
       account_id AS account,
       'Global'::text AS account_region
FROM obs.account_contacts
WHERE deleted_at IS NULL AND contact_type = 'PRIMARY';

CREATE VIEW legacy.alternate_contacts AS
SELECT legacy.id('contact/' || row_key) AS id,
       legacy.account(account_id, 'global') AS account_id,
       lower(contact_type) AS contact_type,
       full_name, title, email, phone_number,
       first_seen_at AS created_at,
       collected_at AS updated_at,
       account_id AS account,
       'Global'::text AS account_region
FROM obs.account_contacts
WHERE deleted_at IS NULL AND contact_type <> 'PRIMARY';

-- A row per account, region and day. A later run of the same category on the same day may
-- pass after a failure; one of another category cannot hide it.
CREATE VIEW legacy.logs AS
WITH section (category, section) AS (VALUES
    ('accounts', 'account'), ('account_contacts', 'account'), ('account_regions', 'account'), ('organization_accounts', 'account'),
    ('cost_forecasts', 'cost'), ('cost_anomalies', 'cost'), ('cost_recommendations', 'cost'), ('savings_plans', 'cost'),
    ('reservations', 'cost'), ('commitment_utilization', 'cost'), ('commitment_coverage', 'cost'), ('compute_recommendations', 'cost'),
    ('service_costs', 'service'), ('usage_costs', 'service'),
    ('marketplace_costs', 'marketplace'), ('marketplace_agreements', 'marketplace'),
    ('trusted_advisor_checks', 'trusted_advisor'), ('trusted_advisor_resources', 'trusted_advisor'),
    ('health_events', 'health'), ('health_event_entities', 'health'),
    ('application_services', 'application'), ('service_level_objectives', 'application'), ('resilience_apps', 'resilience_hub'),
    ('config_rules', 'config'), ('config_noncompliant_resources', 'config'), ('conformance_packs', 'config'), ('config_resources', 'config'),
    ('ssm_instances', 'inventory'), ('ssm_applications', 'inventory'), ('ssm_patches', 'inventory'), ('ssm_patch_states', 'inventory'),
    ('security_services', 'security'), ('security_findings', 'security'), ('guardduty_findings', 'security'),
    ('inspector_findings', 'security'), ('iam_users', 'security'), ('iam_access_keys', 'security'), ('iam_account_settings', 'security'),
    ('kms_keys', 'security'), ('waf_web_acls', 'security'), ('waf_rules', 'security'), ('cloudtrail_trails', 'security'),
    ('secrets', 'security'), ('certificates', 'security')
), newest AS (
    SELECT DISTINCT ON (r.scope, (r.collected_at AT TIME ZONE 'UTC')::date)
           s.account_id, legacy.place(s.region) AS region, s.category, (r.collected_at AT TIME ZONE 'UTC')::date AS day, r.collected_at, r.outcome
    FROM hub.run r JOIN hub.scope s USING (scope)
    WHERE r.outcome IS NOT NULL
    ORDER BY r.scope, (r.collected_at AT TIME ZONE 'UTC')::date, r.run DESC
), daily AS (
    SELECT account_id, region, day, x.section, min(collected_at) AS first_at, max(collected_at) AS last_at,
           CASE WHEN bool_and(outcome IN ('ok', 'empty', 'disabled')) THEN 'Pass' ELSE 'Fail' END AS status
    FROM newest LEFT JOIN section x USING (category)
    GROUP BY account_id, region, day, x.section
)
SELECT legacy.id('log/' || account_id || '/' || region || '/' || day) AS id,
       legacy.account(account_id, region) AS account_id,
       min(first_at) AS date_created,
       coalesce(max(status) FILTER (WHERE section = 'account'), 'Pass') AS account_status,
       coalesce(max(status) FILTER (WHERE section = 'cost'), 'Pass') AS cost_status,
       coalesce(max(status) FILTER (WHERE section = 'service'), 'Pass') AS service_status,
       coalesce(max(status) FILTER (WHERE section = 'security'), 'Pass') AS security_status,
       coalesce(max(status) FILTER (WHERE section = 'config'), 'Pass') AS config_status,
       coalesce(max(status) FILTER (WHERE section = 'inventory'), 'Pass') AS inventory_status,
       coalesce(max(status) FILTER (WHERE section = 'marketplace'), 'Pass') AS marketplace_status,
       coalesce(max(status) FILTER (WHERE section = 'trusted_advisor'), 'Pass') AS trusted_advisor_status,
       coalesce(max(status) FILTER (WHERE section = 'health'), 'Pass') AS health_status,
       coalesce(max(status) FILTER (WHERE section = 'application'), 'Pass') AS application_status,
       coalesce(max(status) FILTER (WHERE section = 'resilience_hub'), 'Pass') AS resilience_hub_status,
       min(first_at) AS created_at,
       max(last_at) AS updated_at,
       account_id AS account,
       region AS account_region
FROM daily
GROUP BY account_id, region, day;

CREATE VIEW legacy.log_messages AS
SELECT legacy.id('message/' || r.run || '/' || r.scope) AS id,
       legacy.id('log/' || s.account_id || '/' || legacy.place(s.region) || '/' || (r.collected_at AT TIME ZONE 'UTC')::date) AS log_id,
       concat_ws(': ', r.outcome, r.error) AS message,
       s.category AS message_type,
       r.collected_at AS created_at,
       s.account_id AS account,
       legacy.place(s.region) AS account_region
FROM hub.run r JOIN hub.scope s USING (scope)
WHERE r.error <> '';
