CREATE TABLE obs.linked_account_costs (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    usage_date date NOT NULL,
    linked_account_id text NOT NULL,
    service text NOT NULL,
    unblended_cost numeric(38,10) NOT NULL CHECK (unblended_cost <> 'NaN'),
    net_unblended_cost numeric(38,10) CHECK (net_unblended_cost <> 'NaN'),
    amortized_cost numeric(38,10) CHECK (amortized_cost <> 'NaN'),
    net_amortized_cost numeric(38,10) CHECK (net_amortized_cost <> 'NaN'),
    currency text,
    estimated boolean NOT NULL,
    PRIMARY KEY (row_key)
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE INDEX linked_account_costs_account ON obs.linked_account_costs (account_id, region);
CREATE INDEX linked_account_costs_day ON obs.linked_account_costs (usage_date, linked_account_id);
