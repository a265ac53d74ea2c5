CREATE TABLE obs.commitment_coverage (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    usage_date date NOT NULL,
    commitment_kind text NOT NULL,
    service text NOT NULL,
    coverage_percentage numeric(38,10) CHECK (coverage_percentage <> 'NaN'),
    covered_hours numeric(38,10) CHECK (covered_hours <> 'NaN'),
    on_demand_hours numeric(38,10) CHECK (on_demand_hours <> 'NaN'),
    total_hours numeric(38,10) CHECK (total_hours <> 'NaN'),
    covered_cost numeric(38,10) CHECK (covered_cost <> 'NaN'),
    on_demand_cost numeric(38,10) CHECK (on_demand_cost <> 'NaN'),
    total_cost numeric(38,10) CHECK (total_cost <> 'NaN'),
    PRIMARY KEY (row_key)
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE INDEX commitment_coverage_account ON obs.commitment_coverage (account_id, region);
