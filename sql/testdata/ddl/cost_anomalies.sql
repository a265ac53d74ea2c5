CREATE TABLE obs.cost_anomalies (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    anomaly_id text NOT NULL,
    monitor_arn text,
    anomaly_start date,
    anomaly_end date,
    dimension_value text,
    linked_account_id text,
    service text,
    usage_region text,
    usage_type text,
    root_causes jsonb,
    max_impact numeric(38,10) CHECK (max_impact <> 'NaN'),
    total_impact numeric(38,10) CHECK (total_impact <> 'NaN'),
    total_impact_percentage double precision CHECK (total_impact_percentage NOT IN ('NaN', 'Infinity', '-Infinity')),
    total_actual_spend numeric(38,10) CHECK (total_actual_spend <> 'NaN'),
    total_expected_spend numeric(38,10) CHECK (total_expected_spend <> 'NaN'),
    score_current double precision CHECK (score_current NOT IN ('NaN', 'Infinity', '-Infinity')),
    score_max double precision CHECK (score_max NOT IN ('NaN', 'Infinity', '-Infinity')),
    feedback text,
    PRIMARY KEY (row_key)
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE INDEX cost_anomalies_account ON obs.cost_anomalies (account_id, region);
