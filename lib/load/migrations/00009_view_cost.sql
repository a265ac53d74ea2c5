-- What a refresh of each view costs, failed or not.

-- +goose Up
ALTER TABLE hub.view_refresh ADD COLUMN last_ms bigint;
UPDATE hub.view_refresh SET last_ms = duration_ms;
COMMENT ON COLUMN hub.view_refresh.last_ms IS 'Duration of the last refresh, also of one that failed, in milliseconds: the cheapest view is refreshed first.';

-- +goose Down
ALTER TABLE hub.view_refresh DROP COLUMN last_ms;
