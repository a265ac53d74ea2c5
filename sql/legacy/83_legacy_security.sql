CREATE VIEW legacy.security AS
SELECT legacy.id('security/' || account_id || '/' || region || '/' || product_name) AS id,
       legacy.account(account_id, region) AS account_id,
       product_name AS service,
       coalesce(sum(findings) FILTER (WHERE record_state <> 'ARCHIVED'), 0)::bigint AS total_findings,
       coalesce(sum(findings) FILTER (WHERE is_open AND severity = 'CRITICAL'), 0)::bigint AS critical_count,
       coalesce(sum(findings) FILTER (WHERE is_open AND severity = 'HIGH'), 0)::bigint AS high_count,
       coalesce(sum(findings) FILTER (WHERE is_open AND severity = 'MEDIUM'), 0)::bigint AS medium_count,
       coalesce(sum(findings) FILTER (WHERE is_open AND severity = 'LOW'), 0)::bigint AS low_count,
       coalesce(sum(findings) FILTER (WHERE is_open AND severity = 'INFORMATIONAL'), 0)::bigint AS informational_count,
       coalesce(sum(findings) FILTER (WHERE is_open), 0)::bigint AS open_findings,
       coalesce(sum(findings) FILTER (WHERE record_state <> 'ARCHIVED' AND workflow_status = 'RESOLVED'), 0)::bigint AS resolved_findings,
       min(first_observed_at) AS created_at,
       max(last_updated_at) AS updated_at,
       account_id AS account,
       legacy.place(region) AS account_region
FROM public.findings_summary
GROUP BY account_id, region, product_name;

CREATE VIEW legacy.findings AS
SELECT legacy.id('finding/' || finding_account_id || '/' || home_region || '/' || product_arn || '/' || finding_id) AS id,
       legacy.id('security/' || left(finding_account_id, 32) || '/' || left(home_region, 32) || '/' || left(coalesce(product_name, 'UNKNOWN'), 128))
           AS security_id,
       finding_id,
       coalesce(resource_type, 'Other') AS service,
       title, description,
       coalesce(severity_label, 'UNKNOWN') AS severity,
       coalesce(workflow_status, 'OPEN') AS status,
       resource_type, resource_id,
       coalesce(finding_created_at, first_seen_at) AS created_at,
       coalesce(finding_updated_at, collected_at) AS updated_at,
       remediation_text AS recommendation,
       compliance_status,
       home_region AS region,
       coalesce(workflow_status, '') AS workflow_state,
       coalesce(record_state, 'ACTIVE') AS record_state,
       product_name, company_name, product_arn, generator_id,
       product_name AS generator,
       finding_account_id AS account,
       legacy.place(home_region) AS account_region
FROM public.findings_once;

-- An administrator sees the findings of its members. What is about an account counts as it
-- was collected there, and as others have seen it where the account was never collected.
CREATE VIEW legacy.guard_duty_findings AS
SELECT legacy.id('guardduty/' || row_key) AS id,
       legacy.account(finding_account_id, coalesce(finding_region, region)) AS account_id,
       detector_id, finding_type,
       severity::numeric AS severity,
       title, description,
       confidence::numeric AS confidence,
       coalesce(finding_region, region) AS region,
       coalesce(finding_created_at, first_seen_at) AS created_at,
       coalesce(finding_updated_at, collected_at) AS updated_at,
       finding_id, archived,
       count AS occurrences,
       finding_account_id AS account,
       legacy.place(coalesce(finding_region, region)) AS account_region
FROM obs.guardduty_findings f
WHERE deleted_at IS NULL
  AND (finding_account_id = account_id
       OR NOT EXISTS (SELECT FROM hub.scope s
                      WHERE s.category = 'guardduty_findings' AND s.account_id = f.finding_account_id AND s.region = f.region AND s.full_run IS NOT NULL));

CREATE VIEW legacy.inspector_findings AS
SELECT legacy.id('inspector/' || row_key) AS id,
       legacy.account(finding_account_id, coalesce(resource_region, region)) AS account_id,
       finding_arn, severity, status,
       finding_type AS type,
       title, description, first_observed_at,
       first_seen_at AS created_at,
       last_observed_at,
       coalesce(finding_updated_at, collected_at) AS updated_at,
       vulnerability_id,
       finding_account_id AS account,
       legacy.place(coalesce(resource_region, region)) AS account_region
FROM obs.inspector_findings f
WHERE deleted_at IS NULL
  AND (finding_account_id = account_id
       OR NOT EXISTS (SELECT FROM hub.scope s
                      WHERE s.category = 'inspector_findings' AND s.account_id = f.finding_account_id AND s.region = f.region AND s.full_run IS NOT NULL));

CREATE VIEW legacy.kms_keys AS
SELECT legacy.id('kms/' || row_key) AS id,
       legacy.account(account_id, region) AS account_id,
       key_id,
       key_arn AS arn,
       description, key_usage, key_state,
       key_created_at AS creation_date,
       enabled,
       rotation_enabled AS key_rotation_enabled,
       first_seen_at AS created_at,
       account_id AS account,
       legacy.place(region) AS account_region
FROM obs.kms_keys
WHERE deleted_at IS NULL;

-- Countries of rules that block, however deep in the statement. A code has two letters; a
-- sender must not make a list of any length of something else.
CREATE VIEW legacy.waf_rules AS
SELECT legacy.id('waf/' || w.row_key) AS id,
       legacy.account(w.account_id, w.region) AS account_id,
       w.name,
       w.web_acl_id AS waf_id,
       w.web_acl_arn AS arn,
       w.scope, w.description,
       w.default_action_detail AS default_action,
       w.rule_count AS rules_count,
       w.logging_enabled,
       g.countries IS NOT NULL AS geo_blocking_enabled,
       g.countries AS blocked_countries,
       w.first_seen_at AS created_at,
       w.account_id AS account,
       legacy.place(w.region) AS account_region
FROM obs.waf_web_acls w
LEFT JOIN LATERAL (
    SELECT string_agg(DISTINCT c #>> '{}', ',') AS countries
    FROM obs.waf_rules r, jsonb_path_query(r.statement, 'lax $.**.GeoMatchStatement.CountryCodes[*]') AS c
    WHERE r.account_id = w.account_id AND r.region = w.region AND r.web_acl_arn = w.web_acl_arn AND r.deleted_at IS NULL AND r.action = 'BLOCK'
      AND c #>> '{}' ~ '^[A-Z]{2}$'
) g ON true
WHERE w.deleted_at IS NULL;

CREATE VIEW legacy.waf_rules_detailed AS
SELECT legacy.id('waf_rule/' || r.row_key) AS id,
       legacy.account(r.account_id, r.region) AS account_id,
       r.web_acl_name, r.rule_name, r.priority,
       '{"' || initcap(coalesce(r.action, r.override_action, 'NONE')) || '": {}}' AS action,
       coalesce(r.statement_type, 'Unknown') AS statement_type,
       r.statement_type IS NOT DISTINCT FROM 'ManagedRuleGroupStatement' AS is_managed_rule,
       r.statement_type IS DISTINCT FROM 'ManagedRuleGroupStatement' AS is_custom_rule,
       r.statement_type IS NOT DISTINCT FROM 'RateBasedStatement' AS rate_limit,
       w.logging_enabled,
       coalesce(r.statement @? 'lax $.**.GeoMatchStatement', false) AS geo_blocking,
       coalesce(r.statement @? 'lax $.**.SqliMatchStatement', false) OR coalesce(r.managed_name ILIKE '%sqli%', false) AS sql_injection,
       r.sampled_requests_enabled AS sample_request_enabled,
       r.cloudwatch_metrics_enabled AS cloudwatch_enabled,
       coalesce(r.statement @? 'lax $.**.XssMatchStatement', false)
           OR coalesce(r.managed_name ILIKE '%xss%' OR r.managed_name = 'AWSManagedRulesCommonRuleSet', false) AS has_xss_protection,
       'v2'::text AS waf_version,
       CASE r.statement_type
           WHEN 'ManagedRuleGroupStatement' THEN coalesce(r.managed_vendor IN ('AWS', 'Amazon'), false)
           ELSE coalesce(r.statement_type IN ('RateBasedStatement', 'SqliMatchStatement', 'XssMatchStatement', 'GeoMatchStatement',
                                              'IPSetReferenceStatement', 'RuleGroupReferenceStatement'), false) END AS is_compliant,
       r.scope,
       r.first_seen_at AS created_at,
       r.collected_at AS updated_at,
       r.web_acl_arn,
       r.account_id AS account,
       legacy.place(r.region) AS account_region
FROM obs.waf_rules r
LEFT JOIN obs.waf_web_acls w ON w.account_id = r.account_id AND w.region = r.region AND w.web_acl_arn = r.web_acl_arn AND w.deleted_at IS NULL
WHERE r.deleted_at IS NULL;

CREATE VIEW legacy.cloudtrail_logs AS
SELECT legacy.id('trail/' || row_key) AS id,
       legacy.account(account_id, region) AS account_id,
       name,
       trail_arn AS arn,
       is_logging, is_multi_region, s3_bucket, kms_key_id, log_file_validation,
       latest_delivery_at AS latest_delivery_time,
       first_seen_at AS created_at,
       account_id AS account,
       legacy.place(region) AS account_region
FROM obs.cloudtrail_trails
WHERE deleted_at IS NULL;

CREATE VIEW legacy.secrets_manager_secrets AS
SELECT legacy.id('secret/' || row_key) AS id,
       legacy.account(account_id, region) AS account_id,
       name,
       secret_arn AS arn,
       description,
       secret_created_at AS created_date,
       last_changed_at AS last_changed_date,
       coalesce(rotation_enabled, false) AS rotation_enabled,
       first_seen_at AS created_at,
       last_accessed_at AS last_accessed_date,
       rotation_lambda_arn, kms_key_id,
       account_id AS account,
       legacy.place(region) AS account_region
FROM obs.secrets
WHERE deleted_at IS NULL;

CREATE VIEW legacy.certificates AS
SELECT legacy.id('certificate/' || row_key) AS id,
       legacy.account(account_id, region) AS account_id,
       certificate_arn AS arn,
       domain_name, status,
       certificate_type AS type,
       not_after,
       first_seen_at AS created_at,
       account_id AS account,
       legacy.place(region) AS account_region
FROM obs.certificates
WHERE deleted_at IS NULL;
