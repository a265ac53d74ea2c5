-- +goose Up
CREATE TABLE obs.security_findings (
    row_key              uuid        NOT NULL,
    row_hash             uuid        NOT NULL,
    account_id           text        NOT NULL,
    region               text        NOT NULL,
    run_id               uuid        NOT NULL,
    collected_at         timestamptz NOT NULL,
    deleted_at           timestamptz,

    finding_id           text        NOT NULL,
    product_arn          text        NOT NULL,
    product_name         text,
    company_name         text,
    generator_id         text        NOT NULL,
    finding_account_id   text        NOT NULL,
    finding_region       text,
    title                text        NOT NULL,
    description          text,
    finding_types        jsonb,
    severity_label       text,
    severity_normalized  bigint,
    severity_original    text,
    workflow_status      text,
    record_state         text,
    compliance_status    text,
    security_control_id  text,
    associated_standards jsonb,
    resource_type        text,
    resource_id          text,
    resource_count       bigint      NOT NULL,
    resources            jsonb,
    vulnerabilities      jsonb,
    product_fields       jsonb,
    remediation_text     text,
    remediation_url      text,
    first_observed_at    timestamptz,
    last_observed_at     timestamptz,
    finding_created_at   timestamptz,
    finding_updated_at   timestamptz,

    PRIMARY KEY (row_key)
) WITH (
    -- Every run moves the findings that it saw to itself: room for that on the same page.
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);

CREATE INDEX security_findings_account ON obs.security_findings (account_id, region);

-- What somebody has to work on, newest first.
CREATE INDEX security_findings_open ON obs.security_findings (account_id, finding_updated_at)
    WHERE deleted_at IS NULL AND record_state = 'ACTIVE' AND workflow_status IN ('NEW', 'NOTIFIED')
      AND severity_label IN ('CRITICAL', 'HIGH');

-- +goose Down
DROP TABLE obs.security_findings;
