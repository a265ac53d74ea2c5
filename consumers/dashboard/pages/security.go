package pages

import "github.com/hubspoke/observability/consumers/dashboard/page"

var attention = page.Page{
	Name: "attention", Path: "/attention", Title: "Attention", Group: "Security", Key: "t",
	Question: "What expires, is not rotated, failed or will be deleted?",
	Filters: []page.Filter{
		byAccount,
		{Name: "region", Column: "region", Label: "Region", Options: `SELECT DISTINCT region FROM attention_facts ORDER BY 1`},
		{Name: "severity", Column: "severity", Label: "Severity", Options: `VALUES ('CRITICAL'), ('HIGH'), ('MEDIUM'), ('LOW')`},
		{Name: "kind", Column: "kind", Label: "Kind", Options: `SELECT DISTINCT kind FROM attention_facts ORDER BY 1`},
	},
	Panels: []page.Panel{
		{Title: "Now", As: page.Tiles{}, Link: "?severity={tone}", SQL: `
			SELECT initcap(severity) AS label, count(*) AS value, severity AS tone FROM needs_attention WHERE true {where}
			GROUP BY severity, severity_order ORDER BY severity_order`},
		{Title: "Due", Note: "in the next 45 days", Width: 6,
			As: page.Columns{Order: severityOrder}, SQL: `
			WITH due AS (
			    SELECT days_left, severity, count(*) AS resources FROM needs_attention
			    WHERE due_at >= now() AND due_at < now() + interval '1104 hours' {where} GROUP BY 1, 2
			)
			SELECT current_date + d AS day, severity, resources FROM generate_series(0, 45) d LEFT JOIN due ON days_left = d
			WHERE EXISTS (SELECT FROM due) ORDER BY d`},
		{Title: "What is wrong", Width: 6, Link: "/rows/needs_attention?issue={issue}&severity={severity}",
			As: page.Table{Bar: "resources", Empty: "Nothing needs attention."}, SQL: `
			WITH account AS (
			    SELECT issue, severity, severity_order, account_id, count(*) AS resources FROM needs_attention WHERE true {where} GROUP BY 1, 2, 3, 4
			)
			SELECT issue, severity, count(*) AS accounts, sum(resources)::bigint AS resources FROM account
			GROUP BY severity, severity_order, issue ORDER BY severity_order, resources DESC, issue LIMIT 12`},
		{Title: "Resources", Note: "most urgent first", All: "/rows/needs_attention?sort=severity_order",
			As: page.Table{Empty: "Nothing needs attention."}, SQL: `
			SELECT severity, days_left, kind, resource_name, account_id, region, reason FROM needs_attention WHERE true {where}
			ORDER BY severity_order, due_at NULLS LAST, resource_arn LIMIT 50`},
	},
}

var compliance = page.Page{
	Name: "compliance", Path: "/compliance", Title: "Compliance", Group: "Security", Key: "m",
	Question: "Which rules of AWS Config are violated, where, and is it getting better?",
	Sources:  []string{"config_rules", "conformance_packs", "config_noncompliant_resources"},
	Filters: []page.Filter{
		byAccount,
		{Name: "region", Column: "region", Label: "Region", Options: `SELECT DISTINCT region FROM compliance_by_rule ORDER BY 1`},
	},
	Panels: []page.Panel{
		{Title: "Rules", As: page.Tiles{}, SQL: `
			SELECT initcap(replace(compliance_type, '_', ' ')) AS label, count(*) AS value, compliance_type AS tone, 'rules' AS note
			FROM compliance_by_rule WHERE compliance_type IS NOT NULL {where} GROUP BY 1, 3
			UNION ALL SELECT 'Resources that do not comply', sum(noncompliant_resources), 'high', 'a resource counts with each rule'
			FROM compliance_by_rule WHERE compliance_type = 'NON_COMPLIANT' {where}
			ORDER BY label`},
		{Title: "Rules that are violated most", Width: 7, Link: "/rows/compliance_by_rule?rule_name={rule_name}",
			As: page.Table{Bar: "resources", Empty: "No rule is violated."}, SQL: `
			SELECT rule_name, count(DISTINCT account_id) AS accounts, sum(noncompliant_resources) AS resources, max(newest_result_at) AS newest_at
			FROM compliance_by_rule WHERE compliance_type = 'NON_COMPLIANT' {where}
			GROUP BY rule_name ORDER BY resources DESC NULLS LAST, accounts DESC, rule_name LIMIT 15`},
		{Title: "Accounts that violate most", Width: 5, Link: "?account={account_id}",
			As: page.Table{Bar: "resources", Empty: "No account violates a rule."}, SQL: `
			SELECT account_id, count(*) AS rules, sum(noncompliant_resources) AS resources
			FROM compliance_by_rule WHERE compliance_type = 'NON_COMPLIANT' {where}
			GROUP BY account_id ORDER BY resources DESC NULLS LAST, rules DESC, account_id LIMIT 15`},
		{Title: "Accounts and rules", Note: "resources that do not comply, of the 25 accounts and 25 rules with most",
			Link: "/rows/compliance_by_rule?account_id={account_id}&rule_name={rule_name}", All: "/rows/compliance_by_rule",
			As: page.Matrix{Empty: "No rule is violated."}, SQL: `
			WITH violated AS (
			    SELECT account_id, rule_name, sum(noncompliant_resources) AS resources
			    FROM compliance_by_rule WHERE compliance_type = 'NON_COMPLIANT' {where} GROUP BY 1, 2
			), account AS (
			    SELECT account_id, sum(resources) AS total FROM violated GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 1 LIMIT 25
			), rule AS (
			    SELECT rule_name, sum(resources) AS total FROM violated GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 1 LIMIT 25
			)
			SELECT account_id, rule_name, resources
			FROM account CROSS JOIN rule LEFT JOIN violated USING (account_id, rule_name)
			ORDER BY account.total DESC NULLS LAST, account_id, rule.total DESC NULLS LAST, rule_name`},
		{Title: "Rules violated by day", Note: "the last 60 days, from the first that the hub wrote down",
			All: "/rows/compliance_history?sort=-day", As: page.Lines{Empty: notWrittenDown}, SQL: `
			SELECT day, sum(noncompliant_rules) AS rules FROM compliance_history WHERE day >= current_date - 60 {where}
			GROUP BY 1 ORDER BY 1`},
		{Title: "Conformance packs", Note: "lowest score first", All: "/rows/compliance_by_pack",
			As: page.Table{Empty: "No conformance pack is deployed."}, SQL: `
			SELECT pack_name, account_id, region, compliance_status, score_percentage, noncompliant_rule_count AS rules_violated,
			       rule_count AS rules, noncompliant_resources AS resources, score_updated_at
			FROM compliance_by_pack WHERE true {where} ORDER BY score_percentage NULLS LAST, pack_name, account_id LIMIT 25`},
	},
}
