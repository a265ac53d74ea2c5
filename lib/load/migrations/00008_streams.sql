-- How long the streams keep records, which is how long runs must be remembered; and
-- an index by which the scopes of an account are counted.

-- +goose Up
CREATE TABLE hub.stream (
    stream            text        NOT NULL,
    stream_created_at timestamptz NOT NULL,
    retention         interval    NOT NULL,
    seen_at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, stream_created_at)
);
COMMENT ON TABLE hub.stream IS 'Streams that were consumed. Runs are remembered at least as long as one of them keeps records.';
COMMENT ON COLUMN hub.stream.retention IS 'How long the stream keeps records.';
COMMENT ON COLUMN hub.stream.seen_at IS 'When a consumer of it last said so. After its retention, nothing that was in the stream then is left in it.';
CREATE INDEX scope_account ON hub.scope (account_id);

-- +goose Down
DROP INDEX hub.scope_account;
DROP TABLE hub.stream;
