-- A run may find its scope as an earlier one did. It says how fresh the scope is, and
-- nothing of its rows: such runs are not in hub.run.

-- +goose Up
ALTER TABLE hub.scope
    ADD COLUMN unchanged_run      uuid,
    ADD COLUMN unchanged_base     uuid,
    ADD COLUMN unchanged_at       timestamptz,
    ADD COLUMN unchanged_runs     bigint NOT NULL DEFAULT 0,
    ADD COLUMN unchanged_requests bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN hub.scope.unchanged_run IS 'The newest run that found the scope as unchanged_base did, of those that name the newest base.';
COMMENT ON COLUMN hub.scope.unchanged_base IS 'The run that it names. It counts only while that is the newest complete run, and nothing else came between the two.';
COMMENT ON COLUMN hub.scope.unchanged_at IS 'Start of unchanged_run.';
COMMENT ON COLUMN hub.scope.unchanged_runs IS 'How many runs found the scope as unchanged_base did.';
COMMENT ON COLUMN hub.scope.unchanged_requests IS 'Requests to AWS that they took.';

-- +goose Down
ALTER TABLE hub.scope
    DROP COLUMN unchanged_run, DROP COLUMN unchanged_base, DROP COLUMN unchanged_at,
    DROP COLUMN unchanged_runs, DROP COLUMN unchanged_requests;
