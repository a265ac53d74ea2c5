-- Which days of the archive a gap is to be filled from.

-- +goose Up
ALTER TABLE hub.gap ADD COLUMN after_arrived_at timestamptz;
COMMENT ON COLUMN hub.gap.after_arrived_at IS 'When the stream stored the last record before the gap; null if none was applied.';

-- +goose Down
ALTER TABLE hub.gap DROP COLUMN after_arrived_at;
