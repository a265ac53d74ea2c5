CREATE TABLE obs.marketplace_costs (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    usage_date date NOT NULL,
    product_name text NOT NULL,
    usage_type text NOT NULL,
    unblended_cost numeric(38,10) NOT NULL CHECK (unblended_cost <> 'NaN'),
    amortized_cost numeric(38,10) CHECK (amortized_cost <> 'NaN'),
    currency text,
    usage_quantity numeric(38,10) CHECK (usage_quantity <> 'NaN'),
    usage_unit text,
    estimated boolean NOT NULL,
    PRIMARY KEY (row_key)
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE INDEX marketplace_costs_account ON obs.marketplace_costs (account_id, region);
CREATE INDEX marketplace_costs_day ON obs.marketplace_costs (usage_date, account_id);
