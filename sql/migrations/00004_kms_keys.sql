-- +goose Up
CREATE TABLE obs.kms_keys (
    row_key                       uuid        NOT NULL,
    row_hash                      uuid        NOT NULL,
    account_id                    text        NOT NULL,
    region                        text        NOT NULL,
    run_id                        uuid        NOT NULL,
    collected_at                  timestamptz NOT NULL,
    deleted_at                    timestamptz,

    key_arn                       text        NOT NULL,
    key_id                        text        NOT NULL,
    aliases                       jsonb,
    description                   text,
    key_manager                   text,
    key_state                     text,
    enabled                       boolean,
    key_spec                      text,
    key_usage                     text,
    origin                        text,
    custom_key_store_id           text,
    multi_region                  boolean,
    multi_region_key_type         text,
    primary_key_arn               text,
    replica_key_arns              jsonb,
    key_created_at                timestamptz,
    deletion_at                   timestamptz,
    pending_deletion_window_days  bigint,
    expiration_model              text,
    material_expires_at           timestamptz,
    rotation_enabled              boolean,
    rotation_period_days          bigint,
    next_rotation_at              timestamptz,
    on_demand_rotation_started_at timestamptz,
    tags                          jsonb,
    denied_actions                jsonb,

    PRIMARY KEY (row_key)
);

CREATE INDEX kms_keys_account ON obs.kms_keys (account_id, region);

-- +goose Down
DROP TABLE obs.kms_keys;
