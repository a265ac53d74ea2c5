CREATE TABLE obs.cost_forecasts (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    forecast_date date NOT NULL,
    metric text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    granularity text NOT NULL,
    mean_cost numeric(38,10) NOT NULL CHECK (mean_cost <> 'NaN'),
    lower_bound numeric(38,10) CHECK (lower_bound <> 'NaN'),
    upper_bound numeric(38,10) CHECK (upper_bound <> 'NaN'),
    prediction_interval_percent bigint,
    currency text,
    PRIMARY KEY (row_key)
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE INDEX cost_forecasts_account ON obs.cost_forecasts (account_id, region);
