CREATE TABLE obs.account_regions (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    region_name text NOT NULL,
    opt_status text,
    PRIMARY KEY (row_key)
);
CREATE INDEX account_regions_account ON obs.account_regions (account_id, region);
