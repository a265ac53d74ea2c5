-- What Install and Refresher need in the database besides the loader's tables.

CREATE SCHEMA IF NOT EXISTS live;
COMMENT ON SCHEMA live IS 'Views that summaries are computed from: always right, and slow.';
CREATE SCHEMA IF NOT EXISTS summary;
COMMENT ON SCHEMA summary IS 'Tables with the rows of the views of schema live, kept up to date by account and region.';
CREATE SCHEMA IF NOT EXISTS seen;
COMMENT ON SCHEMA seen IS 'Views that show the accounts that hub.access grants to the principals of the transaction.';

-- For views: JSON columns hold whatever a sender wrote. What has another shape than
-- expected has no elements, and never breaks a view of all accounts. None of the functions
-- is STRICT, or PostgreSQL would not make them part of the query that calls them.
CREATE OR REPLACE FUNCTION hub.elements(jsonb) RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20 AS $$
    SELECT value FROM pg_catalog.jsonb_array_elements(CASE pg_catalog.jsonb_typeof($1) WHEN 'array' THEN $1 ELSE '[]' END)
$$;
COMMENT ON FUNCTION hub.elements IS 'Elements of a JSON array. What is no array has none.';
CREATE OR REPLACE FUNCTION hub.pairs(jsonb) RETURNS TABLE (key text, value text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20 AS $$
    SELECT key, value FROM pg_catalog.jsonb_each_text(CASE pg_catalog.jsonb_typeof($1) WHEN 'object' THEN $1 ELSE '{}' END)
$$;
COMMENT ON FUNCTION hub.pairs IS 'Members of a JSON object with their values as text. What is no object has none.';
CREATE OR REPLACE FUNCTION hub.number(text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $1 ~ '^-?[0-9]{1,20}([.][0-9]{1,20})?$' THEN $1::numeric END
$$;
COMMENT ON FUNCTION hub.number IS 'The number that a text is, of at most 20 digits before and behind the point. Any other text is null.';

-- A view depends on what its query names (pg_depend has it per rewrite rule), on
-- what those depend on, and so on. What a function in a query reads is not known. Names
-- are looked up in the catalog: to_regclass is refused to readers, who have no rights in
-- all schemas.
CREATE OR REPLACE VIEW hub.view_dependency AS
WITH RECURSIVE names AS MATERIALIZED (
    SELECT DISTINCT r.ev_class AS view, d.refobjid AS relation
    FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
    WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.ev_class
), reached AS (
    SELECT n.view, n.relation
    FROM hub.installed_view i
    JOIN pg_catalog.pg_namespace s ON s.nspname = split_part(i.view_name, '.', 1)
    JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid AND c.relname = split_part(i.view_name, '.', 2)
    JOIN names n ON n.view = c.oid
    UNION
    SELECT r.view, n.relation FROM reached r JOIN names n ON n.view = r.relation
)
SELECT view, relation FROM reached;
COMMENT ON VIEW hub.view_dependency IS 'Which tables and views each installed view depends on, directly or through other views, by oid. A summary is a table here; what it depends on is what its view in schema live does.';

-- REFRESH is for the owner alone. The owner of this function lends the right to
-- do it, and for nothing but the installed materialized views. Its search_path is
-- fixed, so that nobody can slip it other objects.
CREATE OR REPLACE FUNCTION hub.refresh_view(view regclass) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    populated boolean;
BEGIN
    SELECT c.relispopulated INTO populated
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN hub.installed_view i ON i.view_name = format('%I.%I', n.nspname, c.relname)
    WHERE c.oid = view AND c.relkind = 'm';
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not an installed materialized view', view USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Readers see the old content until the new one is there. There must be an
    -- old one for that.
    IF populated THEN
        EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY %s', view);
    ELSE
        EXECUTE format('REFRESH MATERIALIZED VIEW %s', view);
    END IF;
END $$;
COMMENT ON FUNCTION hub.refresh_view IS 'Refreshes an installed materialized view on behalf of its owner.';
REVOKE ALL ON FUNCTION hub.refresh_view FROM PUBLIC;
