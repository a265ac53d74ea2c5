CREATE TABLE obs.application_services (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    service_key text NOT NULL,
    service_name text,
    service_type text,
    environment text,
    resource_type text,
    identifier text,
    key_attributes jsonb,
    attribute_maps jsonb,
    metric_references jsonb,
    service_groups jsonb,
    PRIMARY KEY (row_key)
);
CREATE INDEX application_services_account ON obs.application_services (account_id, region);
