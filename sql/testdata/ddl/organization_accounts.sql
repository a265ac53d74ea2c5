CREATE TABLE obs.organization_accounts (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    member_account_id text NOT NULL,
    account_arn text,
    account_name text,
    email text,
    state text,
    joined_method text,
    joined_at timestamp with time zone,
    organization_id text,
    ou_id text,
    ou_path text,
    is_management_account boolean NOT NULL,
    tags jsonb,
    PRIMARY KEY (row_key)
);
CREATE INDEX organization_accounts_account ON obs.organization_accounts (account_id, region);
