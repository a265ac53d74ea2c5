package pages

import "github.com/hubspoke/observability/consumers/dashboard/page"

var byProduct = page.Filter{Name: "product", Column: "product_name", Label: "Product",
	Options: `SELECT DISTINCT product_name FROM findings_by_product ORDER BY 1 LIMIT 1000`}

var byRegionOfFindings = page.Filter{Name: "region", Column: "region", Label: "Region",
	Options: `SELECT DISTINCT region FROM findings_by_product ORDER BY 1`}

// findings shows the newest 15 findings. findings_by_product knows when each of its groups was updated
// last: the newest 15 are no older than the fifteenth of these times, so PostgreSQL reads none that
// are older. Otherwise it would read and sort all findings of somebody who sees some accounts. It
// reads all if fewer than 15 are so new, because some were closed after the groups were counted.
var findings = page.Page{
	Name: "findings", Path: "/findings", Title: "Findings", Group: "Security", Key: "f",
	Question: "Which findings are open, where, and are they closed faster than they come?",
	Sources:  []string{"security_findings"},
	Filters:  []page.Filter{byAccount, byRegionOfFindings, bySeverity, byProduct},
	Rollups: map[string]page.Rollup{"trend": {
		{View: "findings_flow", Columns: []string{"severity", "product_name"}},
		{View: "findings_daily", Columns: []string{"account_id", "severity", "product_name"}},
	}},
	Panels: []page.Panel{
		{Title: "Open", As: page.Tiles{}, Link: "?severity={tone}", SQL: `
			SELECT initcap(severity) AS label, sum(open_findings) AS value, severity AS tone
			FROM findings_by_product WHERE open_findings > 0 {where} GROUP BY severity
			ORDER BY array_position(ARRAY['CRITICAL','HIGH','MEDIUM','LOW','INFORMATIONAL','UNKNOWN'], severity)`},
		{Title: "Opened and closed by day", Note: "the last 60 days", Width: 6, As: page.Columns{Signs: "closed ones below the line"}, SQL: `
			WITH change AS (
			    SELECT day, sum(opened) AS opened, sum(closed) AS closed FROM {trend by severity}
			    WHERE day >= current_date - 60 {where account, severity, product} GROUP BY day
			)
			SELECT day, what, findings
			FROM change CROSS JOIN LATERAL (VALUES ('opened', opened), ('closed', -closed)) AS w (what, findings)
			ORDER BY 1, 2 DESC`},
		{Title: "How fast they are closed", Width: 6,
			As: page.Table{Bar: "open", Empty: "No findings."}, SQL: `
			SELECT severity, sum(open_findings) AS open, min(first_observed_at) AS oldest_at, sum(closed_findings) AS closed,
			       round(sum(days_to_close) / nullif(sum(findings_with_days), 0), 1) AS days_on_average
			FROM findings_by_product WHERE true {where} GROUP BY severity
			ORDER BY array_position(ARRAY['CRITICAL','HIGH','MEDIUM','LOW','INFORMATIONAL','UNKNOWN'], severity)`},
		{Title: "By product", Width: 6, Link: "?product={product_name}",
			As: page.Table{Bar: "findings", Empty: "No open findings."}, SQL: `
			SELECT product_name, sum(open_findings) FILTER (WHERE severity = 'CRITICAL') AS critical,
			       sum(open_findings) FILTER (WHERE severity = 'HIGH') AS high, sum(open_findings) AS findings
			FROM findings_by_product WHERE open_findings > 0 {where} GROUP BY product_name ORDER BY findings DESC, product_name LIMIT 12`},
		{Title: "Accounts with most", Width: 6, Link: "?account={account_id}", All: "/rows/open_findings",
			As: page.Table{Bar: "findings", Empty: "No open findings."}, SQL: `
			SELECT account_id, sum(open_findings) FILTER (WHERE severity = 'CRITICAL') AS critical,
			       sum(open_findings) FILTER (WHERE severity = 'HIGH') AS high, sum(open_findings) AS findings
			FROM findings_by_product WHERE open_findings > 0 {where} GROUP BY account_id
			ORDER BY critical DESC NULLS LAST, high DESC NULLS LAST, account_id LIMIT 12`},
		{Title: "Open by day", Note: "at its end, the last 60 days", As: page.Lines{Order: severityOrder}, SQL: `
			WITH change AS (
			    SELECT least(day, current_date) AS day, severity, sum(opened) - sum(closed) AS findings
			    FROM {trend by severity} WHERE day > current_date - 60 {where account, severity, product} GROUP BY 1, 2
			), present AS (
			    SELECT severity, sum(open_findings) AS findings FROM findings_by_product
			    WHERE true {where account, severity, product} GROUP BY severity
			)
			SELECT day, severity, present.findings - coalesce(sum(change.findings) OVER later, 0) AS findings
			FROM present CROSS JOIN (SELECT current_date - d AS day FROM generate_series(0, 60) d) days
			LEFT JOIN change USING (severity, day)
			WINDOW later AS (PARTITION BY severity ORDER BY day DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
			ORDER BY 1, 2`},
		{Title: "Findings", Note: "open, newest first", All: "/rows/findings?is_open=true&sort=-finding_updated_at",
			As: page.Table{Hidden: []string{"resource_type"}, Empty: "No open findings."}, SQL: `
			WITH newest AS (
			    SELECT last_updated_at FROM findings_by_product WHERE open_findings > 0 {where}
			    ORDER BY last_updated_at DESC NULLS LAST OFFSET 14 LIMIT 1
			), recent AS MATERIALIZED (
			    SELECT severity, title, account_id, region, resource_type, resource_id, finding_updated_at AS updated_at
			    FROM findings WHERE is_open AND finding_updated_at >= (SELECT last_updated_at FROM newest) {where}
			    ORDER BY finding_updated_at DESC NULLS LAST LIMIT 15
			), all_times AS (
			    SELECT severity, title, account_id, region, resource_type, resource_id, finding_updated_at AS updated_at
			    FROM findings WHERE is_open AND (SELECT count(*) FROM recent) < 15 {where}
			    ORDER BY finding_updated_at DESC NULLS LAST LIMIT 15
			)
			SELECT * FROM recent WHERE (SELECT count(*) FROM recent) = 15
			UNION ALL SELECT * FROM all_times ORDER BY updated_at DESC NULLS LAST`},
	},
}

// controls has no filter by product: Security Hub makes the findings of all controls.
var controls = page.Page{
	Name: "controls", Path: "/controls", Title: "Controls", Group: "Security",
	Question: "Which controls fail most? Fix one, and many findings close.",
	Sources:  []string{"security_findings"},
	Filters:  []page.Filter{byAccount, byRegionOfFindings, bySeverity},
	Rollups: map[string]page.Rollup{"controls": {
		{View: "failing_controls", Columns: []string{"region", "control", "severity"}},
		{View: "findings_by_control", Columns: []string{"account_id", "region", "control", "severity"}},
	}},
	Panels: []page.Panel{
		{Title: "Controls that fail most",
			Note: "controls of Security Hub, by open findings; an account counts once for each region",
			Link: "/rows/findings?control={control}&severity={severity}&is_open=true&sort=-finding_updated_at",
			All:  "/rows/findings_by_control?sort=-findings",
			As:   page.Table{Bar: "findings", Empty: "No control fails."}, SQL: `
			SELECT control, min(title) AS title, severity, sum(places) AS accounts_and_regions, sum(findings) AS findings
			FROM {controls by control, severity} WHERE true {where} GROUP BY control, severity ORDER BY findings DESC, control, severity LIMIT 50`},
	},
}
