-- A day's compliance is what the hub wrote down on that day.
CREATE VIEW legacy.config_reports AS
WITH day AS (
    SELECT day, account_id, region,
           coalesce(sum(value) FILTER (WHERE measure = 'config.rules' AND dimension = 'COMPLIANT'), 0) AS compliant,
           coalesce(sum(value) FILTER (WHERE measure = 'config.rules' AND dimension = 'NON_COMPLIANT'), 0) AS noncompliant,
           coalesce(sum(value) FILTER (WHERE measure = 'config.rules_evaluated' AND dimension = 'COMPLIANT'), 0) AS now_compliant,
           coalesce(sum(value) FILTER (WHERE measure = 'config.rules_evaluated' AND dimension = 'NON_COMPLIANT'), 0) AS now_noncompliant,
           max(recorded_at) AS recorded_at
    FROM history.daily_measures
    WHERE measure IN ('config.rules', 'config.rules_evaluated')
    GROUP BY day, account_id, region
)
SELECT legacy.id('config/' || account_id || '/' || region || '/' || day) AS id,
       legacy.account(account_id, region) AS account_id,
       day AS date_from,
       day + 1 AS date_to,
       CASE WHEN compliant + noncompliant > 0 THEN round(compliant / (compliant + noncompliant) * 100, 2) END AS compliance_score,
       (compliant + noncompliant)::bigint AS total_rules,
       compliant::bigint AS compliant_rules,
       noncompliant::bigint AS non_compliant_rules,
       now_noncompliant::bigint AS curr_non_compliant,
       now_compliant::bigint AS curr_compliant,
       recorded_at AS created_at,
       account_id AS account,
       legacy.place(region) AS account_region
FROM day;

-- The report that a result belongs to is the newest of its account and region.
CREATE VIEW legacy.non_compliant_resources AS
SELECT legacy.id('noncompliant/' || n.row_key || '/' || coalesce(p.pack_name, '')) AS id,
       legacy.id('config/' || n.account_id || '/' || n.region || '/' || r.day) AS config_report_id,
       n.resource_type, n.resource_id, n.compliance_type, n.rule_name,
       coalesce(n.result_recorded_at, n.first_seen_at) AS created_at,
       n.annotation, n.evaluation_mode,
       coalesce(p.pack_name, 'Standalone') AS conformance_pack,
       'OPEN'::text AS status,
       n.account_id AS account,
       legacy.place(n.region) AS account_region
FROM obs.config_noncompliant_resources n
LEFT JOIN (SELECT DISTINCT account_id, region, rule_name, pack_name FROM public.conformance_pack_rules) p
    ON p.account_id = n.account_id AND p.region = n.region AND p.rule_name = n.rule_name
LEFT JOIN (SELECT account_id, region, max(day) AS day FROM history.daily_measures WHERE measure = 'config.rules' GROUP BY account_id, region) r
    ON r.account_id = n.account_id AND r.region = n.region
WHERE n.deleted_at IS NULL;

CREATE VIEW legacy.config_inventory AS
SELECT legacy.id('config_inventory/' || row_key) AS id,
       legacy.account(account_id, region) AS account_id,
       resource_type,
       subtype AS resource_subtype,
       resource_id, resource_name,
       coalesce(resource_region, region) AS region,
       availability_zone, state, instance_type,
       CASE WHEN resource_type LIKE 'AWS::RDS::%' THEN instance_type END AS instance_class,
       engine, vpc_id, size_gb, volume_type,
       resource_created_at AS creation_date,
       multi_az, scheme,
       subtype AS type,
       instance_count, min_size, max_size, available_ip_count,
       first_seen_at AS created_at,
       coalesce(captured_at, collected_at) AS updated_at,
       account_id AS account,
       legacy.place(region) AS account_region
FROM obs.config_resources
WHERE deleted_at IS NULL;
