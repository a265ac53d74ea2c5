CREATE TABLE obs.support_cases (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    case_id text NOT NULL,
    display_id text,
    subject text,
    status text NOT NULL,
    severity_code text,
    service_code text,
    category_code text,
    case_language text,
    submitted_by text,
    cc_email_addresses jsonb,
    case_created_at timestamp with time zone,
    PRIMARY KEY (row_key)
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE INDEX support_cases_account ON obs.support_cases (account_id, region);
