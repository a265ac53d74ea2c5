-- +goose Up
CREATE TABLE obs.ec2_instances (
    row_key                 uuid        NOT NULL,
    row_hash                uuid        NOT NULL,
    account_id              text        NOT NULL,
    region                  text        NOT NULL,
    run_id                  uuid        NOT NULL,
    collected_at            timestamptz NOT NULL,
    deleted_at              timestamptz,

    instance_id             text        NOT NULL,
    name                    text,
    state                   text,
    state_transition_reason text,
    instance_type           text,
    lifecycle               text,
    image_id                text,
    architecture            text,
    platform_details        text,
    availability_zone       text,
    tenancy                 text,
    launched_at             timestamptz,
    vpc_id                  text,
    subnet_id               text,
    private_ip_address      text,
    public_ip_address       text,
    ipv6_address            text,
    private_dns_name        text,
    public_dns_name         text,
    security_groups         jsonb,
    instance_profile_arn    text,
    key_name                text,
    metadata_http_tokens    text,
    metadata_http_endpoint  text,
    monitoring_state        text,
    ebs_optimized           boolean,
    root_device_type        text,
    volumes                 jsonb,
    reservation_id          text,
    requester_id            text,
    tags                    jsonb,

    PRIMARY KEY (row_key)
);

CREATE INDEX ec2_instances_account ON obs.ec2_instances (account_id, region);

-- Instances that cost money now, by account.
CREATE INDEX ec2_instances_running ON obs.ec2_instances (account_id, launched_at)
    WHERE deleted_at IS NULL AND state = 'running';

-- +goose Down
DROP TABLE obs.ec2_instances;
