-- Runs of scopes that never complete are pruned, too.

-- +goose Up
ALTER TABLE hub.scope ADD COLUMN pruned_run uuid;
COMMENT ON COLUMN hub.scope.pruned_run IS 'The newest run that was pruned. Which keys it and older runs named is not known any more.';

-- +goose Down
ALTER TABLE hub.scope DROP COLUMN pruned_run;
