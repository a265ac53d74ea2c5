CREATE TABLE obs.trusted_advisor_resources (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    check_id text NOT NULL,
    flagged_resource_id text NOT NULL,
    check_name text,
    category text,
    status text,
    resource_region text,
    is_suppressed boolean,
    metadata jsonb,
    PRIMARY KEY (row_key)
);
CREATE INDEX trusted_advisor_resources_account ON obs.trusted_advisor_resources (account_id, region);
