CREATE TABLE obs.security_services (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    service text NOT NULL,
    resource_id text NOT NULL,
    resource_arn text,
    enabled boolean,
    status text,
    administrator_account_id text,
    service_enabled_at timestamp with time zone,
    service_updated_at timestamp with time zone,
    last_error text,
    last_status text,
    records_all_types boolean,
    records_global_types boolean,
    settings jsonb,
    tags jsonb,
    PRIMARY KEY (row_key)
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE INDEX security_services_account ON obs.security_services (account_id, region);
