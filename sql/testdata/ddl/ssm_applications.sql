CREATE TABLE obs.ssm_applications (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    instance_id text NOT NULL,
    application_key text NOT NULL,
    name text NOT NULL,
    version text,
    release text,
    architecture text,
    publisher text,
    application_type text,
    package_id text,
    url text,
    installed_at timestamp with time zone,
    PRIMARY KEY (row_key)
);
CREATE INDEX ssm_applications_account ON obs.ssm_applications (account_id, region);
CREATE INDEX ssm_applications_name ON obs.ssm_applications (name, version)
    WHERE deleted_at IS NULL;
