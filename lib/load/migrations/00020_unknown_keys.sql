-- Keys of rows that have no column are seen in `hub status`.

-- +goose Up
CREATE TABLE hub.unknown_key (
    category text        NOT NULL,
    key      text        NOT NULL,
    count    bigint      NOT NULL,
    seen_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (category, key)
);
COMMENT ON TABLE hub.unknown_key IS 'Keys of rows that arrived and have no column: spokes are newer than the hub, or a sender mistypes them.';
COMMENT ON COLUMN hub.unknown_key.key IS 'As the sender wrote it, cut. Empty: all others, once a category has 50.';
COMMENT ON COLUMN hub.unknown_key.count IS 'Values that were left out.';

-- +goose Down
DROP TABLE hub.unknown_key;
