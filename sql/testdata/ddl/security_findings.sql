CREATE TABLE obs.security_findings (
    row_key uuid NOT NULL,
    row_hash uuid NOT NULL,
    account_id text NOT NULL,
    region text NOT NULL,
    run_id uuid NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at timestamp with time zone,
    finding_id text NOT NULL,
    product_arn text NOT NULL,
    product_name text,
    company_name text,
    generator_id text NOT NULL,
    finding_account_id text NOT NULL,
    finding_region text,
    title text NOT NULL,
    description text,
    finding_types jsonb,
    severity_label text,
    severity_normalized bigint,
    severity_original text,
    workflow_status text,
    record_state text,
    compliance_status text,
    security_control_id text,
    associated_standards jsonb,
    resource_type text,
    resource_id text,
    resource_count bigint NOT NULL,
    resources jsonb,
    vulnerabilities jsonb,
    product_fields jsonb,
    remediation_text text,
    remediation_url text,
    first_observed_at timestamp with time zone,
    last_observed_at timestamp with time zone,
    finding_created_at timestamp with time zone,
    finding_updated_at timestamp with time zone,
    sample boolean,
    compliance_reasons jsonb,
    finding_account_name text,
    PRIMARY KEY (row_key)
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE INDEX security_findings_account ON obs.security_findings (account_id, region);
CREATE INDEX security_findings_open ON obs.security_findings (account_id, finding_updated_at)
    WHERE deleted_at IS NULL AND record_state = 'ACTIVE' AND workflow_status IN ('NEW', 'NOTIFIED')
      AND severity_label IN ('CRITICAL', 'HIGH');
CREATE INDEX security_findings_newest ON obs.security_findings (finding_updated_at DESC NULLS LAST)
    WHERE deleted_at IS NULL AND sample IS NOT TRUE AND record_state IS DISTINCT FROM 'ARCHIVED'
      AND workflow_status IS DISTINCT FROM 'RESOLVED' AND workflow_status IS DISTINCT FROM 'SUPPRESSED'
      AND compliance_status IS DISTINCT FROM 'PASSED';
CREATE INDEX security_findings_of_account ON obs.security_findings (left(finding_account_id, 32), finding_updated_at DESC NULLS LAST)
    WHERE deleted_at IS NULL AND sample IS NOT TRUE AND record_state IS DISTINCT FROM 'ARCHIVED'
      AND workflow_status IS DISTINCT FROM 'RESOLVED' AND workflow_status IS DISTINCT FROM 'SUPPRESSED'
      AND compliance_status IS DISTINCT FROM 'PASSED';
CREATE INDEX security_findings_of_control ON obs.security_findings (left(security_control_id, 128), finding_updated_at DESC NULLS LAST)
    WHERE deleted_at IS NULL AND sample IS NOT TRUE AND record_state IS DISTINCT FROM 'ARCHIVED'
      AND workflow_status IS DISTINCT FROM 'RESOLVED' AND workflow_status IS DISTINCT FROM 'SUPPRESSED'
      AND compliance_status IS DISTINCT FROM 'PASSED';
