CREATE TABLE obs.ssm_patches (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    instance_id text NOT NULL,
    kb_id text NOT NULL,
    title text NOT NULL,
    classification text,
    severity text,
    state text NOT NULL,
    installed_at timestamp with time zone,
    cve_ids text,
    PRIMARY KEY (row_key)
);
CREATE INDEX ssm_patches_account ON obs.ssm_patches (account_id, region);
CREATE INDEX ssm_patches_missing ON obs.ssm_patches (account_id, instance_id)
    WHERE deleted_at IS NULL AND lower(state) IN ('missing', 'failed');
