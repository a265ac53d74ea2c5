-- +goose Up
CREATE TABLE obs.secrets (
    row_key                uuid        NOT NULL,
    row_hash               uuid        NOT NULL,
    account_id             text        NOT NULL,
    region                 text        NOT NULL,
    run_id                 uuid        NOT NULL,
    collected_at           timestamptz NOT NULL,
    deleted_at             timestamptz,

    secret_arn             text        NOT NULL,
    name                   text        NOT NULL,
    description            text,
    kms_key_id             text,
    owning_service         text,
    external_type          text,
    primary_region         text,
    rotation_enabled       boolean,
    rotation_lambda_arn    text,
    rotation_interval_days bigint,
    rotation_schedule      text,
    rotation_window        text,
    last_rotated_at        timestamptz,
    next_rotation_at       timestamptz,
    last_changed_at        timestamptz,
    last_accessed_at       timestamptz,
    secret_created_at      timestamptz,
    deletion_requested_at  timestamptz,
    version_stages         jsonb,
    tags                   jsonb,

    PRIMARY KEY (row_key)
);

CREATE INDEX secrets_account ON obs.secrets (account_id, region);

-- +goose Down
DROP TABLE obs.secrets;
