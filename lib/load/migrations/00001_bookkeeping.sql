-- The loader's own tables. Category tables (schema obs) and views (schema public)
-- belong to the application.

-- +goose Up
CREATE SCHEMA IF NOT EXISTS hub;

CREATE TABLE hub.shard_progress (
    stream            text        NOT NULL,
    stream_created_at timestamptz NOT NULL,
    shard             text        NOT NULL,
    sequence_number   numeric     NOT NULL DEFAULT -1,
    ended             boolean     NOT NULL DEFAULT false,
    arrived_at        timestamptz,
    updated_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, stream_created_at, shard)
);
COMMENT ON TABLE hub.shard_progress IS 'How far each shard has been applied; moved in the transaction that applies the records.';
COMMENT ON COLUMN hub.shard_progress.stream_created_at IS 'A stream that is deleted and made again numbers its records anew.';
COMMENT ON COLUMN hub.shard_progress.sequence_number IS 'Sequence number of the last applied record; -1 before the first.';
COMMENT ON COLUMN hub.shard_progress.arrived_at IS 'When the stream stored that record, by the stream''s clock.';

CREATE TABLE hub.gap (
    id                bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream            text        NOT NULL,
    stream_created_at timestamptz NOT NULL,
    shard             text        NOT NULL,
    after_sequence    text        NOT NULL,
    until_sequence    text        NOT NULL,
    reason            text        NOT NULL,
    detected_at       timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE hub.gap IS 'Stretches of shards that the stream trimmed before they were read. Replay the archive of those days.';

CREATE TABLE hub.scope (
    scope        uuid   PRIMARY KEY,
    category     text   NOT NULL,
    account_id   text   NOT NULL,
    region       text   NOT NULL,
    slice        text   NOT NULL,
    complete_run uuid,
    live_rows    bigint NOT NULL DEFAULT 0,
    live_xor     bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE hub.scope IS 'One row per (category, account, region, slice). Its row lock serialises the writers of the scope.';
COMMENT ON COLUMN hub.scope.complete_run IS 'The newest complete run.';
COMMENT ON COLUMN hub.scope.live_rows IS 'Rows of the scope that are not gone.';
COMMENT ON COLUMN hub.scope.live_xor IS 'Exclusive or of the last eight bytes of their keys: with live_rows, a fingerprint of the set.';
CREATE INDEX scope_category_account ON hub.scope (category, account_id);

CREATE TABLE hub.run (
    scope        uuid        NOT NULL REFERENCES hub.scope,
    run          uuid        NOT NULL,
    collected_at timestamptz NOT NULL,
    outcome      text,
    error        text        NOT NULL DEFAULT '',
    end_parts    integer,
    end_rows     bigint,
    parts        integer     NOT NULL DEFAULT 0,
    last_part    integer     NOT NULL DEFAULT -1,
    rows         bigint      NOT NULL DEFAULT 0,
    rejects      bigint      NOT NULL DEFAULT 0,
    keys         bigint      NOT NULL DEFAULT 0,
    keys_xor     bigint      NOT NULL DEFAULT 0,
    new_rows     bigint      NOT NULL DEFAULT 0,
    changed_rows bigint      NOT NULL DEFAULT 0,
    gone_rows    bigint      NOT NULL DEFAULT 0,
    completed_at timestamptz,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, run)
);
COMMENT ON TABLE hub.run IS 'What has arrived of each run, and what its end says.';
COMMENT ON COLUMN hub.run.outcome IS 'From the end record; null until it arrived.';
COMMENT ON COLUMN hub.run.last_part IS 'The highest number of a part that arrived.';
COMMENT ON COLUMN hub.run.rows IS 'Rows that arrived, rejected ones included. More than end_rows is doubled, fewer is lost.';
COMMENT ON COLUMN hub.run.keys IS 'Rows that took part, and keys_xor their fingerprint as in hub.scope.';
COMMENT ON COLUMN hub.run.completed_at IS 'When every part and the end had been applied and nothing was rejected.';

CREATE TABLE hub.run_part (
    scope       uuid    NOT NULL,
    run         uuid    NOT NULL,
    part        integer NOT NULL,
    body_sha256 bytea   NOT NULL,
    rows        integer NOT NULL,
    row_keys    uuid[],
    PRIMARY KEY (scope, run, part)
);
COMMENT ON TABLE hub.run_part IS 'The parts that took effect. A part takes effect only in the transaction that inserts it here.';
COMMENT ON COLUMN hub.run_part.row_keys IS 'Keys that the part named, until a run at least as new is complete.';
-- Row keys are hashes: compressing them costs time and saves nothing.
ALTER TABLE hub.run_part ALTER COLUMN row_keys SET STORAGE EXTERNAL;

CREATE TABLE hub.reject (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state      text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'parked')),
    at         timestamptz NOT NULL DEFAULT now(),
    reason     text        NOT NULL,
    detail     text        NOT NULL,
    category   text        NOT NULL DEFAULT '',
    account_id text        NOT NULL DEFAULT '',
    region     text        NOT NULL DEFAULT '',
    slice      text        NOT NULL DEFAULT '',
    run        uuid,
    part       integer,
    row_number integer,
    origin     text        NOT NULL DEFAULT '',
    arrived_at timestamptz,
    size       bigint      NOT NULL,
    sha256     bytea       NOT NULL,
    bytes      bytea
);
COMMENT ON TABLE hub.reject IS 'Rows, parts and records that could not be applied, with their reason and bytes.';
COMMENT ON COLUMN hub.reject.state IS 'open: refused. parked: good, but its category''s table did not fit; applied once it does.';
COMMENT ON COLUMN hub.reject.origin IS 'Where it was read: shard and sequence number, or archive key.';
COMMENT ON COLUMN hub.reject.bytes IS 'Null where the account had too many rejects to keep their bytes.';
CREATE INDEX reject_parked ON hub.reject (category, id) WHERE state = 'parked';
CREATE INDEX reject_account ON hub.reject (account_id, id);

CREATE TABLE hub.dirty (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text        NOT NULL,
    marked_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE hub.dirty IS 'Tables that changed since the views on them were refreshed. Writers only insert, so they never wait for each other.';

CREATE TABLE hub.view_refresh (
    view_name    text        PRIMARY KEY,
    refreshed_at timestamptz,
    duration_ms  bigint,
    refreshes    bigint      NOT NULL DEFAULT 0,
    error        text,
    error_at     timestamptz
);
COMMENT ON TABLE hub.view_refresh IS 'The last refresh of each materialized view, and the last error since then.';

-- +goose Down
DROP SCHEMA hub CASCADE;
