-- Rights of the roles that programs and people log in with, where they exist.

DO $$
DECLARE
    schema text;
    view text;
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'obs_reader') THEN
        GRANT USAGE ON SCHEMA public, live, summary, org, history TO obs_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA org, history TO obs_reader;
        FOR schema IN
            SELECT DISTINCT split_part(view_name, '.', 1) FROM hub.installed_view
            WHERE view_name NOT LIKE 'hub.%' AND view_name NOT LIKE 'seen.%'
        LOOP
            EXECUTE format('GRANT USAGE ON SCHEMA %s TO obs_reader', schema);
        END LOOP;
        FOR view IN SELECT view_name FROM hub.installed_view WHERE view_name NOT LIKE 'seen.%' LOOP
            EXECUTE format('GRANT SELECT ON %s TO obs_reader', view);
        END LOOP;
    END IF;
END $$;

-- Who may not see all accounts reads schema seen and nothing else.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'obs_restricted') THEN
        GRANT USAGE ON SCHEMA seen TO obs_restricted;
        GRANT SELECT ON ALL TABLES IN SCHEMA seen TO obs_restricted;
    END IF;
END $$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'obs_editor') THEN
        GRANT USAGE ON SCHEMA org TO obs_editor;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA org TO obs_editor;
    END IF;
END $$;

DO $$
DECLARE
    schema text;
    view text;
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'obs_writer') THEN
        GRANT USAGE ON SCHEMA hub, public, live, summary, org, history TO obs_writer;
        GRANT SELECT ON ALL TABLES IN SCHEMA org TO obs_writer;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA history TO obs_writer;
        FOR schema IN SELECT DISTINCT split_part(view_name, '.', 1) FROM hub.installed_view LOOP
            EXECUTE format('GRANT USAGE ON SCHEMA %s TO obs_writer', schema);
        END LOOP;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA hub TO obs_writer;
        -- A role that can write here decides what refresh_view refreshes, and who sees which account.
        REVOKE INSERT, UPDATE, DELETE ON hub.installed_view, hub.access FROM obs_writer;
        GRANT EXECUTE ON FUNCTION hub.refresh_view TO obs_writer;
        IF to_regnamespace('obs') IS NOT NULL THEN
            GRANT USAGE ON SCHEMA obs TO obs_writer;
            -- Rows become gone; nobody deletes them.
            GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA obs TO obs_writer;
        END IF;
        FOR view IN SELECT view_name FROM hub.installed_view LOOP
            EXECUTE format('GRANT SELECT ON %s TO obs_writer', view);
        END LOOP;
        FOR view IN SELECT view_name FROM hub.installed_view WHERE file_sha256 IS NOT NULL LOOP
            EXECUTE format('GRANT INSERT, DELETE ON %s TO obs_writer', view);
        END LOOP;
    END IF;
END $$;
