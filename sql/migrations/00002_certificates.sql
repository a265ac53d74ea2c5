-- +goose Up
CREATE TABLE obs.certificates (
    row_key                   uuid        NOT NULL,
    row_hash                  uuid        NOT NULL,
    account_id                text        NOT NULL,
    region                    text        NOT NULL,
    run_id                    uuid        NOT NULL,
    collected_at              timestamptz NOT NULL,
    deleted_at                timestamptz,

    certificate_arn           text        NOT NULL,
    domain_name               text,
    status                    text,
    certificate_type          text,
    key_algorithm             text,
    key_pair_origin           text,
    managed_by                text,
    in_use                    boolean,
    subject_alternative_names jsonb,
    has_additional_names      boolean,
    key_usages                jsonb,
    extended_key_usages       jsonb,
    renewal_eligibility       text,
    export_option             text,
    exported                  boolean,
    requested_at              timestamptz,
    issued_at                 timestamptz,
    imported_at               timestamptz,
    not_before                timestamptz,
    not_after                 timestamptz,
    revoked_at                timestamptz,

    PRIMARY KEY (row_key)
);

CREATE INDEX certificates_account ON obs.certificates (account_id, region);

-- +goose Down
DROP TABLE obs.certificates;
