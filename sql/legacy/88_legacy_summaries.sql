-- The views that are more than a table and its account.
CREATE VIEW legacy.view_accounts AS
SELECT a.*, c.account, c.account_category, c.account_partner, c.account_customer, c.account_full, c.project_product_name
FROM legacy.accounts a JOIN legacy.account_card c ON c.account = a.account_id;

CREATE VIEW legacy.view_products AS
SELECT p.*,
       NULL::text AS account, NULL::text AS account_region, NULL::text AS account_name, NULL::text AS account_type,
       NULL::text AS account_category, NULL::text AS account_status, NULL::text AS account_partner,
       NULL::text AS account_customer, NULL::text AS account_full,
       p.name AS project_product_name
FROM legacy.products p;

CREATE VIEW legacy.view_acct_products AS
SELECT p.*, l.account, l.account_region, c.account_name, c.account_type, c.account_category, c.account_status, c.account_partner,
       c.account_customer, c.account_full, c.project_product_name
FROM legacy.products p
JOIN legacy.product_accounts l ON l.product_id = p.id
JOIN legacy.account_card c ON c.account = l.account;

-- A node has one row, and so has each of its applications.
CREATE VIEW legacy.view_inventory_applications AS
SELECT t.name,
       i.id AS ii_id, i.account_id AS ii_account_id, i.instance_id AS ii_instance_id,
       i.instance_type, i.platform, i.ip_address, i.computer_name, i.ping_status, i.last_ping_date_time, i.agent_version,
       i.platform_type, i.platform_version, i.is_latest_version, i.association_status,
       i.association_execution_date, i.association_success_date,
       i.created_at AS ii_created_at,
       t.account, t.account_region, c.account_name, c.account_type, c.account_category, c.account_status, c.account_partner,
       c.account_customer, c.account_full, c.project_product_name,
       t.version, t.publisher, t.architecture, t.application_type, t.install_time
FROM legacy.inventory_applications t
JOIN legacy.inventory_instances i ON i.account = t.account AND i.account_region = t.account_region AND i.instance_id = t.node
LEFT JOIN legacy.account_card c ON c.account = t.account;

CREATE VIEW legacy.view_service_resources_summary AS
SELECT t.account AS account_id, t.account_region, c.account_name, c.account_type, c.account_category, c.account_status, c.account_partner,
       c.account_customer,
       t.service_name, t.resource_type,
       t.region AS resource_region,
       t.availability_zone,
       count(*) AS resource_count,
       count(*) FILTER (WHERE lower(t.state) IN ('running', 'available', 'active', 'in-use', 'active_impaired')) AS active_resources,
       count(*) FILTER (WHERE lower(t.state) IN ('stopped', 'inactive', 'stopping', 'failed')) AS inactive_resources
FROM legacy.service_resources t LEFT JOIN legacy.account_card c ON c.account = t.account
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12;

-- Figures of each row of accounts: costs, which have no region, are on the row Global alone.
-- Names of services are cut, and no account has more than 1,000 of them a month.
CREATE VIEW legacy.account_figures AS
WITH month AS (
    SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date AS this_month,
           (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month')::date AS last_month
), report AS (
    SELECT DISTINCT ON (account) *
    FROM legacy.cost_reports
    ORDER BY account, period_end DESC
), service AS (
    SELECT account_id, count(*) AS lines, count(DISTINCT service) AS services, sum(unblended_cost) AS cost,
           string_agg(DISTINCT left(service, 128), ', ') AS names
    FROM summary.cost_days, month
    WHERE usage_date >= this_month
    GROUP BY account_id
), monthly AS (
    SELECT account_id,
           sum(unblended_cost) FILTER (WHERE usage_date >= this_month) AS cost,
           sum(unblended_cost) FILTER (WHERE usage_date < this_month) AS cost_before
    FROM summary.cost_days, month
    WHERE usage_date >= last_month
    GROUP BY account_id
), finding AS (
    SELECT account, account_region,
           sum(total_findings)::bigint AS total, sum(open_findings)::bigint AS open, sum(resolved_findings)::bigint AS resolved,
           sum(critical_count)::bigint AS critical, sum(high_count)::bigint AS high,
           sum(medium_count)::bigint AS medium, sum(low_count)::bigint AS low
    FROM legacy.security
    GROUP BY account, account_region
), node AS (
    SELECT account_id, legacy.place(region) AS region, count(*) AS nodes, count(*) FILTER (WHERE ping_status = 'Online') AS online
    FROM obs.ssm_instances
    WHERE deleted_at IS NULL
    GROUP BY account_id, region
), product AS (
    SELECT account_id, count(*) AS products FROM public.account_products GROUP BY account_id
)
SELECT a.account_id AS account,
       a.region AS account_region,
       report.period_granularity,
       report.period_start AS date_from,
       report.period_end AS date_to,
       round(report.current_period_cost, 2) AS current_period_cost,
       round(report.previous_period_cost, 2) AS previous_period_cost,
       round(report.cost_difference, 2) AS cost_difference,
       round(report.cost_difference_percentage, 4) AS cost_difference_percentage,
       round(report.potential_monthly_savings, 2) AS potential_savings,
       service.lines AS service_count,
       service.services AS unique_services,
       round(service.cost, 2) AS total_service_cost,
       service.names AS services_used,
       monthly.cost AS month_cost,
       CASE WHEN monthly.cost_before > 0 THEN (monthly.cost - monthly.cost_before) / monthly.cost_before * 100 END AS month_trend,
       finding.total AS total_findings,
       finding.open AS open_findings,
       finding.resolved AS resolved_findings,
       finding.critical AS critical_findings,
       finding.high AS high_findings,
       finding.medium AS medium_findings,
       finding.low AS low_findings,
       round(finding.resolved::numeric / nullif(finding.total, 0), 4) AS security_resolution_rate,
       node.nodes,
       node.online,
       coalesce(product.products, 0) AS number_of_products,
       ((now() AT TIME ZONE 'UTC')::date - (a.joined_timestamp AT TIME ZONE 'UTC')::date)::numeric AS account_age_days
FROM legacy.accounts a
LEFT JOIN report ON report.account = a.account_id AND report.account_region = a.region
LEFT JOIN service ON service.account_id = a.account_id AND a.region = 'Global'
LEFT JOIN monthly ON monthly.account_id = a.account_id AND a.region = 'Global'
LEFT JOIN finding ON finding.account = a.account_id AND finding.account_region = a.region
LEFT JOIN node ON node.account_id = a.account_id AND node.region = a.region
LEFT JOIN product ON product.account_id = a.account_id;

CREATE VIEW legacy.view_summary AS
SELECT a.id AS account_id, c.account, a.region AS account_region, c.account_name, c.account_type, c.account_category, c.account_status,
       c.account_partner, c.account_customer, c.account_full,
       a.csp AS account_csp,
       f.number_of_products, f.period_granularity, f.date_from, f.date_to, f.current_period_cost, f.previous_period_cost,
       f.cost_difference, f.cost_difference_percentage, f.potential_savings, f.service_count, f.unique_services, f.total_service_cost,
       f.services_used, f.total_findings, f.open_findings, f.resolved_findings, f.critical_findings, f.high_findings,
       f.medium_findings, f.low_findings, f.security_resolution_rate,
       a.account_email, a.joined_method, a.joined_timestamp, f.account_age_days
FROM legacy.accounts a
JOIN legacy.account_figures f ON f.account = a.account_id AND f.account_region = a.region
JOIN legacy.account_card c ON c.account = a.account_id;

-- No findings is not the same as nothing known about findings: that has no score.
CREATE VIEW legacy.view_acct_summary AS
SELECT a.*, c.account, a.region AS account_region, c.account_category, c.account_partner, c.account_customer, c.account_full,
       c.project_product_name,
       coalesce(f.month_cost, 0) AS latest_cost,
       coalesce(f.month_trend, 0) AS cost_trend_percentage,
       coalesce(f.potential_savings, 0) AS savings_opportunity,
       coalesce(f.total_findings, 0) AS security_findings,
       coalesce(f.critical_findings, 0) AS critical_findings,
       coalesce(f.high_findings, 0) AS high_findings,
       coalesce(f.nodes, 0) AS instance_count,
       coalesce(f.online, 0) AS running_instances,
       CASE WHEN f.total_findings IS NULL THEN NULL
            WHEN f.critical_findings > 0 THEN 1
            WHEN f.high_findings > 0 THEN 2
            WHEN f.medium_findings > 0 THEN 3
            WHEN f.low_findings > 0 THEN 4
            ELSE 5 END AS security_health_score
FROM legacy.accounts a
JOIN legacy.account_figures f ON f.account = a.account_id AND f.account_region = a.region
JOIN legacy.account_card c ON c.account = a.account_id;

-- Each product of an account has its share: amounts are divided by their number.
CREATE VIEW legacy.view_product_summary AS
SELECT a.id AS account_id, c.account, a.region AS account_region, c.account_name, c.account_full,
       p.name AS project_product_name,
       a.csp AS account_csp, c.account_type, c.account_category, c.account_status, c.account_partner, c.account_customer,
       p.id AS product_id, p.owner AS product_owner, p.position AS product_position, p.description AS product_description,
       f.period_granularity, f.date_from, f.date_to,
       round(f.current_period_cost / n.products, 2) AS current_period_cost,
       round(f.previous_period_cost / n.products, 2) AS previous_period_cost,
       round(f.cost_difference / n.products, 2) AS cost_difference,
       f.cost_difference_percentage,
       round(f.potential_savings / n.products, 2) AS potential_savings,
       f.service_count, f.unique_services,
       round(f.total_service_cost / n.products, 2) AS total_service_cost,
       f.services_used, f.total_findings, f.open_findings, f.resolved_findings, f.critical_findings, f.high_findings,
       f.medium_findings, f.low_findings, f.security_resolution_rate,
       a.account_email, a.joined_method, a.joined_timestamp, f.account_age_days,
       n.products AS products_of_account
FROM legacy.accounts a
JOIN legacy.account_figures f ON f.account = a.account_id AND f.account_region = a.region
JOIN legacy.account_card c ON c.account = a.account_id
CROSS JOIN LATERAL (SELECT greatest(f.number_of_products, 1) AS products) n
LEFT JOIN legacy.product_accounts l ON l.account = a.account_id AND l.account_region = a.region
LEFT JOIN legacy.products p ON p.id = l.product_id;

CREATE VIEW legacy.view_acct_security_findings_summary AS
SELECT s.account, s.account_region, c.account_name, c.account_type, c.account_category, c.account_status, c.account_partner,
       c.account_customer, c.account_full, c.project_product_name,
       s.service, s.total_findings, s.critical_count, s.high_count, s.medium_count, s.low_count, s.informational_count,
       s.open_findings, s.resolved_findings,
       coalesce(w.suppressed, 0)::bigint AS suppressed_count,
       coalesce(w.notified, 0)::bigint AS in_progress_count,
       s.open_findings AS active_issues,
       s.account_region AS region_finding,
       s.resolved_findings AS resolved_count,
       CASE WHEN s.critical_count > 0 THEN 'CRITICAL'
            WHEN s.high_count > 0 THEN 'HIGH'
            WHEN s.medium_count > 0 THEN 'MEDIUM'
            WHEN s.low_count > 0 THEN 'LOW'
            WHEN s.informational_count > 0 THEN 'INFORMATIONAL'
            ELSE 'CLEAN' END AS severity,
       round(s.resolved_findings::numeric / nullif(s.total_findings, 0) * 100, 2) AS resolution_rate_percent,
       CASE WHEN s.critical_count > 0 THEN 'Critical'
            WHEN s.high_count > 0 THEN 'High'
            WHEN s.medium_count > 0 THEN 'Medium'
            WHEN s.low_count > 0 THEN 'Low'
            ELSE 'Clean' END AS risk_level,
       s.created_at, s.updated_at
FROM legacy.security s
LEFT JOIN legacy.account_card c ON c.account = s.account
LEFT JOIN (
    SELECT account_id, legacy.place(region) AS region, product_name,
           sum(findings) FILTER (WHERE workflow_status = 'SUPPRESSED') AS suppressed,
           sum(findings) FILTER (WHERE workflow_status = 'NOTIFIED') AS notified
    FROM public.findings_summary
    WHERE record_state <> 'ARCHIVED'
    GROUP BY account_id, region, product_name
) w ON w.account_id = s.account AND w.region = s.account_region AND w.product_name = s.service;

CREATE VIEW legacy.view_compute_optimizer_summary AS
SELECT t.account, t.account_region, c.account_name, c.account_type, c.account_category, c.account_status, c.account_partner,
       c.account_customer, c.account_full, c.project_product_name,
       t.resource_type, t.finding,
       count(*) AS resource_count,
       sum(t.estimated_monthly_savings_usd) AS total_monthly_savings,
       avg(t.savings_opportunity_percentage) AS avg_savings_percentage,
       avg(t.performance_risk) AS avg_performance_risk,
       count(*) FILTER (WHERE upper(t.finding) NOT IN ('OPTIMIZED', 'UNAVAILABLE')) AS not_optimized_count,
       count(*) FILTER (WHERE t.estimated_monthly_savings_usd > 0) AS savings_opportunities
FROM legacy.compute_optimizer t LEFT JOIN legacy.account_card c ON c.account = t.account
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12;
