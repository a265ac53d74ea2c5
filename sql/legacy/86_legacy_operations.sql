CREATE VIEW legacy.trusted_advisor_checks AS
SELECT legacy.id('trusted_advisor/' || row_key) AS id,
       legacy.account(account_id, 'global') AS account_id,
       name AS check_name,
       category,
       status AS severity,
       description AS recommendation,
       coalesce(resources_flagged, 0) AS affected_resources_count,
       estimated_monthly_savings AS potential_savings,
       refreshed_at AS "timestamp",
       first_seen_at AS created_at,
       check_id,
       account_id AS account,
       'Global'::text AS account_region
FROM obs.trusted_advisor_checks
WHERE deleted_at IS NULL;

CREATE VIEW legacy.health_events AS
SELECT legacy.id('health/' || row_key) AS id,
       legacy.account(account_id, 'global') AS account_id,
       event_arn AS arn,
       service, event_type_code,
       event_region AS region,
       started_at AS start_time,
       ended_at AS end_time,
       status AS status_code,
       first_seen_at AS created_at,
       event_type_category, event_scope, availability_zone,
       event_updated_at AS last_updated_time,
       account_id AS account,
       'Global'::text AS account_region
FROM obs.health_events
WHERE deleted_at IS NULL;

CREATE VIEW legacy.application_signals AS
SELECT legacy.id('signals/' || row_key) AS id,
       legacy.account(account_id, region) AS account_id,
       service_name,
       environment AS namespace,
       key_attributes,
       first_seen_at AS created_at,
       account_id AS account,
       legacy.place(region) AS account_region
FROM obs.application_services
WHERE deleted_at IS NULL;

CREATE VIEW legacy.resilience_hub_apps AS
SELECT legacy.id('resilience/' || row_key) AS id,
       legacy.account(account_id, region) AS account_id,
       app_arn, name, compliance_status,
       resiliency_score::numeric AS resiliency_score,
       status,
       cost_amount AS cost,
       first_seen_at AS created_at,
       description,
       app_created_at AS creation_time,
       coalesce(assessment_ended_at, last_compliance_evaluation_at) AS last_assessment_time,
       policy_az_rpo_seconds AS rpo,
       policy_az_rto_seconds AS rto,
       NULL::timestamptz AS last_drill,
       account_id AS account,
       legacy.place(region) AS account_region
FROM obs.resilience_apps
WHERE deleted_at IS NULL;

CREATE VIEW legacy.support_tickets AS
SELECT legacy.id('case/' || row_key) AS id,
       legacy.account(account_id, 'global') AS account_id,
       case_id, display_id, subject, status, severity_code, service_code, category_code,
       case_created_at AS time_created,
       submitted_by,
       coalesce(case_language, 'en') AS language,
       (case_created_at AT TIME ZONE 'UTC')::date AS date_from,
       (case_created_at AT TIME ZONE 'UTC')::date + 1 AS date_to,
       first_seen_at AS created_at,
       collected_at AS updated_at,
       account_id AS account,
       'Global'::text AS account_region
FROM obs.support_cases
WHERE deleted_at IS NULL;
