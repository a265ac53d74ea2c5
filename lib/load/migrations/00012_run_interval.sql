-- How often a spoke collects is said by its runs, and need not be guessed.

-- +goose Up
ALTER TABLE hub.run ADD COLUMN every integer;
COMMENT ON COLUMN hub.run.every IS 'Seconds from one run of the scope to the next, as its end says. Null: it does not say.';

-- +goose Down
ALTER TABLE hub.run DROP COLUMN every;
