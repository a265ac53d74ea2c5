package pages

import "github.com/hubspoke/observability/consumers/dashboard/page"

var accounts = page.Page{
	Name: "accounts", Path: "/accounts", Title: "Accounts", Key: "a",
	Question: "How is each account?",
	Filters: []page.Filter{
		byAccount,
		{Name: "environment", Column: "environment", Label: "Environment",
			Options: `SELECT DISTINCT environment FROM account_overview WHERE environment IS NOT NULL ORDER BY 1`},
		{Name: "state", Column: "state", Label: "State",
			Options: `SELECT DISTINCT state FROM account_overview WHERE state IS NOT NULL ORDER BY 1`},
	},
	Panels: []page.Panel{
		{Title: "All accounts",
			Note: "the first 500 by critical and high findings; amounts are in the currency of the account",
			Link: "/accounts/{account_id}", All: "/rows/account_overview",
			As: page.Table{Bar: "findings", Empty: "No account is collected yet."}, SQL: `
			SELECT account_id, critical_findings AS critical, high_findings AS high, open_findings AS findings,
			       noncompliant_rules AS rules_violated, missing_patches AS patches, open_health_events AS events, open_cases AS cases,
			       resources, monthly_savings AS savings, cost_last_month, cost_this_month
			FROM account_overview WHERE true {where}
			ORDER BY critical DESC NULLS LAST, high DESC NULLS LAST, account_id LIMIT 500`},
	},
}

var account = page.Page{
	Name: "account", Path: "/accounts/{account}", Title: "Account",
	Question: "What is in this account?",
	Filters:  []page.Filter{byAccount, byCurrency},
	Panels: []page.Panel{
		{Title: "Now", As: page.Tiles{}, SQL: `
			SELECT t.* FROM account_overview, LATERAL (VALUES
			    ('Critical findings open', critical_findings, 'critical', '/findings?severity=CRITICAL&account=' || account_id),
			    ('High findings open', high_findings, 'high', '/findings?severity=HIGH&account=' || account_id),
			    ('Rules violated', noncompliant_rules, 'medium', '/compliance?account=' || account_id),
			    ('Patches missing', missing_patches, 'medium', '/inventory?account=' || account_id),
			    ('Health events open', open_health_events, '', '/operations?account=' || account_id),
			    ('Resources', resources, '', '/inventory?account=' || account_id)
			) AS t (label, value, tone, link) WHERE true {where account}`},
		costByDay, openFindings,
		{Title: "Needs attention", Note: "most urgent first", All: "/attention",
			As: page.Table{Empty: "Nothing needs attention."}, SQL: `
			SELECT severity, days_left, kind, resource_name, reason FROM needs_attention WHERE true {where account}
			ORDER BY severity_order, days_left NULLS LAST, resource_arn LIMIT 10`},
		{Title: "Resources", Note: "by type", Width: 5, All: "/inventory",
			Link: "/rows/resources?resource_type={resource_type}",
			As:   page.Table{Bar: "resources", Empty: "No resources."}, SQL: `
			SELECT resource_type, service, sum(resources) AS resources FROM resource_counts WHERE true {where account}
			GROUP BY 1, 2 ORDER BY resources DESC, 1 LIMIT 10`},
		{Title: "Services that cost most", Note: "the last 30 days", Width: 7, All: "/costs",
			As: page.Table{Bar: "cost", Empty: "No costs are known."}, SQL: `
			SELECT service, sum(unblended_cost) AS cost FROM cost_daily WHERE usage_date >= current_date - 30 {where}
			GROUP BY 1 ORDER BY cost DESC NULLS LAST LIMIT 10`},
		{Title: "Categories", Note: "what is collected here, how old it is, and why it is not fresh",
			Link: "/rows/current_{category}", All: "/rows/coverage", As: page.Table{Empty: "Nothing is collected here."}, SQL: `
			SELECT category, rows, status, complete_run_at, reason
			FROM coverage LEFT JOIN (
			    SELECT category, sum(live_rows) AS rows FROM scope_status WHERE true {where account} GROUP BY 1
			) r USING (category)
			WHERE status <> 'never seen' {where account} ORDER BY status IN ('fresh', 'off'), category`},
	},
}
