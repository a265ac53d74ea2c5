CREATE TABLE obs.iam_access_keys (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    access_key_id text NOT NULL,
    user_name text,
    status text,
    key_created_at timestamp with time zone,
    last_used_at timestamp with time zone,
    last_used_service text,
    last_used_region text,
    PRIMARY KEY (row_key)
);
CREATE INDEX iam_access_keys_account ON obs.iam_access_keys (account_id, region);
