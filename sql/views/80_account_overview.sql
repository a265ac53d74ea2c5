-- The first page: a line per account that is collected. It reads summaries alone, and what
-- is made of them, so that it costs what there are accounts.
--
-- Amounts of different currencies are never added up: those of one count, in which the
-- account has the highest costs.
CREATE MATERIALIZED VIEW account_overview AS
WITH collected AS (
    SELECT DISTINCT account_id FROM hub.scope
), newest AS (
    SELECT account_id, max(month) AS month FROM cost_monthly GROUP BY account_id
), amount AS (
    SELECT account_id, currency,
           sum(unblended_cost) FILTER (WHERE c.month = n.month) AS this_month,
           sum(unblended_cost) FILTER (WHERE c.month < n.month) AS last_month
    FROM cost_monthly c JOIN newest n USING (account_id)
    WHERE c.month >= n.month - interval '1 month'
    GROUP BY account_id, currency
), cost AS (
    SELECT DISTINCT ON (account_id) account_id, currency, this_month, last_month
    FROM amount
    ORDER BY account_id, coalesce(this_month, 0) + coalesce(last_month, 0) DESC, currency
), saved AS (
    SELECT account_id, currency, sum(monthly_savings) AS amount FROM savings_opportunities GROUP BY account_id, currency
), saving AS (
    SELECT DISTINCT ON (account_id) s.account_id, s.currency, s.amount
    FROM saved s LEFT JOIN cost c USING (account_id)
    WHERE c.currency IS NULL OR s.currency = c.currency OR s.currency IS NULL
    ORDER BY s.account_id, (s.currency = c.currency) IS TRUE DESC, s.amount DESC NULLS LAST, s.currency
), finding AS (
    SELECT account_id, sum(open_findings)::bigint AS open, sum(open_findings) FILTER (WHERE severity = 'CRITICAL')::bigint AS critical,
           sum(open_findings) FILTER (WHERE severity = 'HIGH')::bigint AS high
    FROM findings_by_product
    WHERE open_findings > 0
    GROUP BY account_id
), rule AS (
    SELECT account_id, coalesce(sum(rules) FILTER (WHERE compliance_type = 'COMPLIANT'), 0)::bigint AS compliant,
           coalesce(sum(rules) FILTER (WHERE compliance_type = 'NON_COMPLIANT'), 0)::bigint AS noncompliant
    FROM summary.config_rules
    GROUP BY account_id
), resource AS (
    SELECT account_id, sum(resources)::bigint AS resources FROM resource_counts GROUP BY account_id
), node AS (
    SELECT account_id, count(*) AS nodes, count(*) FILTER (WHERE ping_status = 'Online') AS online,
           least(sum(greatest(missing_count, 0)), 9e18)::bigint AS missing,
           least(sum(greatest(failed_count, 0)), 9e18)::bigint AS failed
    FROM summary.patch_compliance
    GROUP BY account_id
), health AS (
    SELECT account_id, count(DISTINCT event_arn) AS events FROM summary.health WHERE NOT is_public GROUP BY account_id
), support AS (
    SELECT account_id, sum(open_cases)::bigint AS cases FROM summary.support_load GROUP BY account_id
), product AS (
    SELECT account_id, string_agg(product, ', ' ORDER BY position) AS products FROM account_products GROUP BY account_id
), label AS (
    SELECT account_id, max(value) FILTER (WHERE label = 'environment') AS environment, max(value) FILTER (WHERE label = 'customer') AS customer
    FROM account_labels
    WHERE label IN ('environment', 'customer') AND value <> ''
    GROUP BY account_id
)
SELECT account_id, coalesce(d.account_name, account_id) AS account_name, d.ou_path, d.state, product.products,
       label.environment, label.customer,
       coalesce(cost.currency, saving.currency) AS currency, cost.this_month AS cost_this_month, cost.last_month AS cost_last_month,
       saving.amount AS monthly_savings,
       finding.open AS open_findings, finding.critical AS critical_findings, finding.high AS high_findings,
       rule.compliant AS compliant_rules, rule.noncompliant AS noncompliant_rules,
       resource.resources, node.nodes AS managed_nodes, node.online AS online_nodes,
       node.missing AS missing_patches, node.failed AS failed_patches,
       health.events AS open_health_events, support.cases AS open_cases
FROM collected
LEFT JOIN account_details d USING (account_id)
LEFT JOIN product USING (account_id)
LEFT JOIN label USING (account_id)
LEFT JOIN cost USING (account_id)
LEFT JOIN saving USING (account_id)
LEFT JOIN finding USING (account_id)
LEFT JOIN rule USING (account_id)
LEFT JOIN resource USING (account_id)
LEFT JOIN node USING (account_id)
LEFT JOIN health USING (account_id)
LEFT JOIN support USING (account_id)
WITH NO DATA;

CREATE UNIQUE INDEX account_overview_key ON account_overview (account_id);

COMMENT ON MATERIALIZED VIEW account_overview IS 'The first page: a line per account that is collected, with its costs, findings, compliance, resources, nodes, patches, health, cases and what could be saved. Null: there is none, or it is not collected; coverage says which.';
COMMENT ON COLUMN account_overview.account_id IS 'Account.';
COMMENT ON COLUMN account_overview.account_name IS 'Name of the account, or its number where that is not known.';
COMMENT ON COLUMN account_overview.ou_path IS 'Names of the organizational units from the root to the account. Null: it is in the root, or the management account is not collected.';
COMMENT ON COLUMN account_overview.state IS 'State of the account: PENDING_ACTIVATION, ACTIVE, SUSPENDED, PENDING_CLOSURE or CLOSED. Null: not known.';
COMMENT ON COLUMN account_overview.products IS 'Products of the account, with commas between them.';
COMMENT ON COLUMN account_overview.environment IS 'Label environment of the account.';
COMMENT ON COLUMN account_overview.customer IS 'Label customer of the account.';
COMMENT ON COLUMN account_overview.currency IS 'Currency of all amounts of the row: that in which the account has the highest costs. Costs in others are left out.';
COMMENT ON COLUMN account_overview.cost_this_month IS 'Unblended cost of the newest month that the account has costs of, as a rule not over yet.';
COMMENT ON COLUMN account_overview.cost_last_month IS 'Unblended cost of the month before.';
COMMENT ON COLUMN account_overview.monthly_savings IS 'What would be saved in a month by following savings_opportunities.';
COMMENT ON COLUMN account_overview.open_findings IS 'Open security findings of all severities.';
COMMENT ON COLUMN account_overview.critical_findings IS 'Open security findings of severity CRITICAL.';
COMMENT ON COLUMN account_overview.high_findings IS 'Open security findings of severity HIGH.';
COMMENT ON COLUMN account_overview.compliant_rules IS 'Rules of AWS Config with which all resources comply.';
COMMENT ON COLUMN account_overview.noncompliant_rules IS 'Rules of AWS Config with which a resource does not comply.';
COMMENT ON COLUMN account_overview.resources IS 'Resources, as the view resources has them.';
COMMENT ON COLUMN account_overview.managed_nodes IS 'Nodes that Systems Manager manages.';
COMMENT ON COLUMN account_overview.online_nodes IS 'Nodes with an agent that reports.';
COMMENT ON COLUMN account_overview.missing_patches IS 'Patches that are missing on nodes, added up.';
COMMENT ON COLUMN account_overview.failed_patches IS 'Patches that could not be installed on nodes, added up.';
COMMENT ON COLUMN account_overview.open_health_events IS 'Events of AWS Health that are open or upcoming and about this account alone.';
COMMENT ON COLUMN account_overview.open_cases IS 'Support cases that are not resolved.';
