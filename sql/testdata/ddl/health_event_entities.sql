CREATE TABLE obs.health_event_entities (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    event_arn text NOT NULL,
    entity_value text NOT NULL,
    entity_arn text,
    entity_account_id text,
    entity_url text,
    status text,
    entity_updated_at timestamp with time zone,
    entity_metadata jsonb,
    tags jsonb,
    PRIMARY KEY (row_key)
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE INDEX health_event_entities_account ON obs.health_event_entities (account_id, region);
