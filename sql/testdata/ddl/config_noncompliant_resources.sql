CREATE TABLE obs.config_noncompliant_resources (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    rule_name text NOT NULL,
    resource_type text NOT NULL,
    resource_id text NOT NULL,
    evaluation_mode text NOT NULL,
    compliance_type text NOT NULL,
    annotation text,
    result_recorded_at timestamp with time zone,
    rule_invoked_at timestamp with time zone,
    ordered_at timestamp with time zone,
    PRIMARY KEY (row_key)
);
CREATE INDEX config_noncompliant_resources_account ON obs.config_noncompliant_resources (account_id, region);
