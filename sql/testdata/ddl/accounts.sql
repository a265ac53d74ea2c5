CREATE TABLE obs.accounts (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    reported_account_id text NOT NULL,
    account_name text,
    account_alias text,
    account_state text,
    account_created_at timestamp with time zone,
    partition text NOT NULL,
    organization_id text,
    organization_feature_set text,
    management_account_id text,
    labels jsonb,
    spoke_version text,
    denied_actions jsonb,
    PRIMARY KEY (row_key)
);
CREATE INDEX accounts_account ON obs.accounts (account_id, region);
