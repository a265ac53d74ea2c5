-- What a run cost: its requests to AWS, and its time.

-- +goose Up
ALTER TABLE hub.run ADD COLUMN requests bigint, ADD COLUMN took_ms bigint;
COMMENT ON COLUMN hub.run.requests IS 'Requests to AWS, as the end says. Null: none, or it does not say. Where several runs were collected together, one of them tells the requests of all.';
COMMENT ON COLUMN hub.run.took_ms IS 'Milliseconds that collecting took, as the end says. Null: it does not say.';

-- +goose Down
ALTER TABLE hub.run DROP COLUMN requests, DROP COLUMN took_ms;
