package pages

import "github.com/hubspoke/observability/consumers/dashboard/page"

var overview = page.Page{
	Name: "overview", Path: "/", Title: "Overview", Key: "o",
	Question: "Is something wrong, and can I trust what I see?",
	Filters:  []page.Filter{byAccount, byCurrency},
	Panels: []page.Panel{
		{Title: "Now", As: page.Tiles{}, SQL: `
			WITH o AS (
			    SELECT count(*) AS accounts, sum(critical_findings) AS critical, sum(high_findings) AS high,
			           sum(noncompliant_rules) AS rules, sum(open_health_events) AS events
			    FROM account_overview WHERE true {where account}
			)
			SELECT t.* FROM o, LATERAL (VALUES
			    ('Critical findings open', critical, 'critical', '/findings?severity=CRITICAL'),
			    ('High findings open', high, 'high', '/findings?severity=HIGH'),
			    ('Need attention now', (SELECT count(*) FROM needs_attention WHERE severity IN ('CRITICAL', 'HIGH') {where account}),
			     'medium', '/attention'),
			    ('Rules violated', rules, 'medium', '/compliance'),
			    ('Health events open', events, '', '/operations'),
			    ('Sources stale', (SELECT count(*) FROM freshness WHERE red {where account}), 'high', '/freshness?red=true'),
			    ('Accounts', accounts, '', '/accounts')
			) AS t (label, value, tone, link)`},
		costByDay, openFindings,
		{Title: "Look here first", Note: "accounts by critical and high findings", Link: "/accounts/{account_id}",
			All: "/accounts",
			As:  page.Table{Bar: "findings", Empty: "No account has open findings."}, SQL: `
			WITH a AS (
			    SELECT * FROM account_overview WHERE open_findings > 0 {where account}
			    ORDER BY critical_findings DESC NULLS LAST, high_findings DESC NULLS LAST, account_id LIMIT 12
			)
			SELECT account_id, critical_findings AS critical, high_findings AS high, open_findings AS findings,
			       noncompliant_rules AS rules_violated, missing_patches, monthly_savings, cost_this_month,
			       (SELECT array_agg(cost ORDER BY day) FROM (
			            SELECT usage_date AS day, sum(unblended_cost) AS cost FROM account_cost_daily c
			            WHERE c.account_id = a.account_id AND usage_date >= current_date - 30 {where currency} GROUP BY 1) d) AS cost_trend
			FROM a ORDER BY critical DESC NULLS LAST, high DESC NULLS LAST, account_id`},
	},
}

// costByDay is on pages with the filters account and currency.
var costByDay = page.Panel{
	Title: "Cost by day", Note: "unblended, the last 60 days; the newest may still change", Width: 8,
	As: page.Columns{Unit: page.Money, Signs: "those are pale"}, SQL: `
	SELECT usage_date AS day, sum(unblended_cost) AS cost, bool_or(estimated) AS soft
	FROM account_cost_daily WHERE usage_date >= current_date - 60 {where} GROUP BY 1 ORDER BY 1`,
}

// openFindings is on pages with the filter account.
var openFindings = page.Panel{
	Title: "Open findings", Width: 4, As: page.Shares{}, Link: "/findings?severity={label}", SQL: `
	SELECT severity AS label, sum(open_findings) AS value FROM findings_by_product WHERE open_findings > 0 {where account} GROUP BY severity
	ORDER BY array_position(ARRAY['CRITICAL','HIGH','MEDIUM','LOW','INFORMATIONAL','UNKNOWN'], severity)`,
}
