CREATE TABLE obs.health_events (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    event_arn text NOT NULL,
    service text,
    event_type_code text,
    event_type_category text,
    event_scope text,
    event_region text,
    availability_zone text,
    status text,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    event_updated_at timestamp with time zone,
    description text,
    actionability text,
    personas jsonb,
    metadata jsonb,
    PRIMARY KEY (row_key)
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE INDEX health_events_account ON obs.health_events (account_id, region);
