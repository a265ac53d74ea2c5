-- A mark says which account and region changed, so that a summary is computed for these
-- alone.

-- +goose Up
ALTER TABLE hub.dirty ADD COLUMN account_id text, ADD COLUMN region text,
    ADD CONSTRAINT dirty_scope CHECK ((account_id IS NULL) = (region IS NULL));
COMMENT ON TABLE hub.dirty IS 'What changed since the views on it were refreshed. Writers only insert, so they never wait for each other.';
COMMENT ON COLUMN hub.dirty.table_name IS 'Table in schema obs, or in another one with the name of that: hub.scope.';
COMMENT ON COLUMN hub.dirty.account_id IS 'Account of the rows that changed. Null: any rows of the table.';
COMMENT ON COLUMN hub.dirty.region IS 'Region of these rows.';

ALTER TABLE hub.view_refresh ADD COLUMN changed_rows bigint;
COMMENT ON TABLE hub.view_refresh IS 'The last refresh of each materialized view and summary, and the last error since then.';
COMMENT ON COLUMN hub.view_refresh.changed_rows IS 'Rows of a summary that its refreshes deleted and inserted. Null: a materialized view.';

ALTER TABLE hub.installed_view ADD COLUMN file_sha256 text;
COMMENT ON TABLE hub.installed_view IS 'The views, materialized views and summaries of the installed package. They are dropped and made again when the package changes.';
COMMENT ON COLUMN hub.installed_view.file_sha256 IS 'Hash of the file that makes a summary: it is kept when the package changes, if its file does not. Null: no summary.';

-- +goose Down
ALTER TABLE hub.installed_view DROP COLUMN file_sha256;
ALTER TABLE hub.view_refresh DROP COLUMN changed_rows;
ALTER TABLE hub.dirty DROP COLUMN account_id, DROP COLUMN region;
