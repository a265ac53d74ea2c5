-- A run may read only what changed. It is complete and keeps the scope fresh, but only one
-- that read everything says what is gone.

-- +goose Up
ALTER TABLE hub.run ADD COLUMN extent text;
COMMENT ON COLUMN hub.run.extent IS 'As its end says: full, or incremental. Null: it does not say, and the category decides.';

ALTER TABLE hub.scope ADD COLUMN full_run uuid;
UPDATE hub.scope SET full_run = complete_run;
COMMENT ON COLUMN hub.scope.complete_run IS 'The newest complete run: the rows are of its time.';
COMMENT ON COLUMN hub.scope.full_run IS 'The newest complete run that read everything. In a snapshot category older runs have no effect any more.';
COMMENT ON COLUMN hub.run_part.row_keys IS 'Keys that the part named, until a full run at least as new is complete.';

-- +goose Down
ALTER TABLE hub.scope DROP COLUMN full_run;
ALTER TABLE hub.run DROP COLUMN extent;
